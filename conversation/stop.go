package conversation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// StopResult is the answer to a stop.
type StopResult struct {
	Stopped bool // whether there was anything to stop: false once the run had ended
	Run     *Run // as it is now; ended, unless its process does not answer
}

// StopRun stops a run (rule R6): what it has written is kept, marked
// incomplete, as Config.OnStop says. It is idempotent. It waits, within ctx,
// until the run has ended; where its process is dead that takes until the lease
// is over, and StopRun waits no longer than that. Needs PermWrite.
func (e *Engine) StopRun(ctx context.Context, caller Caller, run uuid.UUID) (*StopResult, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var res *store.StopResult
	lost := false // an answer, which may have been that it is stopped
	err := e.resolve(ctx, func() (err error) {
		res, err = e.store.RequestStop(ctx, &store.StopRun{
			Scope: caller.scope(), RunID: run, Result: errorResult(CodeStopped, "the run was stopped"),
		})
		lost = lost || errors.Is(err, ErrOutcomeUnknown)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.promoted(res.Promoted)
	row := res.Run
	if lost && row.Status == RunStopped {
		res.Stopped = true
	}
	var ended *Run
	if res.Stopped {
		if a := e.held(run); a != nil && a.key.Fence == row.Fence {
			a.signal(ErrStopped)
		} else {
			e.hint(store.HintControl, row.Tenant, row.ConversationID, run)
		}
		e.hint(store.HintRun, row.Tenant, row.ConversationID, run)
		e.changed(row.Tenant, row.ConversationID)
	}
	if res.Stopped && !row.Status.Terminal() {
		waiting, cancel := context.WithTimeout(ctx, e.cfg.Lease+2*e.cfg.ClaimInterval+stopGrace)
		defer cancel()
		ended, err = e.awaitEnd(waiting, &row)
		if err != nil && ctx.Err() == nil && waiting.Err() == nil {
			return nil, err
		}
	}
	if ended == nil {
		if ended, err = toRun(&row); err != nil {
			return nil, err
		}
	}
	return &StopResult{Stopped: res.Stopped, Run: ended}, nil
}

// stopGrace is for the write that ends the run.
const stopGrace = time.Second

// Wait waits until the run has ended and returns it, or the error of ctx. Needs
// PermRead.
func (e *Engine) Wait(ctx context.Context, caller Caller, run uuid.UUID) (*Run, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	row, err := e.store.GetRun(ctx, caller.scope(), run)
	if err != nil {
		return nil, err
	}
	return e.awaitEnd(ctx, row)
}

// awaitEnd waits for the end of a run, wherever it runs.
func (e *Engine) awaitEnd(ctx context.Context, row *store.Run) (*Run, error) {
	if row.Status.Terminal() {
		return toRun(row)
	}
	log := e.hub.attach(row)
	defer e.hub.leave(log)
	return e.awaitLog(ctx, log)
}

func (e *Engine) awaitLog(ctx context.Context, log *runLog) (*Run, error) {
	poke(e.wakeWatch)
	for {
		changed, end, gone := log.ended()
		switch {
		case gone:
			return nil, ErrNotFound
		case end != nil:
			return end.Run.clone(), nil // the event's own is shared
		case !e.serving():
			return nil, ErrNotRunning
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for run: %w", context.Cause(ctx))
		case <-e.background.Done():
			return nil, ErrNotRunning
		}
	}
}

// RunTurn starts a turn, waits for its end and returns the run. When ctx ends
// first the run goes on, and the error is that of ctx. Needs PermReadWrite.
func (e *Engine) RunTurn(ctx context.Context, caller Caller, id uuid.UUID, req TurnRequest) (*Run, error) {
	if err := caller.may(PermReadWrite); err != nil {
		return nil, err
	}
	runID := e.cfg.NewID()
	log := e.hub.expect(store.WatchRef{Tenant: caller.Tenant, ConversationID: id, RunID: runID})
	defer e.hub.leave(log)
	run, err := e.startRun(ctx, caller, id, runID, req)
	if err != nil {
		e.hub.close(log, 0)
		return nil, err
	}
	if run.ID != runID { // an earlier call with this key has started it
		e.hub.close(log, 0)
		ended, err := e.Wait(ctx, caller, run.ID)
		if err != nil {
			return nil, err
		}
		ended.Replayed = true
		return ended, nil
	}
	e.hub.elsewhere(log)
	return e.awaitLog(ctx, log)
}

// NudgeRun hands text to a run in flight, which reads it at its next step
// (Turn.Step). The state it comes back with is NudgeWaiting, or NudgeReturned
// when the run was not running. In the end it is NudgeApplied, and the text a
// message of the log, or NudgeReturned. A conversation that is read-only here
// takes none (ErrReadOnly). Needs PermWrite.
func (e *Engine) NudgeRun(ctx context.Context, caller Caller, run uuid.UUID, text string) (*Nudge, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	row, err := e.store.GetRun(ctx, caller.scope(), run)
	if err != nil {
		return nil, err
	}
	conv, err := e.store.GetConversation(ctx, caller.scope(), row.ConversationID)
	if err != nil {
		return nil, err
	}
	if readOnly(Channel(conv.Channel), Surface(conv.Surface), caller) {
		return nil, ErrReadOnly // it would be a message of the log
	}
	var f faults
	f.text("text", text, e.cfg.MaxMessageBytes)
	if trim(text) == "" {
		f.add("text", "must not be blank")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	n := &store.Nudge{ID: e.cfg.NewID(), RunID: run, UserID: caller.User, Text: text}
	var stored *store.Nudge
	err = e.resolve(ctx, func() (err error) {
		stored, err = e.store.AddNudge(ctx, caller.scope(), n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if stored.State == NudgeWaiting {
		if a := e.held(run); a != nil {
			a.control(false, 1)
		} else {
			e.hint(store.HintControl, row.Tenant, row.ConversationID, run)
		}
	}
	return toNudge(stored), nil
}

// Nudges returns what was handed to a run, oldest first. Needs PermRead.
func (e *Engine) Nudges(ctx context.Context, caller Caller, run uuid.UUID, view View) ([]*Nudge, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	_, scope := caller.in(view)
	rows, err := e.store.Nudges(ctx, scope, run)
	if err != nil {
		return nil, err
	}
	out := make([]*Nudge, len(rows))
	for i := range rows {
		out[i] = toNudge(&rows[i])
	}
	return out, nil
}

// Run returns a run. Needs PermRead.
func (e *Engine) Run(ctx context.Context, caller Caller, run uuid.UUID, view View) (*Run, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	_, scope := caller.in(view)
	row, err := e.store.GetRun(ctx, scope, run)
	if err != nil {
		return nil, err
	}
	return toRun(row)
}

// Runs returns a page of a conversation's runs, newest first. Needs PermRead.
func (e *Engine) Runs(ctx context.Context, caller Caller, id uuid.UUID, q RunQuery) (*RunPage, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	_, scope := caller.in(q.View)
	limit := clampSize(q.Limit)
	query := &store.RunQuery{Limit: limit + 1}
	if q.Cursor != "" {
		var c runCursor
		if err := decodeCursor(q.Cursor, &c); err != nil {
			return nil, err
		}
		if c.Kind != cursorRun || c.ID == uuid.Nil {
			return nil, ErrBadCursor
		}
		query.After = &store.RunCursor{CreatedAt: c.Created, ID: c.ID}
	}
	rows, err := e.store.ListRuns(ctx, scope, id, query)
	if err != nil {
		return nil, err
	}
	page := &RunPage{HasMore: len(rows) > limit}
	if page.HasMore {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = encodeCursor(runCursor{Kind: cursorRun, Created: last.CreatedAt, ID: last.ID})
	}
	for i := range rows {
		run, err := toRun(&rows[i])
		if err != nil {
			return nil, err
		}
		page.Runs = append(page.Runs, run)
	}
	return page, nil
}
