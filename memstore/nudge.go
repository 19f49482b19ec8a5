package memstore

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// AddNudge implements store.Store.
func (s *Store) AddNudge(ctx context.Context, scope store.Scope, n *store.Nudge) (*store.Nudge, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	added := *n
	err := s.change(scope, n.RunID, func(r *run) {
		if i := slices.IndexFunc(r.nudges, func(k store.Nudge) bool { return k.ID == n.ID }); i >= 0 {
			added = r.nudges[i]
			return
		}
		added.CreatedAt = s.now()
		if r.row.Status != store.RunRunning {
			added.State = store.NudgeReturned
			return
		}
		added.State = store.NudgeWaiting
		r.nudges = append(r.nudges, added)
	})
	if err != nil {
		return nil, err
	}
	return &added, nil
}

// TakeNudges implements store.Store.
func (s *Store) TakeNudges(ctx context.Context, key store.RunKey) ([]store.Nudge, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	sh := s.shard(key.ConversationID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := s.held(key)
	if r == nil {
		return nil, store.ErrFenced
	}
	var taken []store.Nudge
	for i := range r.nudges {
		if n := &r.nudges[i]; n.State == store.NudgeWaiting {
			n.State = store.NudgeTaken
			taken = append(taken, *n)
		}
	}
	return taken, nil
}

// Nudges implements store.Store.
func (s *Store) Nudges(ctx context.Context, scope store.Scope, id uuid.UUID) ([]store.Nudge, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	var nudges []store.Nudge
	err := s.view(scope, id, func(r *run) { nudges = slices.Clone(r.nudges) })
	return nudges, err
}

func (r *run) waitingNudges() int {
	n := 0
	for i := range r.nudges {
		if r.nudges[i].State == store.NudgeWaiting {
			n++
		}
	}
	return n
}

// nudgesWaitAgain gives back what an earlier attempt took.
func (r *run) nudgesWaitAgain() {
	for i := range r.nudges {
		if n := &r.nudges[i]; n.State == store.NudgeTaken {
			n.State = store.NudgeWaiting
		}
	}
}

// settleNudges ends the nudges together with their run: those it took with the
// given state, the others returned.
func (r *run) settleNudges(taken store.NudgeState) {
	for i := range r.nudges {
		switch n := &r.nudges[i]; n.State {
		case store.NudgeTaken:
			n.State = taken
		case store.NudgeWaiting:
			n.State = store.NudgeReturned
		default: // settled before
		}
	}
}
