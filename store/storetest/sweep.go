package storetest

import (
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var sweeping = topic{"Sweep", []rule{
	{"R4_EndsQueuedRunsWhoseTimeIsOver", sweepExpires},
	{"R4_LeavesTheOthersQueued", sweepLeaves},
	{"BoundedByLimit", sweepBounded},
	{"S5_DeletesEventsAfterTheRetention", sweepEvents},
	{"S5_KeepsEventsOfLiveAndFreshRuns", sweepKeepsEvents},
	{"S5_ZeroKeepsThem", sweepZero},
	{"NothingToDoIsNothing", sweepNothing},
}}

func (e *env) sweep(s store.Sweep) *store.SweepResult {
	e.Helper()
	if s.Limit == 0 {
		s.Limit = 1000
	}
	result, err := e.other.Sweep(e.ctx, &s)
	require.NoError(e, err)
	return result
}

func queueTimeout(d time.Duration) func(*store.StartRun) {
	return func(s *store.StartRun) { s.QueueTimeout = d }
}

func sweepExpires(e *env) {
	c := e.create()
	active := e.start(c.ID)
	a := e.enqueue(c.ID, queueTimeout(short))
	b := e.start(c.ID, busy(store.BusyInterrupt), queueTimeout(short))
	before := e.get(c.ID)
	require.NotZero(e, a.QueueUntil)
	var expired []store.RunRef
	e.eventually("their time is over", func() bool { // asks from the first moment on
		swept := e.sweep(store.Sweep{QueueResult: []byte(`{ "why": "queue" }`)})
		require.Empty(e, swept.Promoted)
		expired = append(expired, swept.Expired...)
		return len(expired) == 2
	})
	require.ElementsMatch(e, []store.RunRef{a.Ref(), b.Ref()}, expired)
	for _, r := range []*store.Run{a, b} {
		got := e.getRun(r.ID)
		e.requireEnded(got, store.RunTimedOut, `{ "why": "queue" }`)
		require.Zero(e, got.Fence)
		require.Zero(e, got.StartedAt)
		require.False(e, got.CompletedAt.Before(r.QueueUntil), "ended before its time")
	}
	row := e.get(c.ID)
	require.Equal(e, []int{1, 0}, []int{row.Active, row.Queued})
	require.Equal(e, active.ID, row.LastRunID)
	require.Equal(e, store.RunRunning, row.LastRunStatus)
	require.True(e, row.UpdatedAt.After(before.UpdatedAt))
	require.Equal(e, before.ActivityAt, row.ActivityAt)
	e.unchanged(c.ID, func() { require.Empty(e, e.sweep(store.Sweep{}).Expired) })
	require.Nil(e, e.finish(active, 1).Promoted)
}

func sweepLeaves(e *env) {
	c := e.create()
	active := e.start(c.ID, leased(brief))
	forever, later := e.enqueue(c.ID), e.enqueue(c.ID, queueTimeout(time.Hour))
	over := e.enqueue(c.ID, queueTimeout(brief))
	e.passed(over.QueueUntil)
	require.Equal(e, []store.RunRef{over.Ref()}, e.sweep(store.Sweep{}).Expired)
	require.True(e, e.getRun(forever.ID).Queued)
	require.True(e, e.getRun(later.ID).Queued)
	require.Equal(e, store.RunRunning, e.getRun(active.ID).Status, "a lease that is over is not the sweep's")
	require.Equal(e, forever.ID, e.next(active, 0).ID)
}

func sweepBounded(e *env) {
	var last *store.Run
	for range 3 {
		c := e.create()
		e.start(c.ID)
		for range 3 {
			last = e.enqueue(c.ID, queueTimeout(brief))
		}
	}
	e.passed(last.QueueUntil)
	seen := map[store.RunRef]int{}
	for range 20 {
		swept := e.sweep(store.Sweep{Limit: 2})
		require.LessOrEqual(e, len(swept.Expired), 2)
		for _, ref := range swept.Expired {
			seen[ref]++
		}
	}
	require.Len(e, seen, 9, "and repeated sweeps come to all of them")
	for ref, n := range seen {
		require.Equal(e, 1, n, ref)
	}
}

func sweepEvents(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.someEvents(r)
	ended := e.finish(r, 1).Run
	e.passed(ended.CompletedAt.Add(time.Millisecond))
	require.Equal(e, int64(9), e.sweep(store.Sweep{EventRetention: time.Millisecond}).Events, "events, not packs")
	page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, 0, 10)
	require.NoError(e, err)
	require.Empty(e, page.Packs)
	require.Equal(e, ended, page.Run, "the run keeps its numbers")
	require.Zero(e, e.sweep(store.Sweep{EventRetention: time.Millisecond}).Events)
	require.Len(e, e.log(c.ID), 1)
}

func sweepKeepsEvents(e *env) {
	c := e.create()
	live := e.start(c.ID, leased(brief))
	packs := e.someEvents(live)
	fresh := e.start(c.ID, busy(store.BusyRace))
	e.someEvents(fresh)
	ended := e.finish(fresh, 0).Run
	e.passed(ended.CompletedAt.Add(time.Millisecond))
	e.unchanged(c.ID, func() { require.Zero(e, e.sweep(store.Sweep{EventRetention: time.Hour}).Events) })
	require.Equal(e, int64(9), e.sweep(store.Sweep{EventRetention: time.Millisecond}).Events)
	e.requirePacks(live.ID, packs...)
}

func sweepZero(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.someEvents(r)
	e.passed(e.finish(r, 1).Run.CompletedAt)
	e.unchanged(c.ID, func() { require.Zero(e, e.sweep(store.Sweep{}).Events) })
}

func sweepNothing(e *env) {
	crowd := e.crowd()
	e.unchanged(crowd.c.ID, func() {
		swept := e.sweep(store.Sweep{EventRetention: time.Hour})
		require.Empty(e, swept.Expired)
		require.Empty(e, swept.Promoted)
		require.Zero(e, swept.Events)
	})
}
