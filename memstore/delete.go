package memstore

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// DeleteConversation implements store.Store.
func (s *Store) DeleteConversation(ctx context.Context, scope store.Scope, id uuid.UUID, result []byte) (*store.Conversation, []store.RunRef, error) {
	if err := alive(ctx); err != nil {
		return nil, nil, err
	}
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c, err := sh.find(scope, id)
	if err != nil {
		return nil, nil, err
	}
	if c.deleted {
		return c.copyRow(), nil, nil
	}
	at := c.touch(s.now())
	c.setDeleted(at)
	var ended []store.RunRef
	for _, r := range c.open() {
		c.end(r, store.RunStopped, result, store.NudgeReturned, at)
		ended = append(ended, r.row.Ref())
	}
	return c.copyRow(), ended, nil
}

// RestoreConversation implements store.Store.
func (s *Store) RestoreConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c, err := sh.find(scope, id)
	if err != nil {
		return nil, err
	}
	if c.deleted {
		c.setDeleted(time.Time{})
		c.touch(s.now())
	}
	return c.copyRow(), nil
}
