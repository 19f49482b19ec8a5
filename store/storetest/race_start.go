package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

func raceOneKey(e *env) {
	for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
		c := e.create()
		starts := make([]*store.StartRun, racers)
		for i := range starts {
			starts[i] = e.newStart(c.ID, keyed("k"), busy(policy), from(0))
		}
		results := make([]*store.StartResult, racers)
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.StartRun(e.ctx, starts[i])
			return err
		}) {
			require.NoError(e, err, policy)
		}
		first := 0
		for _, r := range results {
			require.Equal(e, results[0].Run.ID, r.Run.ID)
			if !r.Replayed {
				first++
			}
		}
		require.Equal(e, 1, first, "exactly one is not replayed")
		require.Len(e, e.runs(c.ID, store.RunQuery{}), 1)
	}
}

func raceRejects(e *env) {
	for range rounds {
		c := e.create()
		starts := make([]*store.StartRun, racers)
		for i := range starts {
			starts[i] = e.newStart(c.ID)
			if i%3 == 0 {
				starts[i].Lease = nil
			}
		}
		errs := e.race(racers, func(i int, s store.Store) error {
			_, err := s.StartRun(e.ctx, starts[i])
			return err
		})
		won := winners(errs)
		require.Len(e, won, 1)
		for i, err := range errs {
			if i != won[0] {
				e.requireActive(err, starts[won[0]].ID)
			}
		}
		require.Equal(e, 1, e.get(c.ID).Active)
		require.Len(e, e.runs(c.ID, store.RunQuery{}), 1)
	}
}

func raceQueue(e *env) {
	for range rounds {
		c := e.create()
		results := make([]*store.StartResult, racers)
		errs := e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyEnqueue), func(s *store.StartRun) { s.MaxQueued = 5 }))
			return err
		})
		require.Len(e, winners(errs), 6, "one starts, five wait")
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(e, err, store.ErrQueueFull)
			}
		}
		row := e.get(c.ID)
		require.Equal(e, []int{1, 5}, []int{row.Active, row.Queued})
	}
}

func raceClaims(e *env) {
	want := map[uuid.UUID]int{}
	for i := range 30 {
		r := e.start(e.create().ID, []func(*store.StartRun){unclaimed, leased(brief)}[i%2])
		want[r.ID] = r.Attempt + 1
	}
	e.passed(e.clock().Add(time.Millisecond))
	var mu sync.Mutex
	got := map[uuid.UUID][]store.Run{}
	for _, err := range e.race(8, func(i int, s store.Store) error {
		for range 12 {
			claimed, err := s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: fmt.Sprint("engine", i), Duration: long}, Limit: 3})
			if err != nil {
				return err
			}
			mu.Lock()
			for _, c := range claimed {
				got[c.Run.ID] = append(got[c.Run.ID], c.Run)
			}
			mu.Unlock()
		}
		return nil
	}) {
		require.NoError(e, err)
	}
	for _, c := range e.claimAll(long) {
		got[c.Run.ID] = append(got[c.Run.ID], c.Run)
	}
	require.Len(e, got, len(want))
	for id, runs := range got {
		require.Len(e, runs, 1, "each run goes to one")
		require.Equal(e, want[id], runs[0].Attempt)
		require.Equal(e, runs[0], *e.getRun(id))
	}
}

func raceFinishClaim(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID, leased(brief))
		e.passed(r.LeaseUntil)
		var claimed []store.Claimed
		errs := e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				claimed, err = s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 5})
				return err
			}
			_, err = s.FinishRun(e.ctx, newFinish(r, 2))
			return err
		})
		require.NoError(e, errs[0])
		if errs[1] == nil {
			require.Empty(e, claimed, "what was finished is not claimed")
			require.Equal(e, store.RunCompleted, e.getRun(r.ID).Status)
			require.Equal(e, int64(2), e.get(c.ID).Version)
			continue
		}
		require.ErrorIs(e, errs[1], store.ErrFenced)
		require.Len(e, claimed, 1)
		require.Zero(e, e.get(c.ID).Version)
		e.finish(&claimed[0].Run, 1)
	}
}

func raceRenewClaim(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID, leased(brief))
		e.passed(r.LeaseUntil)
		var claimed []store.Claimed
		var renewed []store.Renewal
		for _, err := range e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				claimed, err = s.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "x", Duration: long}, Limit: 5})
				return err
			}
			renewed, err = s.Renew(e.ctx, store.Lease{Owner: "engine", Duration: long}, []store.RunKey{r.RunKey()})
			return err
		}) {
			require.NoError(e, err)
		}
		require.NotEqual(e, renewed[0].Held, len(claimed) == 1, "either the old owner holds it or the new one")
		if renewed[0].Held {
			e.finish(r, 1)
		} else {
			e.finish(&claimed[0].Run, 1)
		}
	}
}
