package memstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// Marks implements store.Store.
func (s *Store) Marks(ctx context.Context, refs []store.WatchRef) ([]store.Mark, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	marks := make([]store.Mark, len(refs))
	for i, ref := range refs {
		marks[i] = s.mark(ref)
	}
	return marks, nil
}

func (s *Store) mark(ref store.WatchRef) store.Mark {
	m := store.Mark{Ref: ref}
	sh := s.shard(ref.ConversationID)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	c := sh.conversations[ref.ConversationID]
	if c == nil || c.row.Tenant != ref.Tenant {
		m.Missing = true
		return m
	}
	if ref.RunID == uuid.Nil {
		m.Version, m.UpdatedAt = c.row.Version, c.row.UpdatedAt
		return m
	}
	r := s.runOf(c, ref.RunID)
	if r == nil {
		m.Missing = true
		return m
	}
	m.Status, m.Fence, m.EventSeq = r.row.Status, r.row.Fence, r.row.EventSeq
	m.StopRequested, m.Nudges = r.row.StopRequested, r.waitingNudges()
	return m
}
