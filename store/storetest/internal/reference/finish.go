package reference

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

var zero time.Time

func (s *Store) FinishRun(ctx context.Context, f *store.FinishRun) (*store.FinishResult, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()

	if r := s.runs[f.Key.RunID]; r != nil && r.row.Ref() == f.Key.Ref() && !s.is(NoFinishReplay) {
		if r.ended != 0 && (r.ended == f.Key.Fence || s.is(FinishReplaysAnyAttempt)) {
			return s.finished(r, true), nil
		}
	}
	r, err := s.held(f.Key)
	if err != nil {
		r = s.runs[f.Key.RunID]
		if r == nil || !s.is(FinishUnfenced) && !(s.is(LogUnfenced) && len(f.Messages) > 0) {
			return nil, err
		}
		if s.is(LogUnfenced) {
			s.write(r.of, &f.Tail)
			return nil, err
		}
	}
	c := r.of
	lands := len(f.Messages) > 0
	if lands && r.row.BaseVersion != c.row.Version && !s.is(FinishIgnoresVersion) {
		if s.is(ConflictEndsRun) {
			s.end(r, store.RunFailed, f.Result, false)
		}
		return nil, &store.VersionConflictError{Expected: r.row.BaseVersion, Current: c.row.Version}
	}

	if p := f.Events; p != nil && (p.First == r.row.EventSeq+1 || s.is(FinishKeepsAnyEvents)) && !s.is(FinishDropsEvents) {
		r.packs = append(r.packs, *p)
		r.row.EventSeq = p.Last
	}
	if lands {
		s.write(c, &f.Tail)
		r.row.Version = c.row.Version
	} else if s.is(EmptyFinishClearsPending) {
		c.row.Pending = f.Pending
	}
	s.end(r, f.Status, f.Result, lands)
	r.ended = f.Key.Fence
	s.touch(c)
	out := s.finished(r, false)
	out.Promoted = s.promote(c, !s.is(NoPromotionAfterFinish))
	return out, nil
}

// finished is the answer to the call that ended the run.
func (s *Store) finished(r *run, replayed bool) *store.FinishResult {
	out := &store.FinishResult{
		Run: r.row, Replayed: replayed,
		Title: r.of.row.Title, TitleCustom: r.of.row.TitleCustom,
	}
	for _, m := range r.of.log {
		if m.Seq > r.row.BaseVersion && m.Seq <= r.row.Version {
			out.Messages = append(out.Messages, m)
		}
	}
	return out
}

func (s *Store) RequestStop(ctx context.Context, a *store.StopRun) (*store.StopResult, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.seeAsMember(a.Scope, a.RunID)
	if err != nil {
		return nil, err
	}
	out := &store.StopResult{}
	switch {
	case r.row.Status.Terminal() && s.is(StopOverwritesEnd):
		r.row.Status = store.RunStopped
	case r.row.Status.Terminal():
	case r.row.Status == store.RunRunning && !s.is(StopEndsRunning):
		r.row.StopRequested = true
		out.Stopped = true
		s.touch(r.of)
	default:
		s.end(r, store.RunStopped, a.Result, false)
		out.Stopped = true
		s.touch(r.of)
		out.Promoted = s.promote(r.of, !s.is(NoPromotionAfterStop))
	}
	out.Run = r.row
	return out, nil
}

// seeAsMember finds a run of a conversation whose member the user is.
func (s *Store) seeAsMember(scope store.Scope, id uuid.UUID) (*run, error) {
	if !s.is(WideMayWrite) {
		scope.Wide = false
	}
	return s.seeRun(scope, id)
}

func (s *Store) GetRun(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	r, err := s.seeRun(scope, id)
	if err != nil {
		return nil, err
	}
	row := r.row
	return &row, nil
}

func (s *Store) ListRuns(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.RunQuery) ([]store.Run, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(scope, id)
	if err != nil {
		return nil, err
	}
	behind := func(a, b *store.Run) int {
		if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
			return n
		}
		return compareIDs(b.ID, a.ID)
	}
	var out []store.Run
	for _, r := range c.runs {
		switch {
		case q.Key != "" && r.row.Key != q.Key, q.Active && r.row.Status.Terminal():
		case q.Active && r.row.Queued && s.is(ActiveLeavesOutQueued):
		case q.After != nil && behind(&r.row, &store.Run{CreatedAt: q.After.CreatedAt, ID: q.After.ID}) <= 0 && !s.is(RunCursorIgnored):
		default:
			out = append(out, r.row)
		}
	}
	slices.SortFunc(out, func(a, b store.Run) int { return behind(&a, &b) })
	if s.is(RunsOldestFirst) {
		slices.Reverse(out)
	}
	if len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out, nil
}
