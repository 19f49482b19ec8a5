package conversation_test

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// spy notes which questions a caller's call asks the store. What the engine
// asks on its own account is not noted.
type spy struct {
	store.Store
	mu    sync.Mutex
	asked []string
}

// watch makes a call and returns its error and what it asked.
func (s *spy) watch(call func() error) (error, []string) { //nolint:revive,staticcheck // the error is what is looked at
	s.mu.Lock()
	s.asked = nil
	s.mu.Unlock()
	err := call()
	s.mu.Lock()
	defer s.mu.Unlock()
	return err, slices.Clone(s.asked)
}

func (s *spy) note(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, name)
}

func (s *spy) GetConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	s.note("GetConversation")
	return s.Store.GetConversation(ctx, scope, id)
}

func (s *spy) UpdateConversation(ctx context.Context, scope store.Scope, id uuid.UUID, u *store.ConversationUpdate) (*store.Conversation, error) {
	s.note("UpdateConversation")
	return s.Store.UpdateConversation(ctx, scope, id, u)
}

func (s *spy) DeleteConversation(ctx context.Context, scope store.Scope, id uuid.UUID, result []byte) (*store.Conversation, []store.RunRef, error) {
	s.note("DeleteConversation")
	return s.Store.DeleteConversation(ctx, scope, id, result)
}

func (s *spy) RestoreConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	s.note("RestoreConversation")
	return s.Store.RestoreConversation(ctx, scope, id)
}

func (s *spy) Purge(ctx context.Context, target store.PurgeTarget) (store.PurgeCounts, error) {
	s.note("Purge")
	return s.Store.Purge(ctx, target)
}

func (s *spy) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	s.note("Messages")
	return s.Store.Messages(ctx, scope, id, q)
}

func (s *spy) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	s.note("Append")
	return s.Store.Append(ctx, a)
}

func (s *spy) StartRun(ctx context.Context, start *store.StartRun) (*store.StartResult, error) {
	s.note("StartRun")
	return s.Store.StartRun(ctx, start)
}

func (s *spy) CreateConversation(ctx context.Context, c *store.NewConversation) (*store.Conversation, error) {
	s.note("CreateConversation")
	return s.Store.CreateConversation(ctx, c)
}

func (s *spy) GetRun(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Run, error) {
	s.note("GetRun")
	return s.Store.GetRun(ctx, scope, id)
}

func (s *spy) ListRuns(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.RunQuery) ([]store.Run, error) {
	s.note("ListRuns")
	return s.Store.ListRuns(ctx, scope, id, q)
}

func (s *spy) RequestStop(ctx context.Context, stop *store.StopRun) (*store.StopResult, error) {
	s.note("RequestStop")
	return s.Store.RequestStop(ctx, stop)
}

func (s *spy) AddNudge(ctx context.Context, scope store.Scope, n *store.Nudge) (*store.Nudge, error) {
	s.note("AddNudge")
	return s.Store.AddNudge(ctx, scope, n)
}

func (s *spy) Nudges(ctx context.Context, scope store.Scope, run uuid.UUID) ([]store.Nudge, error) {
	s.note("Nudges")
	return s.Store.Nudges(ctx, scope, run)
}

func (s *spy) ReadEvents(ctx context.Context, scope store.Scope, run uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	s.note("ReadEvents")
	return s.Store.ReadEvents(ctx, scope, run, after, limit)
}
