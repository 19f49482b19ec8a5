package storetest

import (
	"sync"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// racers that all hold the conversation.
func (e *env) raced(c *store.Conversation, n int) []*store.Run {
	e.Helper()
	runs := make([]*store.Run, n)
	for i := range runs {
		runs[i] = e.start(c.ID, busy(store.BusyRace))
	}
	return runs
}

func raceFinishes(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	runs := e.raced(c, racers)
	errs := e.race(racers, func(i int, s store.Store) error {
		_, err := s.FinishRun(e.ctx, newFinish(runs[i], 2))
		return err
	})
	won := winners(errs)
	require.Len(e, won, 1)
	for i, err := range errs {
		if i != won[0] {
			e.requireConflict(err, 1, 3)
			e.requireHeld(runs[i])
		}
	}
	require.Equal(e, int64(3), e.get(c.ID).Version)
	require.Equal(e, racers-1, e.get(c.ID).Active)
}

func raceSameFinish(e *env) {
	for n := range 3 {
		c := e.create()
		f := newFinish(e.start(c.ID), n)
		queued := e.enqueue(c.ID)
		results := make([]*store.FinishResult, racers)
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.FinishRun(e.ctx, f)
			return err
		}) {
			require.NoError(e, err)
		}
		first := 0
		for _, r := range results {
			require.Equal(e, results[0].Run, r.Run)
			require.Equal(e, ids(results[0].Messages), ids(r.Messages))
			if !r.Replayed {
				first++
			}
		}
		require.Equal(e, 1, first)
		row := e.get(c.ID)
		require.Equal(e, int64(n), row.Version)
		require.Equal(e, []int{1, 0}, []int{row.Active, row.Queued})
		require.Equal(e, queued.ID, row.LastRunID)
	}
}

func raceFinishRead(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID)
		done := e.in(func() error {
			_, err := e.other.FinishRun(e.ctx, newFinish(r, 2))
			return err
		})
		for finished := false; !finished; {
			select {
			case err := <-done:
				require.NoError(e, err)
				finished = true
			default:
			}
			row := e.get(c.ID)
			ended := row.LastRunStatus == store.RunCompleted
			require.Equal(e, ended, row.Version == 2)
			require.Equal(e, ended, row.Active == 0)
		}
	}
}

func racePromotions(e *env) {
	for range rounds {
		c := e.create()
		runs := e.raced(c, 8)
		first := e.enqueue(c.ID)
		for range 3 {
			e.enqueue(c.ID)
		}
		var mu sync.Mutex
		var promoted []uuid.UUID
		for _, err := range e.race(len(runs), func(i int, s store.Store) error {
			result, err := s.FinishRun(e.ctx, newFinish(runs[i], 0))
			if err == nil && result.Promoted != nil {
				mu.Lock()
				promoted = append(promoted, result.Promoted.RunID)
				mu.Unlock()
			}
			return err
		}) {
			require.NoError(e, err)
		}
		require.Equal(e, []uuid.UUID{first.ID}, promoted)
		row := e.get(c.ID)
		require.Equal(e, []int{1, 3}, []int{row.Active, row.Queued})
	}
}

func raceStopFinish(e *env) {
	for range rounds {
		c := e.create()
		r := e.start(c.ID)
		stops := make([]*store.StopResult, 4)
		errs := e.race(5, func(i int, s store.Store) (err error) {
			if i == 4 {
				_, err = s.FinishRun(e.ctx, newFinish(r, 1))
				return err
			}
			stops[i], err = s.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: r.ID, Result: []byte(`"stop"`)})
			return err
		})
		for _, err := range errs {
			require.NoError(e, err)
		}
		for _, stop := range stops {
			require.Equal(e, !stop.Run.Status.Terminal(), stop.Stopped)
		}
		got := e.getRun(r.ID)
		require.Equal(e, store.RunCompleted, got.Status, "a running run is ended by its owner")
		require.Equal(e, int64(1), e.get(c.ID).Version)
	}
}

func raceStopClaim(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID, unclaimed)
		var claimed []store.Claimed
		var stop *store.StopResult
		for _, err := range e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				claimed, err = s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 5})
				return err
			}
			stop, err = s.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: r.ID})
			return err
		}) {
			require.NoError(e, err)
		}
		require.True(e, stop.Stopped)
		got := e.getRun(r.ID)
		if len(claimed) == 0 {
			require.Equal(e, store.RunStopped, got.Status)
			require.Zero(e, e.get(c.ID).Active)
			continue
		}
		require.Equal(e, store.RunRunning, got.Status)
		require.True(e, got.StopRequested, "the stop came later and is not lost")
		e.finish(&claimed[0].Run, 0, func(f *store.FinishRun) { f.Status = store.RunStopped })
	}
}

func raceNudges(e *env) {
	for n := range 3 {
		c := e.create()
		r := e.start(c.ID)
		added := make([]*store.Nudge, racers)
		var taken []store.Nudge
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			switch i {
			case 0:
				_, err = s.FinishRun(e.ctx, newFinish(r, n))
				return err
			case 1:
				if taken, err = s.TakeNudges(e.ctx, r.RunKey()); err != nil && !isFenced(err) {
					return err
				}
				return nil
			}
			added[i], err = s.AddNudge(e.ctx, e.scope, &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: "n"})
			return err
		}) {
			require.NoError(e, err)
		}
		stored, err := e.store.Nudges(e.ctx, e.scope, r.ID)
		require.NoError(e, err)
		states := map[uuid.UUID]store.NudgeState{}
		for _, n := range stored {
			states[n.ID] = n.State
		}
		waiting := 0
		for _, n := range added[2:] {
			if n.State == store.NudgeWaiting {
				waiting++
			}
		}
		require.Len(e, stored, waiting, "stored are those that came in time")
		want := store.NudgeReturned
		if n > 0 {
			want = store.NudgeApplied
		}
		for _, n := range taken {
			require.Equal(e, want, states[n.ID])
			delete(states, n.ID)
		}
		for id, state := range states {
			require.Equal(e, store.NudgeReturned, state, id)
		}
	}
}

func raceTakes(e *env) {
	r := e.start(e.create().ID)
	for range 20 {
		e.nudge(r, "n")
	}
	var mu sync.Mutex
	seen := map[uuid.UUID]int{}
	for _, err := range e.race(8, func(i int, s store.Store) error {
		taken, err := s.TakeNudges(e.ctx, r.RunKey())
		mu.Lock()
		defer mu.Unlock()
		for _, n := range taken {
			seen[n.ID]++
		}
		return err
	}) {
		require.NoError(e, err)
	}
	require.Len(e, seen, 20)
	for id, n := range seen {
		require.Equal(e, 1, n, id)
	}
}

func raceSweeps(e *env) {
	var last *store.Run
	for range 3 {
		c := e.create()
		e.start(c.ID)
		for range 4 {
			last = e.enqueue(c.ID, queueTimeout(brief))
		}
	}
	e.passed(last.QueueUntil)
	var mu sync.Mutex
	seen := map[store.RunRef]int{}
	for _, err := range e.race(8, func(i int, s store.Store) error {
		swept, err := s.Sweep(e.ctx, &store.Sweep{Limit: 100})
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, ref := range swept.Expired {
			seen[ref]++
		}
		return nil
	}) {
		require.NoError(e, err)
	}
	for _, ref := range e.sweep(store.Sweep{}).Expired {
		seen[ref]++
	}
	require.Len(e, seen, 12)
	for ref, n := range seen {
		require.Equal(e, 1, n, ref)
	}
}
