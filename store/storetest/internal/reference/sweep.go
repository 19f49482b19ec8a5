package reference

import (
	"context"
	"slices"

	"github.com/parley-go/parley/store"
)

func (s *Store) Sweep(ctx context.Context, a *store.Sweep) (*store.SweepResult, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	out := &store.SweepResult{}
	now := s.now()
	for _, r := range s.runs {
		over := r.row.Queued && !r.row.QueueUntil.IsZero() && now.After(r.row.QueueUntil)
		if s.is(SweepExpiresAll) && r.row.Queued {
			over = true
		}
		if over && s.is(SweepChecksApart) {
			s.apart()
		}
		if over && (len(out.Expired) < a.Limit || s.is(SweepUnbounded)) {
			s.end(r, store.RunTimedOut, a.QueueResult, false)
			s.touch(r.of)
			out.Expired = append(out.Expired, r.row.Ref())
		}
		if a.EventRetention == 0 && !s.is(RetentionZeroDeletes) || !r.row.Status.Terminal() && !s.is(SweepEatsLiveEvents) {
			continue
		}
		if now.Sub(r.row.CompletedAt) <= a.EventRetention && !s.is(RetentionIgnored) {
			continue
		}
		packs := min(len(r.packs), a.Limit)
		for _, p := range r.packs[:packs] {
			out.Events += p.Last - p.First + 1
			if s.is(SweepCountsPacks) {
				out.Events -= p.Last - p.First
			}
		}
		r.packs = r.packs[packs:]
	}
	for _, c := range s.conversations {
		if ref := s.promote(c, len(out.Promoted) < a.Limit); ref != nil {
			out.Promoted = append(out.Promoted, *ref)
		}
	}
	return out, nil
}

func (s *Store) Purge(ctx context.Context, t store.PurgeTarget) (store.PurgeCounts, error) {
	var n store.PurgeCounts
	if err := s.enter(ctx); err != nil {
		return n, err
	}
	defer s.mu.Unlock()
	for id, c := range s.conversations {
		switch {
		case c.row.Tenant != t.Tenant && !s.is(PurgeIgnoresTenant):
			continue
		case c.row.ID == t.ConversationID:
		case t.ConversationID != noID && !s.is(PurgeReadsOwnerFirst):
			continue
		case t.Owner != "" && c.row.Owner != t.Owner:
			s.forget(c, t.Owner)
			continue
		}
		if s.is(PurgeSparesDeleted) && !c.row.DeletedAt.IsZero() {
			continue
		}
		n.Conversations++
		n.Messages += int64(len(c.log))
		for _, r := range c.runs {
			n.Runs++
			for _, p := range r.packs {
				n.Events += p.Last - p.First + 1
				if s.is(PurgeCountsPacks) {
					n.Events -= p.Last - p.First
				}
			}
			if s.is(PurgeLeavesRuns) {
				continue
			}
			delete(s.runs, r.row.ID)
		}
		delete(s.conversations, id)
		for _, fork := range s.conversations {
			if s.is(PurgeCutsForks) && fork.row.ParentID == id {
				fork.log = nil
			}
		}
	}
	return n, nil
}

// forget takes a user out of a directory.
func (s *Store) forget(c *conversation, user string) {
	if s.is(PurgeLeavesDirectory) || !c.listed(user) {
		return
	}
	c.row.Participants = slices.DeleteFunc(slices.Clone(c.row.Participants), func(p store.Participant) bool { return p.UserID == user })
	s.touch(c)
}
