package memstore

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// Claim implements store.Store.
func (s *Store) Claim(ctx context.Context, a *store.Claim) ([]store.Claimed, error) {
	for {
		if err := alive(ctx); err != nil {
			return nil, err
		}
		found := s.claimable(a.Limit)
		if len(found) == 0 {
			return nil, nil
		}
		if claimed := s.claim(found, &a.Lease); len(claimed) > 0 {
			return claimed, nil
		}
		// Others were quicker with all of them; there may be more.
	}
}

// candidate is a run that could be claimed when its shard was looked at.
type candidate struct {
	run     *run
	created time.Time
}

// claimable returns the oldest runs that may be claimed.
func (s *Store) claimable(limit int) []candidate {
	var found []candidate
	now := s.now()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		for r := sh.live.first; r != nil; r = r.next {
			if r.claimable(now) {
				found = append(found, candidate{r, r.row.CreatedAt})
			}
		}
		sh.mu.RUnlock()
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return slices.Compare(a.run.id[:], b.run.id[:])
	})
	return found[:min(len(found), max(limit, 0))]
}

// claimable is asked of live runs only.
func (r *run) claimable(now time.Time) bool {
	return r.row.Status == store.RunPending || !r.row.LeaseUntil.After(now)
}

// claim takes those of the candidates that can still be claimed, in one step.
func (s *Store) claim(found []candidate, lease *store.Lease) []store.Claimed {
	unlock := s.lockEach(len(found), func(i int) uuid.UUID { return found[i].run.conv.id })
	defer unlock()
	now := s.now()
	claimed := make([]store.Claimed, 0, len(found))
	for _, f := range found {
		r := f.run
		if r.conv.purged || !r.holds() || !r.claimable(now) {
			continue
		}
		c := r.conv
		c.renumber(r)
		r.claim(lease, c.touch(now), now)
		claimed = append(claimed, store.Claimed{Run: r.row, Conversation: *c.copyRow()})
	}
	return claimed
}

// claim puts a run that has a new fencing number into the hands of an owner.
func (r *run) claim(lease *store.Lease, at, now time.Time) {
	r.setStatus(store.RunRunning)
	r.row.Attempt++
	r.row.Owner = lease.Owner
	r.row.LeaseUntil = until(now, lease.Duration)
	if r.row.StartedAt.IsZero() {
		r.row.StartedAt = at
		r.row.Deadline = until(at, r.row.Timeout)
	}
	r.nudgesWaitAgain()
}

// until is the moment a while from now, as the store writes times.
func until(now time.Time, d time.Duration) time.Time { return now.Add(d).Truncate(time.Microsecond) }

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, lease store.Lease, keys []store.RunKey) ([]store.Renewal, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	unlock := s.lockEach(len(keys), func(i int) uuid.UUID { return keys[i].ConversationID })
	defer unlock()
	now := s.now()
	out := make([]store.Renewal, len(keys))
	for i, key := range keys {
		out[i].Key = key
		r := s.held(key)
		if r == nil {
			continue
		}
		if r.row.Status == store.RunRunning { // a pending run has a number, but no lease
			r.row.LeaseUntil = until(now, lease.Duration)
		}
		out[i].Held = true
		out[i].StopRequested = r.row.StopRequested
		out[i].Nudges = r.waitingNudges()
	}
	return out, nil
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, keys []store.RunKey) error {
	if err := alive(ctx); err != nil {
		return err
	}
	unlock := s.lockEach(len(keys), func(i int) uuid.UUID { return keys[i].ConversationID })
	defer unlock()
	now := s.now()
	for _, key := range keys {
		r := s.held(key)
		if r == nil {
			continue
		}
		c := r.conv
		c.renumber(r)
		c.touch(now)
		r.setStatus(store.RunPending)
		r.row.Owner, r.row.LeaseUntil = "", time.Time{}
	}
	return nil
}
