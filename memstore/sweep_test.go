package memstore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/store"
)

func TestSweep_DeletesOldEventsPackByPack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := setup(t)
		started, err := s.StartRun(t.Context(), &store.StartRun{
			Scope: alice, ConversationID: id, ID: newID(t), Timeout: time.Hour,
			Lease: &store.Lease{Owner: "engine", Duration: time.Hour},
		})
		require.NoError(t, err)
		key := started.Run.RunKey()
		pack := func(first, last int64) store.EventPack {
			return store.EventPack{First: first, Last: last, Body: []byte("events")}
		}
		answers, err := s.AppendEvents(t.Context(), []store.EventAppend{
			{Key: key, EventPack: pack(1, 2)},
			{Key: key, EventPack: pack(3, 7)},
			{Key: key, EventPack: pack(9, 9)}, // a gap
			{Key: key, EventPack: pack(2, 7)}, // stored already
		})
		require.NoError(t, err)
		require.Len(t, answers, 4)
		require.NoError(t, answers[0])
		require.NoError(t, answers[1])
		require.ErrorIs(t, answers[2], store.ErrVersionConflict)
		require.NoError(t, answers[3])
		last := pack(8, 10)
		ended, err := s.FinishRun(t.Context(), &store.FinishRun{Key: key, Status: store.RunCompleted, Events: &last})
		require.NoError(t, err)
		require.Equal(t, int64(11), ended.Run.EventSeq)

		sweep := func(limit int) int64 {
			res, err := s.Sweep(t.Context(), &store.Sweep{Limit: limit, EventRetention: time.Minute})
			require.NoError(t, err)
			return res.Events
		}
		stored := func() []store.EventPack {
			page, err := s.ReadEvents(t.Context(), alice, key.RunID, 0, 10)
			require.NoError(t, err)
			require.False(t, page.More)
			require.Equal(t, int64(11), page.Run.EventSeq)
			return page.Packs
		}
		// The clock stands still between the steps, so the end is a little ahead of it.
		time.Sleep(time.Until(ended.Run.CompletedAt) + time.Minute)
		require.Zero(t, sweep(10), "not longer ago than the retention")
		time.Sleep(time.Microsecond)
		require.Equal(t, int64(7), sweep(2))
		require.Equal(t, []store.EventPack{last}, stored())
		counts, err := s.Purge(t.Context(), store.PurgeTarget{Tenant: "other"})
		require.NoError(t, err)
		require.Zero(t, counts)
		require.Equal(t, int64(3), sweep(2))
		require.Empty(t, stored())
		require.Zero(t, sweep(2))
	})
}

func TestSweep_PurgedRunsAreOutOfItsReach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, id := setup(t)
		start := func(busy store.Busy) store.Run {
			res, err := s.StartRun(t.Context(), &store.StartRun{
				Scope: alice, ConversationID: id, ID: newID(t), Timeout: time.Hour,
				Busy: busy, MaxQueued: 1, QueueTimeout: time.Second,
			})
			require.NoError(t, err)
			return res.Run
		}
		done := start(store.BusyReject)
		_, err := s.FinishRun(t.Context(), &store.FinishRun{
			Key: done.RunKey(), Status: store.RunFailed, Events: &store.EventPack{First: 1, Last: 4},
		})
		require.NoError(t, err)
		held := start(store.BusyReject)
		require.True(t, start(store.BusyEnqueue).Queued)

		counts, err := s.Purge(t.Context(), store.PurgeTarget{Tenant: "acme", ConversationID: id})
		require.NoError(t, err)
		require.Equal(t, store.PurgeCounts{Conversations: 1, Runs: 3, Events: 4}, counts)
		time.Sleep(time.Hour)
		swept, err := s.Sweep(t.Context(), &store.Sweep{Limit: 10, EventRetention: time.Second})
		require.NoError(t, err)
		require.Equal(t, &store.SweepResult{}, swept)
		claimed, err := s.Claim(t.Context(), &store.Claim{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, claimed)
		_, err = s.FinishRun(t.Context(), &store.FinishRun{Key: held.RunKey(), Status: store.RunCompleted})
		require.ErrorIs(t, err, store.ErrFenced)
		_, err = s.GetRun(t.Context(), store.Scope{Tenant: "acme", Wide: true}, held.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
