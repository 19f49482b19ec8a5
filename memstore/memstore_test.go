package memstore_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var alice = store.Scope{Tenant: "acme", User: "alice"}

// setup returns a store with one empty conversation of alice in it.
func setup(t testing.TB) (*memstore.Store, uuid.UUID) {
	t.Helper()
	s := memstore.New(nil)
	return s, create(t, s, alice, "")
}

func create(t testing.TB, s *memstore.Store, who store.Scope, title string) uuid.UUID {
	t.Helper()
	n := &store.NewConversation{Conversation: store.Conversation{
		Tenant: who.Tenant, ID: newID(t), Owner: who.User, Title: title,
		Mode: "standard", Channel: "web", Surface: "web",
	}}
	c, err := s.CreateConversation(t.Context(), n)
	require.NoError(t, err)
	require.Equal(t, n.ID, c.ID)
	return n.ID
}

// forkOf makes alice's fork of a conversation at a version.
func forkOf(t testing.TB, s *memstore.Store, id uuid.UUID, version int64) uuid.UUID {
	t.Helper()
	scope := alice
	c, err := s.CreateConversation(t.Context(), &store.NewConversation{
		Conversation: store.Conversation{
			Tenant: "acme", ID: newID(t), Owner: "alice", Mode: "standard", Channel: "web", Surface: "web",
			ParentID: id, ParentVersion: version,
		},
		Copy: &scope,
	})
	require.NoError(t, err)
	require.Equal(t, version, c.Version)
	return c.ID
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id
}

// says makes messages with the given texts as their parts.
func says(t testing.TB, texts ...string) []store.Message {
	t.Helper()
	out := make([]store.Message, len(texts))
	for i, text := range texts {
		out[i] = store.Message{ID: newID(t), Role: "user", Parts: []byte(text)}
	}
	return out
}

// fill appends n messages to alice's conversation, at most 50 at a time.
func fill(t testing.TB, s *memstore.Store, id uuid.UUID, n int) {
	t.Helper()
	for n > 0 {
		batch := make([]store.Message, min(n, 50))
		for i := range batch {
			batch[i] = store.Message{ID: newID(t), Role: "user", Parts: []byte(`"text"`)}
		}
		_, err := s.Append(t.Context(), &store.Append{
			Scope: alice, ConversationID: id, Tail: store.Tail{Messages: batch},
		})
		require.NoError(t, err)
		n -= len(batch)
	}
}

func TestStore_TurnFromStartToEnd(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	zero := int64(0)

	started, err := s.StartRun(t.Context(), &store.StartRun{
		Scope: alice, ConversationID: id, ID: newID(t), Timeout: time.Minute,
		Expected: &zero, Busy: store.BusyReject,
		Lease: &store.Lease{Owner: "engine", Duration: time.Minute},
	})
	require.NoError(t, err)
	require.Equal(t, store.RunRunning, started.Run.Status)

	ended, err := s.FinishRun(t.Context(), &store.FinishRun{
		Key: started.Run.RunKey(), Status: store.RunCompleted,
		Tail: store.Tail{Messages: says(t, "1", "2"), Preview: "two"},
	})
	require.NoError(t, err)
	require.Equal(t, int64(2), ended.Run.Version)

	c, err := s.GetConversation(t.Context(), alice, id)
	require.NoError(t, err)
	require.Equal(t, int64(2), c.Version)
	require.Equal(t, "two", c.Preview)
	require.Equal(t, store.RunCompleted, c.LastRunStatus)
	require.Zero(t, c.Active)

	page, err := s.ListConversations(t.Context(), alice, &store.ListQuery{Text: "TWO", Limit: 10, Count: true})
	require.NoError(t, err)
	require.Len(t, page.Conversations, 1)
	require.Equal(t, int64(1), page.Total)
}
