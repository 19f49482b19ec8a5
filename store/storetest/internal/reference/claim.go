package reference

import (
	"context"
	"slices"

	"github.com/parley-go/parley/store"
)

func (s *Store) Claim(ctx context.Context, a *store.Claim) ([]store.Claimed, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	var free []*run
	for _, r := range s.runs {
		pending := r.row.Status == store.RunPending && (!r.row.Queued || s.is(ClaimTakesQueued))
		lapsed := r.row.Status == store.RunRunning && now.After(r.row.LeaseUntil)
		stolen := r.row.Status == store.RunRunning && s.is(ClaimIgnoresLease)
		reaped := r.row.Status.Terminal() && r.row.Fence > 0 && s.is(ClaimIgnoresStatus)
		if pending || lapsed && !s.is(ClaimNeverRescues) || stolen || reaped {
			free = append(free, r)
		}
	}
	slices.SortFunc(free, func(a, b *run) int {
		if n := a.row.CreatedAt.Compare(b.row.CreatedAt); n != 0 {
			return n
		}
		return compareIDs(a.row.ID, b.row.ID)
	})
	if s.is(ClaimNewestFirst) {
		slices.Reverse(free)
	}
	if len(free) > a.Limit && !s.is(ClaimUnbounded) {
		free = free[:a.Limit]
	}
	if len(free) == 0 && s.is(IdleClaimIsNotFound) {
		return nil, store.ErrNotFound
	}
	var out []store.Claimed
	for _, r := range free {
		if s.is(ClaimOneTenant) && r.row.Tenant != free[0].row.Tenant {
			continue
		}
		if s.is(ClaimChecksApart) {
			s.apart()
		}
		s.hold(r)
		s.take(r, a.Lease)
		if s.is(AttemptStands) {
			r.row.Attempt = 1
		}
		for i := range r.nudges {
			if r.nudges[i].State == store.NudgeTaken && !s.is(TakenNudgesStay) {
				r.nudges[i].State = store.NudgeWaiting
			}
		}
		if !s.is(ClaimLeavesUpdatedAt) {
			s.touch(r.of)
		}
		out = append(out, store.Claimed{Run: r.row, Conversation: r.of.view()})
	}
	return out, nil
}

func (s *Store) Renew(ctx context.Context, lease store.Lease, keys []store.RunKey) ([]store.Renewal, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	now := s.now()
	var out []store.Renewal
	for _, key := range keys {
		r, err := s.held(key)
		if err != nil && s.is(RenewUnfenced) && s.runs[key.RunID] != nil {
			r, err = s.runs[key.RunID], nil
		}
		if err == nil && s.is(RenewRefusesLapsed) && now.After(r.row.LeaseUntil) {
			err = store.ErrFenced
		}
		answer := store.Renewal{Key: key}
		if err == nil {
			if !s.is(RenewForgetsLease) {
				r.row.LeaseUntil = now.Add(lease.Duration)
			}
			answer.Held, answer.StopRequested, answer.Nudges = true, r.row.StopRequested, r.waitingNudges()
		}
		out = append(out, answer)
	}
	if s.is(RenewReversed) {
		slices.Reverse(out)
	}
	return out, nil
}

func (s *Store) Release(ctx context.Context, keys []store.RunKey) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, key := range keys {
		r, err := s.held(key)
		if err != nil {
			if s.is(ReleaseFailsOnFenced) {
				return err
			}
			continue
		}
		r.row.Status, r.row.Owner, r.row.LeaseUntil = store.RunPending, "", zero
		if s.is(ReleaseFreesConversation) {
			r.good = false
			s.promote(r.of, true)
		} else if !s.is(ReleaseKeepsFence) {
			// The run goes on holding the conversation, by a number nobody knows.
			s.hold(r)
		}
		s.touch(r.of)
	}
	return nil
}

func (r *run) waitingNudges() (n int) {
	for _, nudge := range r.nudges {
		if nudge.State == store.NudgeWaiting {
			n++
		}
	}
	return n
}
