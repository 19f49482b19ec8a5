package conversation

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
)

// Observer is told what an engine does with runs, for traces and metrics. Set
// it as Config.Observer.
//
// Its methods, and those of the RunObservers it returns, are called in the midst
// of the engine's work, some with a turn's lock held: they must return soon, and
// must not call the Turn or the Engine. What they are given belongs to the engine:
// it may be read during the call, and not changed. One that panics is logged, and
// changes nothing.
type Observer interface {
	// Carry returns what of a caller's context goes along with the run that the
	// caller starts, such as the id of its trace. It is stored with the run, so
	// that it is there however late the run begins, and in whichever process.
	// What is above 4 KiB or no text that can be stored is dropped. Calls run
	// concurrently.
	Carry(ctx context.Context) map[string]string

	// BeginRun says that this engine begins an attempt at a run. ctx is what the
	// Responder would get; it gets the one that BeginRun returns instead, which
	// must be made from ctx. A nil RunObserver asks for nothing more. Calls run
	// concurrently.
	//
	// A run that ends without ever having begun, because it was stopped or timed
	// out in the queue, is not told of.
	BeginRun(ctx context.Context, begin *RunBegin) (context.Context, RunObserver)
}

// RunObserver is told of one attempt at a run. Its methods are called one after
// the other, though not by the same goroutine; End is the last.
type RunObserver interface {
	// Step says that the Responder begins an iteration, numbered from 1.
	Step(number int)
	// ToolCall says that the model has called a tool; client says that it is one of
	// the client's own.
	ToolCall(call ToolCall, client bool)
	// ToolResult says what a tool of an MCP server has answered, or that its call
	// was given up.
	ToolResult(result Part)
	// End says how the attempt ended.
	End(end *RunEnd)
}

// RunBegin is what is known of a run when an attempt at it begins.
type RunBegin struct {
	Tenant string
	Run    *Run // as it was when the attempt began, without secrets

	// Conversation is as the run found it, without secrets; nil when it could not
	// be read.
	Conversation *Conversation

	// Claimed says that the engine took the run over: from the queue, or, when
	// Run.Attempt is above 1, from a process that died or shut down.
	Claimed bool

	// QueueWait is the time between the start of the turn and the first attempt, by
	// the store's clock. It is 0 from the second attempt on.
	QueueWait time.Duration

	// Carried is what Carry returned when the run was started.
	Carried map[string]string
}

// RunEnd is how an attempt at a run ended.
type RunEnd struct {
	Outcome    RunOutcome
	Run        *Run  // as it ended; nil unless Outcome is OutcomeEnded
	Usage      Usage // of this attempt
	Iterations int   // of this attempt
}

// RunOutcome says what an attempt at a run came to.
type RunOutcome string

// The outcomes.
const (
	OutcomeEnded      RunOutcome = "ended"       // the run is over; its status says how
	OutcomeHandedOver RunOutcome = "handed_over" // the engine shut down, and another goes on
	OutcomeLost       RunOutcome = "lost"        // the engine no longer held the run
)

// observation is what an attempt tells. A nil one tells nothing, and costs nothing.
type observation struct {
	e       *Engine
	run     uuid.UUID
	to      RunObserver
	outcome RunOutcome // unless the run ends here
	over    bool
}

// observe tells the Observer that the attempt begins, with its turn as far as it
// could be read.
func (a *attempt) observe(claimed bool) {
	if a.e.cfg.Observer == nil {
		return
	}
	run := *a.turn.run
	run.ConversationID, run.UserID = a.key.ConversationID, a.row.UserID
	run.Effective = withoutSecrets(run.Effective)
	begin := &RunBegin{Tenant: a.key.Tenant, Run: &run, Conversation: a.turn.conv, Claimed: claimed}
	if a.row.Attempt == 1 {
		begin.QueueWait = max(a.row.StartedAt.Sub(a.row.CreatedAt), 0)
	}
	if a.task != nil {
		begin.Carried = a.task.carried
	}
	o := &observation{e: a.e, run: a.key.RunID, outcome: OutcomeLost}
	a.e.tell(o.run, func() {
		ctx, to := a.e.cfg.Observer.BeginRun(a.ctx, begin)
		if ctx != nil {
			a.ctx = ctx
		}
		o.to = to
	})
	if o.to != nil {
		a.observed = o
	}
}

// event passes on what a turn shows. The turn's lock is held.
func (o *observation) event(typ EventType, data EventData) {
	switch typ {
	case EventToolCall:
		o.e.tell(o.run, func() { o.to.ToolCall(*data.Call, data.Client) })
	case EventToolResult:
		o.e.tell(o.run, func() { o.to.ToolResult(*data.Result) })
	default:
	}
}

// step passes on that an iteration begins. The turn's lock is held.
func (o *observation) step(number int) {
	if o != nil {
		o.e.tell(o.run, func() { o.to.Step(number) })
	}
}

// handedOver notes that the run goes on elsewhere.
func (o *observation) handedOver() {
	if o != nil {
		o.outcome = OutcomeHandedOver
	}
}

// ended tells that the run has ended.
func (o *observation) ended(run *Run) {
	if o != nil {
		o.end(&RunEnd{Outcome: OutcomeEnded, Run: run, Usage: run.Usage, Iterations: run.Iterations})
	}
}

// left tells that the attempt is over, unless it was told how the run ended.
func (o *observation) left(t *Turn) {
	if o == nil || o.over {
		return
	}
	t.mu.Lock()
	end := &RunEnd{Outcome: o.outcome, Usage: t.usage, Iterations: t.step}
	t.mu.Unlock()
	o.end(end)
}

func (o *observation) end(end *RunEnd) {
	o.over = true
	o.e.tell(o.run, func() { o.to.End(end) })
}

// tell calls the host's Observer, whose faults are not the run's.
func (e *Engine) tell(run uuid.UUID, call func()) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error("observer panicked", "run", run, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	call()
}

// maxCarried bounds what is stored with a run for its Observer, in bytes. The
// headers of a trace have some 600.
const maxCarried = 4 << 10

// carry asks the Observer what goes along with a run that is started.
func (e *Engine) carry(ctx context.Context) map[string]string {
	if e.cfg.Observer == nil {
		return nil
	}
	var carried map[string]string
	e.tell(uuid.Nil, func() { carried = e.cfg.Observer.Carry(ctx) })
	size := 0
	for key, value := range carried {
		size += len(key) + len(value)
		if size > maxCarried || textFault(key, 0) != "" || textFault(value, 0) != "" {
			e.log.Warn("what the observer gave along with a run was dropped")
			return nil
		}
	}
	return carried
}
