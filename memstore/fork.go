package memstore

import (
	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// fork creates a conversation with the beginning of another one's log. The
// chunks are shared; only the index of message ids is built anew, and that
// outside the locks, because a written message never changes.
func (s *Store) fork(n *store.NewConversation) (*store.Conversation, error) {
	if row, err := s.forked(n); row != nil || err != nil {
		return row, err
	}
	source, log, err := s.beginning(n)
	if err != nil {
		return nil, err
	}
	c := newConversation(n)
	c.log = log
	c.row.Version = n.ParentVersion
	c.ids.add(&c.log, 0, c.log.n)

	unlock := s.lockEach(2, func(i int) uuid.UUID { return [2]uuid.UUID{n.ID, n.ParentID}[i] })
	defer unlock()
	sh := s.shard(n.ID)
	if known := sh.conversations[n.ID]; known != nil {
		return known.created(n)
	}
	if source.purged || !source.shows(*n.Copy) {
		return nil, store.ErrNotFound
	}
	return s.enter(sh, c), nil
}

// forked answers a repeated creation; nil and nil say that there was none.
func (s *Store) forked(n *store.NewConversation) (*store.Conversation, error) {
	sh := s.shard(n.ID)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if known := sh.conversations[n.ID]; known != nil {
		return known.created(n)
	}
	return nil, nil
}

// beginning returns the source and messages 1 to ParentVersion of it.
func (s *Store) beginning(n *store.NewConversation) (*conversation, series[store.Message], error) {
	var none series[store.Message]
	sh := s.shard(n.ParentID)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	source, err := sh.find(*n.Copy, n.ParentID)
	if err != nil {
		return nil, none, err
	}
	if n.ParentVersion > source.row.Version || n.ParentVersion < 0 {
		return nil, none, &store.VersionConflictError{Expected: n.ParentVersion, Current: source.row.Version}
	}
	return source, source.log.prefix(int(n.ParentVersion)), nil
}
