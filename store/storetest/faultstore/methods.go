package faultstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// CreateConversation implements store.Store.
func (s *Store) CreateConversation(ctx context.Context, c *store.NewConversation) (*store.Conversation, error) {
	return call(ctx, s, "CreateConversation", func() (*store.Conversation, error) { return s.inner.CreateConversation(ctx, c) })
}

// GetConversation implements store.Store.
func (s *Store) GetConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	return call(ctx, s, "GetConversation", func() (*store.Conversation, error) { return s.inner.GetConversation(ctx, scope, id) })
}

// ListConversations implements store.Store.
func (s *Store) ListConversations(ctx context.Context, scope store.Scope, q *store.ListQuery) (*store.ListPage, error) {
	return call(ctx, s, "ListConversations", func() (*store.ListPage, error) { return s.inner.ListConversations(ctx, scope, q) })
}

// UpdateConversation implements store.Store.
func (s *Store) UpdateConversation(ctx context.Context, scope store.Scope, id uuid.UUID, u *store.ConversationUpdate) (*store.Conversation, error) {
	return call(ctx, s, "UpdateConversation", func() (*store.Conversation, error) { return s.inner.UpdateConversation(ctx, scope, id, u) })
}

// DeleteConversation implements store.Store.
func (s *Store) DeleteConversation(ctx context.Context, scope store.Scope, id uuid.UUID, result []byte) (*store.Conversation, []store.RunRef, error) {
	var ended []store.RunRef
	c, err := call(ctx, s, "DeleteConversation", func() (c *store.Conversation, err error) {
		c, ended, err = s.inner.DeleteConversation(ctx, scope, id, result)
		return c, err
	})
	if err != nil {
		return nil, nil, err
	}
	return c, ended, nil
}

// RestoreConversation implements store.Store.
func (s *Store) RestoreConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	return call(ctx, s, "RestoreConversation", func() (*store.Conversation, error) { return s.inner.RestoreConversation(ctx, scope, id) })
}

// Purge implements store.Store.
func (s *Store) Purge(ctx context.Context, target store.PurgeTarget) (store.PurgeCounts, error) {
	return call(ctx, s, "Purge", func() (store.PurgeCounts, error) { return s.inner.Purge(ctx, target) })
}

// Messages implements store.Store.
func (s *Store) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	return call(ctx, s, "Messages", func() (*store.MessagePage, error) { return s.inner.Messages(ctx, scope, id, q) })
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	return call(ctx, s, "Append", func() (*store.AppendResult, error) { return s.inner.Append(ctx, a) })
}

// StartRun implements store.Store.
func (s *Store) StartRun(ctx context.Context, r *store.StartRun) (*store.StartResult, error) {
	return call(ctx, s, "StartRun", func() (*store.StartResult, error) { return s.inner.StartRun(ctx, r) })
}

// FinishRun implements store.Store.
func (s *Store) FinishRun(ctx context.Context, f *store.FinishRun) (*store.FinishResult, error) {
	return call(ctx, s, "FinishRun", func() (*store.FinishResult, error) { return s.inner.FinishRun(ctx, f) })
}

// GetRun implements store.Store.
func (s *Store) GetRun(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Run, error) {
	return call(ctx, s, "GetRun", func() (*store.Run, error) { return s.inner.GetRun(ctx, scope, id) })
}

// ListRuns implements store.Store.
func (s *Store) ListRuns(ctx context.Context, scope store.Scope, conversation uuid.UUID, q *store.RunQuery) ([]store.Run, error) {
	return call(ctx, s, "ListRuns", func() ([]store.Run, error) { return s.inner.ListRuns(ctx, scope, conversation, q) })
}

// RequestStop implements store.Store.
func (s *Store) RequestStop(ctx context.Context, r *store.StopRun) (*store.StopResult, error) {
	return call(ctx, s, "RequestStop", func() (*store.StopResult, error) { return s.inner.RequestStop(ctx, r) })
}

// Claim implements store.Store.
func (s *Store) Claim(ctx context.Context, c *store.Claim) ([]store.Claimed, error) {
	return call(ctx, s, "Claim", func() ([]store.Claimed, error) { return s.inner.Claim(ctx, c) })
}

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, lease store.Lease, keys []store.RunKey) ([]store.Renewal, error) {
	return call(ctx, s, "Renew", func() ([]store.Renewal, error) { return s.inner.Renew(ctx, lease, keys) })
}

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, keys []store.RunKey) error {
	_, err := call(ctx, s, "Release", func() (struct{}, error) { return struct{}{}, s.inner.Release(ctx, keys) })
	return err
}

// AddNudge implements store.Store.
func (s *Store) AddNudge(ctx context.Context, scope store.Scope, n *store.Nudge) (*store.Nudge, error) {
	return call(ctx, s, "AddNudge", func() (*store.Nudge, error) { return s.inner.AddNudge(ctx, scope, n) })
}

// TakeNudges implements store.Store.
func (s *Store) TakeNudges(ctx context.Context, key store.RunKey) ([]store.Nudge, error) {
	return call(ctx, s, "TakeNudges", func() ([]store.Nudge, error) { return s.inner.TakeNudges(ctx, key) })
}

// Nudges implements store.Store.
func (s *Store) Nudges(ctx context.Context, scope store.Scope, run uuid.UUID) ([]store.Nudge, error) {
	return call(ctx, s, "Nudges", func() ([]store.Nudge, error) { return s.inner.Nudges(ctx, scope, run) })
}

// AppendEvents implements store.Store.
func (s *Store) AppendEvents(ctx context.Context, packs []store.EventAppend) ([]error, error) {
	return call(ctx, s, "AppendEvents", func() ([]error, error) { return s.inner.AppendEvents(ctx, packs) })
}

// ReadEvents implements store.Store.
func (s *Store) ReadEvents(ctx context.Context, scope store.Scope, run uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	return call(ctx, s, "ReadEvents", func() (*store.EventPage, error) { return s.inner.ReadEvents(ctx, scope, run, after, limit) })
}

// Marks implements store.Store.
func (s *Store) Marks(ctx context.Context, refs []store.WatchRef) ([]store.Mark, error) {
	return call(ctx, s, "Marks", func() ([]store.Mark, error) { return s.inner.Marks(ctx, refs) })
}

// Sweep implements store.Store.
func (s *Store) Sweep(ctx context.Context, w *store.Sweep) (*store.SweepResult, error) {
	return call(ctx, s, "Sweep", func() (*store.SweepResult, error) { return s.inner.Sweep(ctx, w) })
}

// Notify implements store.Store.
func (s *Store) Notify(ctx context.Context, hints []store.Hint) error {
	_, err := call(ctx, s, "Notify", func() (struct{}, error) { return struct{}{}, s.inner.Notify(ctx, hints) })
	return err
}

// Check implements store.Store.
func (s *Store) Check(ctx context.Context) error {
	_, err := call(ctx, s, "Check", func() (struct{}, error) { return struct{}{}, s.inner.Check(ctx) })
	return err
}

// Listen implements store.Store. It never fails: trouble on the way is the
// inner store's to get over.
func (s *Store) Listen(ctx context.Context, fn func(store.Hint)) error {
	return s.inner.Listen(ctx, fn)
}
