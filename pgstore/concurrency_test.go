package pgstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// turns lets writers take turns on conversations that they share, with every
// kind of call, and requires that all of them land.
func turns(t *testing.T, s *pgstore.Store, writers, each int) {
	t.Helper()
	shared := conversations(t, s, 2)
	var group sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if errs[w] = turn(t.Context(), s, shared[(w+i)%len(shared)]); errs[w] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	total := int64(0)
	for _, id := range shared {
		c, err := s.GetConversation(t.Context(), ann, id)
		require.NoError(t, err)
		require.Zero(t, c.Active)
		require.Zero(t, c.Queued)
		page, err := s.Messages(t.Context(), ann, id, &store.MessageQuery{Limit: 10_000})
		require.NoError(t, err)
		require.Len(t, page.Messages, int(c.Version))
		total += c.Version
	}
	require.Equal(t, int64(2*writers*each), total, "two messages a turn, none lost and none doubled")
}

// turn queues a run, waits for its place, finishes it with two messages and
// looks at what came of it.
func turn(ctx context.Context, s *pgstore.Store, id uuid.UUID) error {
	started, err := s.StartRun(ctx, &store.StartRun{
		Scope: ann, ConversationID: id, ID: uuid.Must(uuid.NewV7()), Key: uuid.NewString(), Fingerprint: "f", Spec: []byte(`{}`),
		Timeout: time.Minute, Busy: store.BusyEnqueue, MaxQueued: 1000, Lease: &store.Lease{Owner: "w", Duration: time.Minute},
	})
	if err != nil {
		return err
	}
	run := started.Run
	for run.Queued || run.Status == store.RunPending {
		if _, err := s.Claim(ctx, &store.Claim{Lease: store.Lease{Owner: "w", Duration: time.Minute}, Limit: 10}); err != nil {
			return err
		}
		now, err := s.GetRun(ctx, ann, run.ID)
		if err != nil {
			return err
		}
		run = *now
	}
	if _, err := s.Renew(ctx, store.Lease{Owner: "w", Duration: time.Minute}, []store.RunKey{run.RunKey()}); err != nil {
		return err
	}
	if _, err := s.AppendEvents(ctx, []store.EventAppend{{Key: run.RunKey(), EventPack: store.EventPack{First: 1, Last: 3, Body: []byte{0, 1, 2}}}}); err != nil {
		return err
	}
	_, err = s.FinishRun(ctx, &store.FinishRun{
		Key: run.RunKey(), Status: store.RunCompleted, Result: []byte(`{}`),
		Tail:   store.Tail{Messages: messages(2), Preview: "hello", Participants: []store.Participant{{UserID: "ann", Author: true}}},
		Events: &store.EventPack{First: 4, Last: 4, Body: []byte("end")},
	})
	return err
}

func TestTurns_OfManyWritersOnFewConversationsAllLand(t *testing.T) {
	t.Parallel()
	a, _ := setupPair(t)
	turns(t, a, 8, 12)
}

func TestTurns_HoldAtEveryIsolationLevelTheHostMayHaveSet(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			s, _ := setupAt(t, level)
			turns(t, s, 4, 6)
		})
	}
}
