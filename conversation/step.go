package conversation

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Step is one iteration of a run: one call of the model.
type Step struct {
	Number     int        // from 1
	ToolChoice ToolChoice // of this iteration: the turn's in the first, auto in later ones
	Nudges     []Nudge    // texts that came since the last step, in order; they are part of the log now
}

// Step begins the next iteration. A Responder that calls the model in a loop
// calls it before each. It fails with *IterationLimitError when the settings
// allow no more, and with ErrToolOutputsPending when a client tool was called:
// the run has to end for its output.
func (t *Turn) Step(ctx context.Context) (*Step, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.mayStep(); err != nil {
		return nil, err
	}
	nudges, err := t.takeNudges(ctx)
	if err != nil {
		return nil, err
	}
	t.step++
	step := &Step{Number: t.step, ToolChoice: ToolChoice{Kind: ToolChoiceAuto}}
	if t.step == 1 && t.run.ToolChoice != nil {
		step.ToolChoice = *t.run.ToolChoice
	}
	t.closeCalls(noResult, false)
	t.a.observed.step(t.step)
	for i := range nudges {
		n := toNudge(&nudges[i])
		t.nudged[n.ID] = true
		t.draft.user(n)
		t.publish(EventStatus, EventData{Status: "nudge", Nudge: n})
		step.Nudges = append(step.Nudges, *n)
	}
	return step, nil
}

func (t *Turn) mayStep() error {
	if t.over {
		return ErrTurnOver
	}
	if t.draft.openClient() {
		return ErrToolOutputsPending
	}
	if limit := t.maxSteps(); t.step >= limit {
		return &IterationLimitError{Limit: limit}
	}
	return nil
}

// Nudged reports whether texts wait for the next Step. A Responder in the middle
// of a long answer may look, and begin a step only when there is a reason.
func (t *Turn) Nudged() bool {
	t.a.mu.Lock()
	defer t.a.mu.Unlock()
	return t.a.waiting > 0
}

func (t *Turn) maxSteps() int {
	if n := t.run.Effective.MaxIterations; n > 0 {
		return n
	}
	return t.a.e.cfg.MaxIterations
}

// takeNudges fetches what waits, and asks the store only when something does.
// The caller holds t.mu: what is taken is in the draft before the turn can end,
// which is what the store will say of it. A store that does not answer costs the
// nudges a step, and not the run.
func (t *Turn) takeNudges(ctx context.Context) ([]store.Nudge, error) {
	a := t.a
	a.mu.Lock()
	waiting := a.waiting
	a.waiting = 0
	a.mu.Unlock()
	if waiting == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)() //nolint:contextcheck // both end it: the caller's and the attempt's
	nudges, err := a.e.store.TakeNudges(ctx, a.key)
	switch {
	case err == nil && t.strayed:
		var stray []store.Nudge
		if stray, err = t.strayNudges(ctx, nudges); err == nil {
			t.strayed = false
		}
		nudges = append(stray, nudges...)
	case err == nil:
	case errors.Is(err, store.ErrFenced):
		a.signal(ErrLeaseLost)
		return nil, fmt.Errorf("take nudges: %w", err)
	case !errors.Is(err, ErrUnavailable):
		t.strayed = true
	}
	if err != nil {
		a.control(false, waiting)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("take nudges: %w", err)
		}
		a.e.log.Warn("nudges were not taken", "run", a.key.RunID, "error", err)
	}
	return nudges, nil
}

// strayNudges finds the nudges that the store has given out in answers that were
// lost. The newest answer is not in the draft yet.
func (t *Turn) strayNudges(ctx context.Context, newest []store.Nudge) ([]store.Nudge, error) {
	all, err := t.a.e.store.Nudges(ctx, store.Scope{Tenant: t.a.key.Tenant, Wide: true}, t.a.key.RunID)
	if err != nil {
		return nil, err
	}
	known := make(map[uuid.UUID]bool, len(newest))
	for i := range newest {
		known[newest[i].ID] = true
	}
	var stray []store.Nudge
	for i := range all {
		if all[i].State == NudgeTaken && !t.nudged[all[i].ID] && !known[all[i].ID] {
			stray = append(stray, all[i])
		}
	}
	return stray, nil
}

// gatherStray puts nudges into the draft that the store will call applied,
// though no step has read them. They stand before the answer, which does not know them.
func (a *attempt) gatherStray() {
	t := a.turn
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.strayed {
		return
	}
	ctx, cancel := a.writeContext()
	defer cancel()
	stray, err := t.strayNudges(ctx, nil)
	if err != nil {
		a.e.log.Warn("nudges whose taking was not answered cannot be read", "run", a.key.RunID, "error", err)
		return
	}
	t.draft.begin(stray)
}

// noResult is what becomes of a call that its turn did not answer.
const noResult = "no result was given"

// closeCalls ends calls that nobody will answer, and shows it. Callers hold t.mu.
func (t *Turn) closeCalls(why string, all bool) {
	for _, part := range t.draft.closeCalls(why, all) {
		t.publish(EventToolResult, EventData{Result: &part})
	}
}
