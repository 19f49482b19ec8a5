package reference

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

func (s *Store) AddNudge(ctx context.Context, scope store.Scope, n *store.Nudge) (*store.Nudge, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.seeAsMember(scope, n.RunID)
	if err != nil {
		return nil, err
	}
	for _, known := range r.nudges {
		if known.ID == n.ID && !s.is(NudgeStoredTwice) {
			return &known, nil
		}
	}
	added := *n
	added.State, added.CreatedAt = store.NudgeWaiting, s.now()
	if r.row.Status != store.RunRunning && !s.is(NudgeForEndedRun) {
		added.State = store.NudgeReturned
		return &added, nil
	}
	r.nudges = append(r.nudges, added)
	return &added, nil
}

func (s *Store) TakeNudges(ctx context.Context, key store.RunKey) ([]store.Nudge, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.held(key)
	if err != nil && s.is(NudgesUnfenced) && s.runs[key.RunID] != nil {
		r, err = s.runs[key.RunID], nil
	}
	if err != nil {
		return nil, err
	}
	if s.is(TakesNudgesOfOthers) {
		for _, other := range r.of.runs {
			if other != r {
				r.nudges = append(r.nudges, other.nudges...)
				other.nudges = nil
			}
		}
	}
	var out []store.Nudge
	for i := range r.nudges {
		if r.nudges[i].State == store.NudgeWaiting {
			out = append(out, r.nudges[i])
			out[len(out)-1].State = store.NudgeTaken
			if !s.is(NudgeTakenTwice) {
				r.nudges[i].State = store.NudgeTaken
			}
		}
	}
	if s.is(NudgesNewestFirst) {
		slices.Reverse(out)
	}
	return out, nil
}

func (s *Store) Nudges(ctx context.Context, scope store.Scope, id uuid.UUID) ([]store.Nudge, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.seeRun(scope, id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.nudges), nil
}

func (s *Store) AppendEvents(ctx context.Context, packs []store.EventAppend) ([]error, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := make([]error, len(packs))
	for i, p := range packs {
		r, err := s.held(p.Key)
		if err != nil && s.is(EventsUnfenced) && s.runs[p.Key.RunID] != nil {
			r, err = s.runs[p.Key.RunID], nil
		}
		switch {
		case err != nil:
			out[i] = err
			if s.is(EventsFailTogether) {
				return nil, err
			}
		case p.First == r.row.EventSeq+1, s.is(EventsTakeGaps) && p.First > r.row.EventSeq:
			if s.is(EventBodiesNormalised) {
				p.Body = normalise(p.Body)
			}
			if s.is(EventsAreActivity) {
				r.of.row.ActivityAt = s.touch(r.of)
			}
			r.packs = append(r.packs, p.EventPack)
			r.row.EventSeq = p.Last
			if s.is(EventSeqCountsPacks) {
				r.row.EventSeq = int64(len(r.packs))
			}
		case p.Last > r.row.EventSeq && p.First <= r.row.EventSeq && s.is(EventsTakeOverlap):
			r.packs = append(r.packs, p.EventPack)
			r.row.EventSeq = p.Last
		case p.Last > r.row.EventSeq, s.is(EventsRefuseReplay):
			out[i] = &store.VersionConflictError{Expected: p.First - 1, Current: r.row.EventSeq}
		}
	}
	return out, nil
}

func (s *Store) ReadEvents(ctx context.Context, scope store.Scope, id uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.seeRun(scope, id)
	if err != nil {
		return nil, err
	}
	page := &store.EventPage{Run: r.row}
	if s.is(TornEvents) {
		s.apart()
	}
	for _, p := range r.packs {
		if p.Last <= after || s.is(EventsByFirst) && p.First <= after {
			continue
		}
		if len(page.Packs) == limit {
			page.More = !s.is(NeverMore)
			break
		}
		page.Packs = append(page.Packs, p)
	}
	return page, nil
}

func (s *Store) Marks(ctx context.Context, refs []store.WatchRef) ([]store.Mark, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var out []store.Mark
	for _, ref := range refs {
		mark := store.Mark{Ref: ref, Missing: true}
		if r := s.runs[ref.RunID]; r != nil && r.row.Tenant == ref.Tenant {
			mark.Missing, mark.Status, mark.Fence = false, r.row.Status, r.row.Fence
			mark.EventSeq, mark.StopRequested, mark.Nudges = r.row.EventSeq, r.row.StopRequested, r.waitingNudges()
		} else if c := s.conversations[ref.ConversationID]; ref.RunID == uuid.Nil && c != nil && c.row.Tenant == ref.Tenant {
			mark.Missing, mark.Version, mark.UpdatedAt = false, c.row.Version, c.row.UpdatedAt
		} else if s.is(MarksLeaveOutMissing) {
			continue
		}
		out = append(out, mark)
	}
	if s.is(MarksReversed) {
		slices.Reverse(out)
	}
	return out, nil
}

type listener struct {
	mu    sync.Mutex
	hints []store.Hint
	wake  chan struct{}
}

func (s *Store) Notify(ctx context.Context, hints []store.Hint) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if len(s.listeners) == 0 && s.is(NotifyNeedsListeners) {
		return store.ErrUnavailable
	}
	for i, l := range s.listeners {
		if i > 0 && s.is(HintsReachOne) {
			break
		}
		l.mu.Lock()
		l.hints = append(l.hints, hints...)
		l.mu.Unlock()
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

func (s *Store) Listen(ctx context.Context, fn func(store.Hint)) error {
	l := &listener{wake: make(chan struct{}, 1)}
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.listeners = slices.DeleteFunc(slices.Clone(s.listeners), func(other *listener) bool { return other == l })
		s.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			if s.is(ListenReturnsContext) {
				return ctx.Err()
			}
			return nil
		case <-l.wake:
		}
		l.mu.Lock()
		hints := l.hints
		l.hints = nil
		l.mu.Unlock()
		for _, h := range hints {
			if ctx.Err() != nil {
				break
			}
			if s.is(ListenConcurrently) {
				go fn(h)
				continue
			}
			if s.is(NotifyWaits) {
				l.mu.Lock()
			}
			fn(h)
			if s.is(NotifyWaits) {
				l.mu.Unlock()
			}
		}
	}
}

func (s *Store) Check(ctx context.Context) error {
	if s.is(CheckAlwaysFails) {
		return store.ErrUnavailable
	}
	return ctx.Err()
}
