package storetest

import (
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

func raceAppends(e *env) {
	c := e.create()
	for round := range int64(rounds) {
		head := round * 3
		appends := make([]*store.Append, racers)
		for i := range appends {
			appends[i] = e.newAppend(c.ID, 3, expected(head))
		}
		errs := e.race(racers, func(i int, s store.Store) error {
			_, err := s.Append(e.ctx, appends[i])
			return err
		})
		won := winners(errs)
		require.Len(e, won, 1, "exactly one lands")
		for i, err := range errs {
			if i != won[0] {
				e.requireConflict(err, head, head+3)
			}
		}
		page := e.read(c, store.MessageQuery{After: head, Limit: everything})
		require.Equal(e, head+3, page.Version)
		require.Equal(e, ids(appends[won[0]].Messages), ids(page.Messages))
	}
}

func raceAppendsAnywhere(e *env) {
	c := e.create()
	appends := make([]*store.Append, 3*racers)
	for i := range appends {
		appends[i] = e.newAppend(c.ID, 2)
	}
	results := make([]*store.AppendResult, len(appends))
	for _, err := range e.race(len(appends), func(i int, s store.Store) (err error) {
		results[i], err = s.Append(e.ctx, appends[i])
		return err
	}) {
		require.NoError(e, err)
	}
	log := e.log(c.ID)
	require.Equal(e, sequence(1, int64(2*len(appends))), seqs(log))
	for i, result := range results {
		require.Equal(e, log[result.Version-2:result.Version], result.Messages)
		require.Equal(e, ids(appends[i].Messages), ids(result.Messages))
	}
	last := log[0].CreatedAt
	for _, m := range log {
		require.False(e, m.CreatedAt.Before(last), "times do not run back along the log")
		last = m.CreatedAt
	}
}

func raceSameAppend(e *env) {
	for round := range rounds {
		c := e.create()
		a := e.newAppend(c.ID, 2)
		if round%2 == 0 {
			a.Expected = ptr(int64(0))
		}
		results := make([]*store.AppendResult, racers)
		for _, err := range e.race(racers, func(i int, s store.Store) (err error) {
			results[i], err = s.Append(e.ctx, a)
			return err
		}) {
			require.NoError(e, err)
		}
		first := 0
		for _, r := range results {
			require.Equal(e, int64(2), r.Version)
			require.Equal(e, results[0].Messages, r.Messages)
			if !r.Replayed {
				first++
			}
		}
		require.Equal(e, 1, first)
		require.Equal(e, int64(2), e.get(c.ID).Version)
	}
}

func raceAppendStart(e *env) {
	for range 3 * rounds {
		c := e.create()
		errs := e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				_, err = s.Append(e.ctx, e.newAppend(c.ID, 2, expected(0)))
				return err
			}
			_, err = s.StartRun(e.ctx, e.newStart(c.ID, from(0)))
			return err
		})
		require.Len(e, winners(errs), 1, "the append moved the head, or the run was active")
		if errs[0] == nil {
			e.requireConflict(errs[1], 0, 2)
			require.Empty(e, e.runs(c.ID, store.RunQuery{}))
			continue
		}
		e.requireActive(errs[0], e.runs(c.ID, store.RunQuery{})[0].ID)
		require.Zero(e, e.get(c.ID).Version)
	}
}

func raceEvents(e *env) {
	r := e.start(e.create().ID)
	const last = 40
	for _, err := range e.race(4, func(i int, s store.Store) error {
		for n := int64(1); n <= last; {
			errs, err := s.AppendEvents(e.ctx, []store.EventAppend{pack(r, n, n)})
			if err != nil {
				return err
			}
			if errs[0] == nil {
				n++ // stored by this writer or by another
			} else {
				return errs[0]
			}
		}
		return nil
	}) {
		require.NoError(e, err)
	}
	page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, 0, everything)
	require.NoError(e, err)
	require.Len(e, page.Packs, last)
	for i, p := range page.Packs {
		require.Equal(e, []int64{int64(i + 1), int64(i + 1)}, []int64{p.First, p.Last})
	}
}
