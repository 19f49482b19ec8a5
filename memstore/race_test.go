package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// together runs n goroutines and waits for them.
func together(n int, work func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { work(i) })
	}
	wg.Wait()
}

func TestV4_AppendsRaceWhileOthersRead(t *testing.T) {
	t.Parallel()
	s, id := setup(t)
	ctx := t.Context()
	var landed atomic.Int64
	together(8, func(i int) {
		for n := range 100 {
			if i%2 == 0 {
				c, err := s.GetConversation(ctx, alice, id)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = s.Append(ctx, &store.Append{
					Scope: alice, ConversationID: id, Expected: &c.Version,
					Tail: store.Tail{Messages: says(t, "question", "answer"), Participants: []store.Participant{
						{UserID: fmt.Sprintf("user %d", n%20), Member: true, Author: true},
					}},
				})
				if err == nil {
					landed.Add(2)
				} else if !errors.Is(err, store.ErrVersionConflict) {
					t.Error(err)
				}
				continue
			}
			page, err := s.Messages(ctx, alice, id, &store.MessageQuery{Limit: 1_000})
			if err != nil {
				t.Error(err)
				return
			}
			if int(page.Version) != len(page.Messages) {
				t.Errorf("version %d with %d messages", page.Version, len(page.Messages))
			}
			for j, m := range page.Messages {
				if m.Seq != int64(j+1) || len(m.Parts) == 0 {
					t.Errorf("message %d has number %d", j+1, m.Seq)
				}
			}
			list, err := s.ListConversations(ctx, alice, &store.ListQuery{Limit: 5, Text: "user"})
			if err != nil || len(list.Conversations) != 0 {
				t.Error(err, len(list.Conversations))
			}
		}
	})
	c, err := s.GetConversation(ctx, alice, id)
	require.NoError(t, err)
	require.Equal(t, landed.Load(), c.Version)
	require.Positive(t, c.Version)
}

// TestR8_EveryRunEndsOnceUnderAllOperations throws every operation at a few
// conversations at once and then checks that the books balance.
func TestR8_EveryRunEndsOnceUnderAllOperations(t *testing.T) {
	t.Parallel()
	s := memstore.New(&memstore.Options{Shards: 2})
	ctx := t.Context()
	ids := make([]uuid.UUID, 6)
	for i := range ids {
		ids[i] = create(t, s, alice, "")
	}
	var landed [6]atomic.Int64
	var mu sync.Mutex
	at := make(map[uuid.UUID]int)
	for i, id := range ids {
		at[id] = i
	}
	ended := make(map[uuid.UUID]int)

	finish := func(key store.RunKey) {
		res, err := s.FinishRun(ctx, &store.FinishRun{
			Key: key, Status: store.RunCompleted, Tail: store.Tail{Messages: says(t, "text")},
			Events: &store.EventPack{First: 1, Last: 3, Body: []byte("pack")},
		})
		switch {
		case err == nil:
			landed[at[key.ConversationID]].Add(1)
			mu.Lock()
			ended[key.RunID]++
			mu.Unlock()
			if res.Run.EventSeq != 4 {
				t.Errorf("terminal event is %d", res.Run.EventSeq)
			}
		case errors.Is(err, store.ErrVersionConflict):
			if _, err := s.FinishRun(ctx, &store.FinishRun{Key: key, Status: store.RunFailed}); err != nil && !errors.Is(err, store.ErrFenced) {
				t.Error(err)
			}
		case !errors.Is(err, store.ErrFenced):
			t.Error(err)
		}
	}
	policies := []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt}
	together(8, func(i int) {
		chance := rand.New(rand.NewPCG(uint64(i), 7))
		for range 150 {
			id := ids[chance.IntN(len(ids))]
			lease := store.Lease{Owner: fmt.Sprint("engine ", i), Duration: time.Duration(chance.IntN(2)) * time.Minute}
			switch chance.IntN(8) {
			case 0, 1, 2:
				start := &store.StartRun{
					Scope: alice, ConversationID: id, ID: newID(t), Timeout: time.Minute,
					Busy: policies[chance.IntN(len(policies))], MaxQueued: 3, QueueTimeout: time.Microsecond,
				}
				if chance.IntN(2) == 0 {
					start.Lease = &lease
				}
				res, err := s.StartRun(ctx, start)
				if err == nil && res.Run.Status == store.RunRunning && chance.IntN(3) > 0 {
					finish(res.Run.RunKey())
				}
			case 3, 4:
				claimed, err := s.Claim(ctx, &store.Claim{Lease: lease, Limit: 3})
				if err != nil {
					t.Error(err)
				}
				for _, c := range claimed {
					if _, err := s.TakeNudges(ctx, c.Run.RunKey()); err != nil && !errors.Is(err, store.ErrFenced) {
						t.Error(err)
					}
					finish(c.Run.RunKey())
				}
			case 5:
				runs, err := s.ListRuns(ctx, alice, id, &store.RunQuery{Limit: 3, Active: true})
				if err != nil {
					t.Error(err)
				}
				for _, r := range runs {
					if _, err := s.AddNudge(ctx, alice, &store.Nudge{ID: newID(t), RunID: r.ID, Text: "more"}); err != nil {
						t.Error(err)
					}
					if _, err := s.RequestStop(ctx, &store.StopRun{Scope: alice, RunID: r.ID}); err != nil {
						t.Error(err)
					}
				}
			case 6:
				if _, err := s.Sweep(ctx, &store.Sweep{Limit: 2, EventRetention: time.Nanosecond}); err != nil {
					t.Error(err)
				}
			case 7:
				if _, _, err := s.DeleteConversation(ctx, alice, id, nil); err != nil {
					t.Error(err)
				}
				if _, err := s.RestoreConversation(ctx, alice, id); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for run, n := range ended {
		require.Equal(t, 1, n, "run %s ended more than once", run)
	}
	for i, id := range ids {
		c, err := s.GetConversation(ctx, alice, id)
		require.NoError(t, err)
		require.Equal(t, landed[i].Load(), c.Version)
		open, err := s.ListRuns(ctx, alice, id, &store.RunQuery{Limit: 10_000, Active: true})
		require.NoError(t, err)
		require.Len(t, open, c.Active+c.Queued)
		all, err := s.ListRuns(ctx, alice, id, &store.RunQuery{Limit: 10_000})
		require.NoError(t, err)
		for j := 1; j < len(all); j++ {
			require.True(t, all[j].CreatedAt.Before(all[j-1].CreatedAt))
		}
	}
}

func TestL6_NobodySeesAPartOfAPurge(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	const rounds, size = 20, 100
	bob := store.Scope{Tenant: "acme", User: "bob"}
	wide := store.Scope{Tenant: "acme", Wide: true}
	for range rounds {
		for range size {
			create(t, s, bob, "")
		}
		ctx, cancel := context.WithCancel(t.Context())
		together(3, func(i int) {
			if i == 0 {
				defer cancel()
				counts, err := s.Purge(t.Context(), store.PurgeTarget{Tenant: "acme", Owner: "bob"})
				if err != nil || counts.Conversations != size {
					t.Error(counts, err)
				}
				return
			}
			scope := []store.Scope{bob, wide}[i-1]
			for ctx.Err() == nil {
				page, err := s.ListConversations(t.Context(), scope, &store.ListQuery{Limit: 1, Count: true})
				if err != nil || page.Total != 0 && page.Total != size {
					t.Error(page, err)
				}
			}
		})
	}
}

func TestR8_ConcurrentClaimsShareTheWork(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	const runs = 60
	for range runs {
		_, err := s.StartRun(t.Context(), &store.StartRun{
			Scope: alice, ConversationID: create(t, s, alice, ""), ID: newID(t), Timeout: time.Minute,
		})
		require.NoError(t, err)
	}
	var mu sync.Mutex
	owners := make(map[uuid.UUID]string)
	together(4, func(i int) {
		lease := store.Lease{Owner: fmt.Sprint(i), Duration: time.Minute}
		for {
			claimed, err := s.Claim(t.Context(), &store.Claim{Lease: lease, Limit: 7})
			if err != nil || len(claimed) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			mu.Lock()
			for _, c := range claimed {
				if other, known := owners[c.Run.ID]; known {
					t.Errorf("run claimed by %s and %s", other, lease.Owner)
				}
				owners[c.Run.ID] = lease.Owner
			}
			mu.Unlock()
		}
	})
	require.Len(t, owners, runs, "who finds nothing to claim leaves nothing behind")
}
