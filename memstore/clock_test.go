package memstore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func TestClock_UpdatedAtGrowsWhileTheClockStands(t *testing.T) {
	t.Parallel()
	still := time.Date(2026, 3, 1, 12, 0, 0, 1_234_567, time.FixedZone("east", 3600))
	s := memstore.New(&memstore.Options{Now: func() time.Time { return still }})
	id := create(t, s, alice, "")

	last := time.Time{}
	grew := func() {
		t.Helper()
		c, err := s.GetConversation(t.Context(), alice, id)
		require.NoError(t, err)
		require.True(t, c.UpdatedAt.After(last))
		require.Equal(t, time.UTC, c.UpdatedAt.Location())
		require.Equal(t, c.UpdatedAt.Truncate(time.Microsecond), c.UpdatedAt)
		last = c.UpdatedAt
	}
	grew()
	require.Equal(t, still.UTC().Truncate(time.Microsecond), last)

	_, err := s.UpdateConversation(t.Context(), alice, id, &store.ConversationUpdate{Title: &store.TitleUpdate{Title: "new"}})
	require.NoError(t, err)
	grew()
	started, err := s.StartRun(t.Context(), &store.StartRun{
		Scope: alice, ConversationID: id, ID: newID(t), Timeout: time.Minute,
	})
	require.NoError(t, err)
	grew()
	claimed, err := s.Claim(t.Context(), &store.Claim{Lease: store.Lease{Owner: "engine", Duration: time.Second}, Limit: 1})
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	require.Equal(t, still.UTC().Truncate(time.Microsecond).Add(time.Second), claimed[0].Run.LeaseUntil)
	require.Greater(t, claimed[0].Run.Fence, started.Run.Fence)
	grew()
	_, err = s.FinishRun(t.Context(), &store.FinishRun{
		Key: claimed[0].Run.RunKey(), Status: store.RunCompleted, Tail: store.Tail{Messages: says(t, "1", "2")},
	})
	require.NoError(t, err)
	grew()
	_, _, err = s.DeleteConversation(t.Context(), alice, id, nil)
	require.NoError(t, err)
	grew()
	_, err = s.RestoreConversation(t.Context(), alice, id)
	require.NoError(t, err)
	grew()
}

func TestR8_LeaseEndsByTheClockOfTheBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := setup(t)
		lease := store.Lease{Owner: "first", Duration: time.Minute}
		started, err := s.StartRun(t.Context(), &store.StartRun{
			Scope: alice, ConversationID: id, ID: newID(t), Timeout: time.Hour, Lease: &lease,
		})
		require.NoError(t, err)
		rescue := &store.Claim{Lease: store.Lease{Owner: "second", Duration: time.Minute}, Limit: 1}

		time.Sleep(time.Minute - time.Microsecond)
		claimed, err := s.Claim(t.Context(), rescue)
		require.NoError(t, err)
		require.Empty(t, claimed)
		renewed, err := s.Renew(t.Context(), lease, []store.RunKey{started.Run.RunKey()})
		require.NoError(t, err)
		require.True(t, renewed[0].Held)

		time.Sleep(time.Minute)
		claimed, err = s.Claim(t.Context(), rescue)
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		require.Equal(t, 2, claimed[0].Run.Attempt)
		require.Equal(t, started.Run.Deadline, claimed[0].Run.Deadline, "the deadline does not move")
		_, err = s.FinishRun(t.Context(), &store.FinishRun{Key: started.Run.RunKey(), Status: store.RunCompleted})
		require.ErrorIs(t, err, store.ErrFenced)
	})
}
