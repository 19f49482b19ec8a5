package storetest

import (
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var queueing = topic{"Queue", []rule{
	{"R4_EnqueueWaits", queueWaits},
	{"R4_QueueIsBounded", queueBounded},
	{"R4_FrontOnesAreNotCounted", queueFrontUncounted},
	{"R4_InterruptAsksEveryActiveRunToStop", queueInterrupts},
	{"R4_VersionIsCheckedWhenQueued", queueVersion},
	{"R4_FreeWithOthersWaitingForOutputs", queueOvertakes},
	{"HoldsNoFencingNumber", queueHoldsNothing},
}}

func queueWaits(e *env) {
	c := e.create()
	e.say(c.ID, 3)
	e.start(c.ID)
	before := e.get(c.ID)
	r := e.enqueue(c.ID, func(s *store.StartRun) { s.QueueTimeout = time.Minute })
	require.Equal(e, store.RunPending, r.Status)
	require.False(e, r.Front)
	require.Zero(e, r.Fence)
	require.Zero(e, r.Attempt)
	require.Empty(e, r.Owner, "the lease is for one that starts at once")
	require.Zero(e, r.LeaseUntil)
	require.Zero(e, r.StartedAt)
	require.Zero(e, r.Deadline)
	require.Equal(e, int64(3), r.BaseVersion, "the head when it was queued")
	require.False(e, r.QueueUntil.Before(r.CreatedAt.Add(time.Minute-time.Second)) || r.QueueUntil.After(r.CreatedAt.Add(time.Minute+time.Second)))
	e.requireStoreTime(r.QueueUntil)
	require.Equal(e, r, e.getRun(r.ID))
	require.Zero(e, e.enqueue(c.ID).QueueUntil, "no bound")
	require.True(e, e.get(c.ID).UpdatedAt.After(before.UpdatedAt))
	require.Empty(e, e.claimAll(long), "what is queued cannot be claimed")
}

func queueBounded(e *env) {
	c := e.create()
	e.start(c.ID)
	bound := func(s *store.StartRun) { s.MaxQueued = 3 }
	var queued []*store.Run
	for range 3 {
		queued = append(queued, e.enqueue(c.ID, bound))
	}
	e.unchanged(c.ID, func() {
		_, err := e.other.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyEnqueue), bound))
		require.ErrorIs(e, err, store.ErrQueueFull)
	})
	e.enqueue(c.ID, func(s *store.StartRun) { s.MaxQueued = 4 })
	_, err := e.store.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: queued[0].ID})
	require.NoError(e, err)
	_, err = e.store.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: queued[1].ID})
	require.NoError(e, err)
	e.enqueue(c.ID, bound)

	other := e.create()
	e.start(other.ID)
	e.enqueue(other.ID, func(s *store.StartRun) { s.MaxQueued = 1 })
}

func queueFrontUncounted(e *env) {
	c := e.create()
	e.start(c.ID)
	bound := func(s *store.StartRun) { s.MaxQueued = 1 }
	for range 3 {
		require.True(e, e.start(c.ID, busy(store.BusyInterrupt), bound).Queued)
	}
	e.enqueue(c.ID, bound)
	require.True(e, e.start(c.ID, busy(store.BusyInterrupt), bound).Queued)
	_, err := e.store.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyEnqueue), bound))
	require.ErrorIs(e, err, store.ErrQueueFull)
}

func queueInterrupts(e *env) {
	c := e.create()
	ended := e.start(c.ID)
	e.finish(ended, 0)
	active := []*store.Run{e.start(c.ID), e.start(c.ID, busy(store.BusyRace)), e.start(c.ID, busy(store.BusyRace))}
	queued := e.enqueue(c.ID)
	elsewhere := e.create()
	other := e.start(elsewhere.ID)

	result, err := e.store.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyInterrupt), func(s *store.StartRun) { s.QueueTimeout = time.Hour }))
	require.NoError(e, err)
	require.True(e, result.Run.Queued && result.Run.Front)
	require.Equal(e, store.RunPending, result.Run.Status)
	require.Zero(e, result.Run.Fence)
	require.NotZero(e, result.Run.QueueUntil)
	var refs []store.RunRef
	for _, r := range active {
		refs = append(refs, r.Ref())
		row := e.getRun(r.ID)
		require.True(e, row.StopRequested)
		require.Equal(e, store.RunRunning, row.Status, "it is asked, its owner ends it")
	}
	require.ElementsMatch(e, refs, result.Stopping)
	require.False(e, e.getRun(queued.ID).StopRequested)
	require.False(e, e.getRun(other.ID).StopRequested)
	require.False(e, e.getRun(ended.ID).StopRequested)
}

func queueVersion(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	r := e.start(c.ID)
	e.unchanged(c.ID, func() {
		for _, policy := range []store.Busy{store.BusyEnqueue, store.BusyInterrupt} {
			_, err := e.store.StartRun(e.ctx, e.newStart(c.ID, busy(policy), from(1)))
			e.requireConflict(err, 1, 2)
		}
	})
	queued := e.enqueue(c.ID, from(2))
	e.finish(r, 2)
	require.Equal(e, int64(4), e.getRun(queued.ID).BaseVersion, "the head when its turn came")
}

func queueOvertakes(e *env) {
	c := e.create()
	r := e.start(c.ID)
	waiting := e.enqueue(c.ID)
	e.finish(r, 1, func(f *store.FinishRun) { f.Status, f.Pending = store.RunRequiresAction, []byte(`["call"]`) })
	require.True(e, e.getRun(waiting.ID).Queued)
	require.Zero(e, e.get(c.ID).Active)
	for _, policy := range []store.Busy{store.BusyEnqueue, store.BusyInterrupt} {
		answer := e.start(c.ID, busy(policy), settling)
		require.False(e, answer.Queued, "the conversation is free")
		require.Equal(e, store.RunRunning, answer.Status)
		e.finish(answer, 0, func(f *store.FinishRun) { f.Status = store.RunFailed })
		require.True(e, e.getRun(waiting.ID).Queued, "the calls wait as before")
	}
	answer := e.start(c.ID, settling)
	e.finish(answer, 1)
	require.False(e, e.getRun(waiting.ID).Queued)
}

func queueHoldsNothing(e *env) {
	c := e.create()
	e.start(c.ID)
	for _, r := range []*store.Run{e.enqueue(c.ID), e.start(c.ID, busy(store.BusyInterrupt))} {
		e.unchanged(c.ID, func() { e.requireFenced(r) })
		nudge, err := e.store.AddNudge(e.ctx, e.scope, &store.Nudge{ID: newID(), RunID: r.ID, Text: "x"})
		require.NoError(e, err)
		require.Equal(e, store.NudgeReturned, nudge.State)
	}
}
