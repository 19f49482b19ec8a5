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
	start, todo, err := e.plan(ctx, caller, row, req)
	if err == nil {
		err = e.reserve()
	}
	if err != nil {
		return e.refuse(ctx, caller, row, req, err)
	}
	start.ID = runID
	lease := e.lease()
	start.Lease = &lease
	asked := time.Now()
	res, err := e.commitStart(ctx, start)
	if err != nil {
		e.unreserve(1)
		return nil, startError(err)
	}
	return e.started(runID, res, row, todo, asked)
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
func (e *Engine) started(id uuid.UUID, res *store.StartResult, row *store.Conversation, todo *task, asked time.Time) (*Run, error) {
	run := res.Run
	// A run that an earlier call with the same key started is that call's to launch.
	if run.ID == id && run.Status == RunRunning && run.Owner == e.owner && run.Attempt == 1 {
		e.launch(&run, row, todo, asked)
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
	return todo.run(&run)
}

// plan turns a request into a start, or says what is wrong with its payload.
func (e *Engine) plan(ctx context.Context, caller Caller, row *store.Conversation, req *TurnRequest) (*store.StartRun, *task, error) {
	var f faults
	req.check(&f, &e.cfg)
	conv, err := toConversation(row, caller, ViewParticipant)
	if err != nil {
		return nil, nil, err
	}
	var override Override
	if req.Override != nil {
		override = *req.Override
	}
	settings, origins := resolve(conv.Defaults.Settings, override)
	checkToolChoice(&f, req.ToolChoice, &settings)
	author := e.author(&f, caller, row, req)
	if err := f.err(); err != nil {
		return nil, nil, err
	}
	start := &store.StartRun{
		Scope: caller.scope(), ConversationID: row.ID, Key: req.Key, Fingerprint: req.fingerprint(),
		Expected: req.ExpectedVersion, Busy: orReject(req.OnBusy), MaxQueued: e.cfg.MaxQueued, QueueTimeout: e.cfg.QueueTimeout,
		Timeout: e.cfg.RunTimeout, Settles: req.AbandonPending,
	}
	if req.Timeout > 0 {
		start.Timeout = min(req.Timeout, e.cfg.RunTimeout)
	}
	if len(req.Outputs) > 0 {
		if err := e.checkAgainstLog(ctx, caller.scope(), row, conv.PendingToolCalls, req.Outputs); err != nil {
			return nil, nil, err
		}
		start.Settles = true
		if start.Expected == nil {
			start.Expected = &row.Version
		}
		if start.Busy == BusyEnqueue || start.Busy == BusyInterrupt {
			start.Busy = BusyReject // outputs answer this head or none: there is nothing to wait for
		}
	} else if len(conv.PendingToolCalls) > 0 && !req.AbandonPending && row.Active == 0 && !moved(req, row) {
		return nil, nil, ErrToolOutputsPending
	}
	prompt, err := e.renderPrompt(ctx, &PromptRequest{
		Caller: caller, Conversation: conv, Settings: settings, SystemPrompt: conv.Defaults.SystemPrompt,
	})
	if err != nil {
		return nil, nil, err
	}
	spec := runSpec{
		Parts: req.parts(), Author: author, Abandon: req.AbandonPending, Effective: toStoredSettings(settings),
		Origins: origins, SystemPrompt: prompt, ToolChoice: req.ToolChoice,
	}
	for _, o := range req.Outputs {
		spec.Outputs = append(spec.Outputs, storedOutput{ID: o.ToolCallID, Parts: o.Parts, IsError: o.IsError})
	}
	if req.Override != nil {
		stored := toStoredSettings(Settings(override))
		spec.Override = &stored
	}
	if start.Spec, err = json.Marshal(spec); err != nil {
		return nil, nil, fmt.Errorf("encode run: %w", err)
	}
	return start, spec.task(), nil
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

// author says who wrote the message, where more than one could have. A member
// of a conversation of several cannot speak for another.
func (e *Engine) author(f *faults, caller Caller, row *store.Conversation, req *TurnRequest) *Author {
	members := 0
	for _, p := range row.Participants {
		if p.Member {
			members++
		}
	}
	switch {
	case len(req.Outputs) > 0:
		return nil
	case req.Author == nil && members < 2 && row.Surface != string(SurfaceChannel):
		return nil
	case req.Author == nil:
		return &Author{ID: caller.User, Name: caller.Name, AvatarURL: caller.AvatarURL}
	case members > 1 && caller.Channel == "" && req.Author.ID != caller.User:
		f.add("author.id", "must be the caller: only a connector speaks for others")
	}
	return req.Author
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
	if e.cfg.RenderPrompt == nil {
		return req.SystemPrompt, nil
	}
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
