package memstore

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// Purge implements store.Store.
func (s *Store) Purge(ctx context.Context, target store.PurgeTarget) (store.PurgeCounts, error) {
	var counts store.PurgeCounts
	if err := alive(ctx); err != nil {
		return counts, err
	}
	if target.ConversationID != uuid.Nil {
		sh := s.shard(target.ConversationID)
		sh.mu.Lock()
		defer sh.mu.Unlock()
		if c := sh.conversations[target.ConversationID]; c != nil && c.row.Tenant == target.Tenant {
			s.erase(c, &counts)
		}
		return counts, nil
	}
	s.purgeMany(target, &counts)
	return counts, nil
}

// purgeMany erases a user or a tenant. It holds every lock, so that nobody sees
// a part of it, or slips a new conversation in between.
func (s *Store) purgeMany(target store.PurgeTarget, counts *store.PurgeCounts) {
	s.erasing.Lock()
	defer s.erasing.Unlock()
	for i := range s.shards {
		s.shards[i].mu.Lock()
		defer s.shards[i].mu.Unlock()
	}
	now := s.now()
	for i := range s.shards {
		r := s.shards[i].tenants[target.Tenant]
		if r == nil {
			continue
		}
		for _, c := range slices.Backward(slices.Clone(r.list)) {
			switch {
			case target.Owner == "" || c.row.Owner == target.Owner:
				s.erase(c, counts)
			case c.forget(target.Owner):
				c.touch(now)
			}
		}
	}
}

// forget erases a person from the directory and reports whether they were in it.
func (c *conversation) forget(user string) bool {
	member := c.people.member(user)
	if !c.people.remove(user) {
		return false
	}
	if member {
		leave(c.shard.users, userKey{c.row.Tenant, user}, c)
	}
	return true
}

// erase removes the conversation and everything that belongs to it. The caller
// holds the lock of its shard.
func (s *Store) erase(c *conversation, counts *store.PurgeCounts) {
	counts.Conversations++
	counts.Messages += int64(c.log.n)
	counts.Runs += int64(c.runs.n)
	for i := range c.runs.n {
		r := c.runs.at(i)
		counts.Events += r.events.events(r.events.stored())
		r.move(nil)
		s.dropRun(r)
	}
	c.purged = true
	delete(c.shard.conversations, c.id)
	leave(c.shard.tenants, c.row.Tenant, c)
	for _, p := range c.people.list {
		if p.Member {
			leave(c.shard.users, userKey{c.row.Tenant, p.UserID}, c)
		}
	}
}
