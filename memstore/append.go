package memstore

import (
	"context"
	"errors"

	"github.com/parley-go/parley/store"
)

var errNothingToAppend = errors.New("memstore: append without messages")

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	if len(a.Messages) == 0 {
		return nil, errNothingToAppend
	}
	sh := s.shard(a.ConversationID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c, err := sh.find(a.Scope, a.ConversationID)
	if err != nil {
		return nil, err
	}
	if c.deleted {
		return nil, store.ErrDeleted
	}
	if known := c.knows(a.Messages); known > 0 {
		return c.repeated(a, known)
	}
	if err := c.admits(a); err != nil {
		return nil, err
	}
	at := c.touch(s.now())
	res := &store.AppendResult{Messages: c.land(&a.Tail, at)}
	res.Version = c.row.Version
	res.Promoted = c.promote(at)
	return res, nil
}

// repeated answers an append of which known ids are in the log: with the stored
// messages if it is the same append again, else with a conflict.
func (c *conversation) repeated(a *store.Append, known int) (*store.AppendResult, error) {
	conflict := &store.VersionConflictError{Expected: c.row.Version, Current: c.row.Version}
	first := c.ids.find(&c.log, a.Messages[0].ID)
	if a.Expected != nil {
		conflict.Expected = *a.Expected
		if first != *a.Expected+1 {
			return nil, conflict
		}
	}
	if known != len(a.Messages) {
		return nil, conflict
	}
	for i := range a.Messages {
		if c.ids.find(&c.log, a.Messages[i].ID) != first+int64(i) {
			return nil, conflict
		}
	}
	from, to := int(first)-1, int(first)-1+len(a.Messages)
	return &store.AppendResult{Version: int64(to), Messages: c.log.slice(from, to), Replayed: true}, nil
}

// admits makes the checks behind the replay, in the order of the contract.
func (c *conversation) admits(a *store.Append) error {
	if a.Expected != nil && *a.Expected != c.row.Version {
		return &store.VersionConflictError{Expected: *a.Expected, Current: c.row.Version}
	}
	if !a.Race && len(c.active) > 0 {
		return &store.RunActiveError{RunID: c.active[0].id}
	}
	if !a.Settles && len(c.row.Pending) > 0 {
		return store.ErrToolOutputsPending
	}
	if !distinct(a.Messages) {
		return store.ErrExists
	}
	return nil
}
