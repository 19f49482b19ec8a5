package conversation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// StartRun starts a turn and returns its run, which goes on by itself whatever
// becomes of ctx and of the caller (rule R7). Needs PermWrite.
//
// Checked in this order (rule R2): permission; ErrNotFound; ErrDeleted;
// ErrReadOnly; the key (the earlier run with Replayed set, or
// ErrIdempotencyMismatch); *VersionConflictError; *RunActiveError; the payload:
// FieldErrors, ErrToolOutputsPending, and for tool outputs ErrNoAssistantTurn,
// *ToolCallError, *ToolOutputsError; ErrOverloaded. On any error nothing was
// written, except with ErrOutcomeUnknown: repeat the call with the same key.
func (e *Engine) StartRun(ctx context.Context, caller Caller, id uuid.UUID, req TurnRequest) (*Run, error) {
	return e.startRun(ctx, caller, id, e.cfg.NewID(), req)
}

func (e *Engine) startRun(ctx context.Context, caller Caller, id, runID uuid.UUID, req TurnRequest) (*Run, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !e.running() {
		return nil, ErrNotRunning
	}
	for try := 1; ; try++ {
		run, err := e.tryStart(ctx, caller, id, runID, &req)
		// Outputs fit the head they were checked against. Where the caller named
		// none, a head that moved meanwhile is a reason to look again, not to fail.
		moved := req.ExpectedVersion == nil && errors.Is(err, ErrVersionConflict)
		if moved && try < maxStartTries && ctx.Err() == nil {
			continue
		}
		return run, err
	}
}

// maxStartTries bounds how often a start without an expectation chases the head.
const maxStartTries = 10

func (e *Engine) tryStart(ctx context.Context, caller Caller, id, runID uuid.UUID, req *TurnRequest) (*Run, error) {
	if known := e.known(caller, id, req); known != nil {
		p := plan{caller: caller, fixed: known, carried: e.carry(ctx)}
		if p.assemble(&e.cfg, req) == nil && e.reserve() == nil {
			return e.launchStart(ctx, &p, runID)
		}
		// What is wrong ranks behind what only the conversation tells (rule R2).
	}
	row, err := e.store.GetConversation(ctx, caller.scope(), id)
	if err != nil {
		return nil, err
	}
	switch {
	case !row.DeletedAt.IsZero():
		return nil, ErrDeleted
	case readOnly(Channel(row.Channel), Surface(row.Surface), caller):
		return nil, ErrReadOnly
	}
	p := plan{caller: caller, row: row, carried: e.carry(ctx)}
	if err = e.prepare(ctx, &p, req); err == nil {
		err = e.reserve()
	}
	if err != nil {
		return e.refuse(ctx, caller, row, req, err)
	}
	return e.launchStart(ctx, &p, runID)
}

// known returns what never changes about the conversation, if that is enough to
// start this turn: the store checks the rest. It is not enough where the answer
// depends on the log, on who else is there, or on the host.
func (e *Engine) known(caller Caller, id uuid.UUID, req *TurnRequest) *fixed {
	if len(req.Outputs) > 0 || req.Author != nil || e.cfg.RenderPrompt != nil {
		return nil
	}
	f := e.fixed.get(caller, id)
	if f == nil || f.row.Surface == string(SurfaceChannel) || readOnly(Channel(f.row.Channel), Surface(f.row.Surface), caller) {
		return nil
	}
	return f
}

// launchStart commits a plan whose slot is reserved, and launches its run.
func (e *Engine) launchStart(ctx context.Context, p *plan, runID uuid.UUID) (*Run, error) {
	lease := e.lease()
	p.start.ID, p.start.Lease = runID, &lease
	asked := time.Now()
	res, err := e.commitStart(ctx, &p.start)
	if err != nil {
		e.unreserve(1)
		return nil, startError(err)
	}
	return e.started(ctx, runID, res, p, asked)
}

// startError gives the store's answer the engine's name.
func startError(err error) error {
	if errors.Is(err, store.ErrQueueFull) {
		return fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	return err
}

// commitStart writes the start, apart from the caller's context: once it has
// begun, a caller that goes away must not leave its outcome open. A lost answer
// is asked for again, which the run's id makes safe (rule V7).
func (e *Engine) commitStart(ctx context.Context, start *store.StartRun) (*store.StartResult, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	var res *store.StartResult
	err := e.resolve(ctx, func() (err error) {
		res, err = e.store.StartRun(ctx, start)
		return err
	})
	return res, err
}

// resolveTries bounds how often a lost answer is asked for again at once.
const resolveTries = 4

// resolve repeats a repeatable write whose outcome is unknown. If it stays so,
// the caller is told; ErrUnavailable is an answer: nothing was written, unless
// an earlier try may have been.
func (e *Engine) resolve(ctx context.Context, write func() error) error {
	unknown := false
	for try := 1; ; try++ {
		err := write()
		switch {
		case errors.Is(err, ErrOutcomeUnknown):
			unknown = true
		case unknown && errors.Is(err, ErrUnavailable):
			err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		default:
			return err
		}
		if try >= resolveTries || ctx.Err() != nil {
			return err
		}
		pause(ctx, time.Duration(try)*50*time.Millisecond)
	}
}

// started goes on from what the store decided about the run with this id.
func (e *Engine) started(ctx context.Context, id uuid.UUID, res *store.StartResult, p *plan, asked time.Time) (*Run, error) {
	run := res.Run
	// A run that an earlier call with the same key started is that call's to launch.
	if run.ID == id && run.Status == RunRunning && run.Owner == e.owner && run.Attempt == 1 {
		e.launchStarted(ctx, &run, res, p, asked)
	} else {
		e.unreserve(1)
	}
	for _, ref := range res.Stopping {
		if a := e.held(ref.RunID); a != nil {
			a.signal(ErrStopped)
		} else {
			e.hint(store.HintControl, ref.Tenant, ref.ConversationID, ref.RunID)
		}
	}
	if !res.Replayed {
		e.changed(run.Tenant, run.ConversationID)
	}
	if run.ID != id {
		out, err := toRun(&run)
		if err == nil {
			out.Replayed = true
		}
		return out, err
	}
	return p.task.clone().run(&run)
}

// launchStarted launches a run with the conversation as its start left it: what
// was read before the start may be of another version by now, with other pending
// calls. The answer to a repeated start need not tell; the row is read then.
func (e *Engine) launchStarted(ctx context.Context, run *store.Run, res *store.StartResult, p *plan, asked time.Time) {
	row := &res.Conversation
	if row.ID == uuid.Nil {
		var err error
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		if row, err = e.store.GetConversation(ctx, p.caller.scope(), run.ConversationID); err != nil {
			e.log.Warn("a run was started and not launched; it is given back", "run", run.ID, "error", err)
			if err := e.store.Release(ctx, []store.RunKey{run.RunKey()}); err != nil {
				e.log.Warn("a run was not given back; its lease will end", "run", run.ID, "error", err)
			}
			e.unreserve(1)
			return
		}
	}
	e.launch(run, p.fixed.complete(*row), p, asked) //nolint:contextcheck // a run outlives whoever launched it
}

// plan is a turn on its way to become a run.
type plan struct {
	caller Caller
	fixed  *fixed
	row    *store.Conversation // nil where the fixed part was enough

	carried map[string]string // for the Observer

	start store.StartRun
	task  *task
	spec  runSpec
}

// prepare turns a request into a plan, or says what is wrong with its payload.
func (e *Engine) prepare(ctx context.Context, p *plan, req *TurnRequest) error {
	var err error
	if p.fixed, err = newFixed(p.row); err != nil {
		return err
	}
	e.fixed.put(p.caller, p.fixed)
	if err := p.assemble(&e.cfg, req); err != nil {
		return err
	}
	conv, err := p.fixed.conversation(p.row, p.caller, ViewParticipant)
	if err != nil {
		return err
	}
	if len(req.Outputs) > 0 {
		if err := e.checkAgainstLog(ctx, p.caller.scope(), p.row, conv.PendingToolCalls, req.Outputs); err != nil {
			return err
		}
		p.start.Settles = true
		if p.start.Expected == nil {
			p.start.Expected = &p.row.Version
		}
		if p.start.Busy == BusyEnqueue || p.start.Busy == BusyInterrupt {
			p.start.Busy = BusyReject // outputs answer this head or none: there is nothing to wait for
		}
	} else if len(conv.PendingToolCalls) > 0 && !req.AbandonPending && p.row.Active == 0 && !moved(req, p.row) {
		return ErrToolOutputsPending
	}
	if e.cfg.RenderPrompt == nil {
		return nil
	}
	prompt, err := e.renderPrompt(ctx, &PromptRequest{
		Caller: p.caller, Conversation: conv, Settings: p.task.effective, SystemPrompt: conv.Defaults.SystemPrompt,
	})
	if err != nil {
		return err
	}
	p.spec.SystemPrompt = prompt
	return p.encode()
}

// assemble does what needs no more than the request and the fixed part.
func (p *plan) assemble(cfg *Config, req *TurnRequest) error {
	var f faults
	req.check(&f, cfg)
	var override Override
	if req.Override != nil {
		override = *req.Override
	}
	settings, origins := resolve(p.fixed.defaults.Settings, override)
	settings = settings.clone()
	checkToolChoice(&f, req.ToolChoice, &settings)
	p.checkSpeaker(&f, req.Author)
	if err := f.err(); err != nil {
		return err
	}
	p.start = store.StartRun{
		Scope: p.caller.scope(), ConversationID: p.fixed.row.ID, Key: req.Key, Fingerprint: req.fingerprint(),
		Expected: req.ExpectedVersion, Busy: orReject(req.OnBusy), MaxQueued: cfg.MaxQueued, QueueTimeout: cfg.QueueTimeout,
		Timeout: cfg.RunTimeout, Settles: req.AbandonPending,
	}
	if req.Timeout > 0 {
		p.start.Timeout = min(req.Timeout, cfg.RunTimeout)
	}
	p.spec = runSpec{
		Parts: req.parts(), Author: req.Author, Abandon: req.AbandonPending, Effective: toStoredSettings(settings),
		Origins: origins, SystemPrompt: p.fixed.defaults.SystemPrompt, ToolChoice: req.ToolChoice,
		Carried: p.carried,
	}
	if name, picture := p.caller.profile(); name != "" || picture != "" {
		p.spec.Starter = &Author{ID: p.caller.User, Name: name, AvatarURL: picture}
	}
	for _, o := range req.Outputs {
		p.spec.Outputs = append(p.spec.Outputs, storedOutput{ID: o.ToolCallID, Parts: o.Parts, IsError: o.IsError})
	}
	if req.Override != nil {
		stored := toStoredSettings(Settings(override))
		p.spec.Override = &stored
	}
	return p.encode()
}

func (p *plan) encode() error {
	raw, err := json.Marshal(p.spec)
	if err != nil {
		return fmt.Errorf("encode run: %w", err)
	}
	p.start.Spec, p.task = raw, p.spec.task().clone() // the request is the caller's
	return nil
}

func moved(req *TurnRequest, row *store.Conversation) bool {
	return req.ExpectedVersion != nil && *req.ExpectedVersion != row.Version
}

func orReject(b BusyPolicy) BusyPolicy {
	if b == "" {
		return BusyReject
	}
	return b
}

// checkSpeaker refuses a member of a conversation of several who speaks for
// another. With an author the row is known.
func (p *plan) checkSpeaker(f *faults, author *Author) {
	if author == nil || p.caller.Channel != "" || author.ID == p.caller.User || p.row == nil {
		return
	}
	if membersOf(p.row) > 1 {
		f.add("author.id", "must be the caller: only a connector speaks for others")
	}
}

func membersOf(row *store.Conversation) int {
	members := 0
	for _, p := range row.Participants {
		if p.Member {
			members++
		}
	}
	return members
}

func checkToolChoice(f *faults, c *ToolChoice, s *Settings) {
	if c == nil {
		return
	}
	switch c.Kind {
	case ToolChoiceAuto, ToolChoiceAny:
		if c.Name != "" {
			f.add("tool_choice.name", "goes with the kind %s only", ToolChoiceTool)
		}
		if c.Kind == ToolChoiceAny && len(s.Tools) == 0 && len(s.MCPServers) == 0 {
			f.add("tool_choice", "asks for a tool, and the run has none")
		}
	case ToolChoiceTool:
		if !s.clientTool(c.Name) && !s.serverTool(c.Name) {
			f.add("tool_choice.name", "names no tool of the run")
		}
	default:
		f.add("tool_choice.kind", "must be auto, any or tool")
	}
}

func (e *Engine) renderPrompt(ctx context.Context, req *PromptRequest) (string, error) {
	prompt, err := e.cfg.RenderPrompt(ctx, req)
	if err != nil {
		return "", fmt.Errorf("render system prompt: %w", err)
	}
	if reason := textFault(prompt, e.cfg.MaxMessageBytes); reason != "" {
		return "", errors.New("render system prompt: the result " + reason)
	}
	return prompt, nil
}

// refuse answers a start that cannot be made, in the order of rule R2: what
// ranks before the payload, or before the bound on work, is said first.
func (e *Engine) refuse(ctx context.Context, caller Caller, row *store.Conversation, req *TurnRequest, cause error) (*Run, error) {
	if req.Key != "" {
		rows, err := e.store.ListRuns(ctx, caller.scope(), row.ID, &store.RunQuery{Key: req.Key, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			if rows[0].Fingerprint != req.fingerprint() {
				return nil, ErrIdempotencyMismatch
			}
			run, err := toRun(&rows[0])
			if err == nil {
				run.Replayed = true
			}
			return run, err
		}
	}
	if moved(req, row) {
		return nil, &VersionConflictError{Expected: *req.ExpectedVersion, Current: row.Version}
	}
	if row.Active > 0 && (req.OnBusy == "" || req.OnBusy == BusyReject) {
		rows, err := e.store.ListRuns(ctx, caller.scope(), row.ID, &store.RunQuery{Active: true, Limit: MaxPageSize})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if !rows[i].Queued {
				return nil, &RunActiveError{RunID: rows[i].ID}
			}
		}
	}
	return nil, cause
}
