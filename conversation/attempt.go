package conversation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/parley-go/parley/store"
)

// attempt is one try at a run, from the claim to the moment it is ended, handed
// over or lost. It never waits for its Responder to end: a stop, the deadline, a
// lost lease or the shutdown seals the turn, and whatever the Responder still
// says is refused.
type attempt struct {
	e        *Engine
	key      store.RunKey
	row      store.Run // as claimed
	task     *task     // nil until decoded
	fixed    *fixed    // nil until decoded
	turn     *Turn
	log      *runLog
	launched time.Time
	claimed  bool         // taken over, not started here
	observed *observation // nil when nobody is told

	ctx    context.Context // the Responder's
	cancel context.CancelCauseFunc

	ending   context.Context // ends what the turn waits for in the store, before it is sealed
	endCalls context.CancelFunc

	returned chan error    // the Responder's answer
	orders   chan error    // why to end before it answers
	over     chan struct{} // closed when the attempt is

	mu         sync.Mutex
	leaseEnd   *time.Timer // ends the attempt when the lease was not renewed
	leaseUntil time.Time   // when it does
	waiting    int         // nudges that wait in the store
}

// leaseMargin is taken off a lease on this side, so that the attempt has given
// up before anyone else may claim the run.
func leaseMargin(lease time.Duration) time.Duration { return lease / 10 }

// launch starts an attempt at a run that this engine was given when it asked at
// that time. The slot is reserved. A plan is what it was started from, nil when
// it was claimed.
func (e *Engine) launch(row *store.Run, conv *store.Conversation, p *plan, asked time.Time) {
	a := &attempt{
		e: e, key: row.RunKey(), row: *row, launched: time.Now(), claimed: p == nil,
		returned: make(chan error, 1), orders: make(chan error, 1), over: make(chan struct{}),
	}
	if p != nil {
		a.task, a.fixed = p.task, p.fixed
	}
	a.log = e.hub.open(a.key, row.EventSeq)
	a.ctx, a.cancel = context.WithCancelCause(context.WithoutCancel(e.background))
	a.ending, a.endCalls = context.WithCancel(context.WithoutCancel(e.background))
	if row.Attempt > 1 {
		a.waiting = 1 // what an earlier attempt had taken waits again
	}
	a.leaseUntil = asked.Add(e.cfg.Lease - leaseMargin(e.cfg.Lease))
	a.leaseEnd = time.AfterFunc(time.Until(a.leaseUntil), func() { a.signal(ErrLeaseLost) })

	e.mu.Lock()
	e.attempts[row.ID] = a
	if e.handing { // claimed while the engine was shutting down
		a.signal(ErrShutdown)
	}
	e.mu.Unlock()
	e.work.Go(func() { a.run(conv) })
}

// run is the attempt's own goroutine.
func (a *attempt) run(conv *store.Conversation) {
	e := a.e
	defer a.finishUp()
	turn, err := e.newTurn(a, conv)
	a.turn = turn
	a.observe(a.claimed)
	if err != nil {
		e.log.Error("run cannot be read", "run", a.key.RunID, "error", err)
		turn.seal()
		a.end(RunFailed, &RunError{Code: CodeInvalidOutput, Message: "the stored run cannot be read"})
		e.unreserve(1)
		return
	}
	switch left := a.timeLeft(); {
	case a.row.StopRequested:
		// Its owner died before it could end it.
		a.recall(e.background)
		turn.seal()
		a.end(RunStopped, &RunError{Code: CodeStopped, Message: "the run was stopped"})
	case left <= 0:
		turn.seal()
		a.end(RunTimedOut, &RunError{Code: CodeTimeout, Message: "the run took longer than it may"})
	case a.row.Attempt > e.cfg.MaxAttempts:
		turn.seal()
		a.end(RunFailed, &RunError{Code: CodeInterrupted, Message: "the run was interrupted and is not tried again"})
	default:
		a.announce()
		e.work.Go(a.respond)
		a.supervise(left)
		return
	}
	e.unreserve(1)
}

// finishUp lets go of everything but the slot, which the Responder gives back
// when it returns.
func (a *attempt) finishUp() {
	a.mu.Lock()
	a.leaseEnd.Stop()
	a.mu.Unlock()
	a.cancel(ErrTurnOver)
	a.endCalls()
	a.observed.left(a.turn)
	e := a.e
	e.mu.Lock()
	if e.attempts[a.key.RunID] == a {
		delete(e.attempts, a.key.RunID)
	}
	e.noteIdle()
	e.mu.Unlock()
	e.hub.close(a.log, a.key.Fence)
	close(a.over)
}

// timeLeft is what the deadline leaves; both times are the store's.
func (a *attempt) timeLeft() time.Duration {
	claimed := a.row.LeaseUntil.Add(-a.e.cfg.Lease)
	return a.row.Deadline.Sub(claimed)
}

// announce says that the run begins, or begins again.
func (a *attempt) announce() {
	if a.row.EventSeq == 0 {
		a.log.publish(a.row.Attempt, EventRunStarted, EventData{})
	}
	if a.row.Attempt > 1 {
		a.log.publish(a.row.Attempt, EventRunRestarted, EventData{From: a.row.EventSeq})
	}
	poke(a.e.wakeFlush)
	a.e.changed(a.key.Tenant, a.key.ConversationID)
}

// respond calls the Responder and gives the slot back when it returns.
func (a *attempt) respond() {
	err := errPanic // stands when the Responder ends its goroutine without returning
	defer func() {
		a.returned <- err
		a.e.unreserve(1)
	}()
	err = a.call()
}

// errPanic marks a Responder that panicked; the value goes to the log only.
var errPanic = errors.New("responder panicked")

func (a *attempt) call() (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.e.log.Error("responder panicked", "run", a.key.RunID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return a.e.responder.Respond(a.ctx, a.turn)
}

// supervise waits for whatever ends the attempt first.
func (a *attempt) supervise(left time.Duration) {
	deadline := time.NewTimer(left)
	defer deadline.Stop()
	var order error
	select {
	case err := <-a.returned:
		a.endCalls()
		a.turn.seal()
		a.conclude(err)
		return
	case order = <-a.orders:
	case <-deadline.C:
		order = ErrDeadline
	}
	a.endCalls()
	a.turn.seal()
	a.cancel(order)
	switch {
	case errors.Is(order, ErrStopped):
		a.end(RunStopped, &RunError{Code: CodeStopped, Message: "the run was stopped"})
	case errors.Is(order, ErrDeadline):
		a.end(RunTimedOut, &RunError{Code: CodeTimeout, Message: "the run took longer than it may"})
	case errors.Is(order, ErrShutdown):
		a.release()
	default:
		a.lost()
	}
}

// signal orders the attempt to end. The first order counts.
func (a *attempt) signal(why error) {
	select {
	case a.orders <- why:
	default:
	}
}

// renewed moves the end of the lease that was asked for at that time, by this
// process's own monotonic clock.
func (a *attempt) renewed(asked time.Time) {
	until := asked.Add(a.e.cfg.Lease - leaseMargin(a.e.cfg.Lease))
	a.mu.Lock()
	defer a.mu.Unlock()
	if left := time.Until(until); left > 0 && a.leaseEnd.Stop() {
		a.leaseUntil = until
		a.leaseEnd.Reset(left)
	}
}

// control passes on what was asked of the run.
func (a *attempt) control(stop bool, nudges int) {
	if stop {
		a.signal(ErrStopped)
	}
	a.mu.Lock()
	a.waiting = max(a.waiting, nudges)
	a.mu.Unlock()
}

// release hands the run over at shutdown, unless it may not be tried again.
func (a *attempt) release() {
	if a.row.Attempt >= a.e.cfg.MaxAttempts {
		a.end(RunFailed, &RunError{Code: CodeInterrupted, Message: "the run was interrupted and is not tried again"})
		return
	}
	a.log.flush.Lock()
	defer a.log.flush.Unlock()
	ctx, cancel := a.writeContext()
	defer cancel()
	if last := a.lastEvents(nil); last != nil { // what readers have seen, the next attempt goes on from
		answers, err := a.e.store.AppendEvents(ctx, []store.EventAppend{{Key: a.key, EventPack: *last}})
		if err == nil && answers[0] == nil {
			a.log.markStored(last.Last)
		}
	}
	if err := a.e.store.Release(ctx, []store.RunKey{a.key}); err != nil {
		a.e.log.Warn("run was not handed over; its lease will end", "run", a.key.RunID, "error", err)
	} else {
		a.observed.handedOver()
	}
	a.lost()
	a.e.hint(store.HintWork, a.key.Tenant, a.key.ConversationID, a.key.RunID)
}

// lost lets the run go: another attempt has it, or nobody will.
func (a *attempt) lost() {
	a.log.detach(a.key.Fence)
	poke(a.e.wakeWatch)
	a.e.hub.touch(a.key.ConversationID)
}

// writeTimeout bounds a single write of a run.
const writeTimeout = 10 * time.Second

// writeContext is for the writes that end an attempt: the Responder's context
// is over by then, and the engine's background may be.
func (a *attempt) writeContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(a.e.background), writeTimeout)
}
