package storetest

import (
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var promotion = topic{"Promotion", []rule{
	{"R4_FirstComeFirstServed", promoteInOrder},
	{"R4_FrontOnesFirst", promoteFront},
	{"R4_BecomesPendingWithTheHeadAsBase", promotePending},
	{"R4_AfterFinish", promoteAfterFinish},
	{"R4_AfterStop", promoteAfterStop},
	{"R4_NotBeforeTheLastActiveRunEnds", promoteLast},
	{"R5_OnlySettlingOnesWhileCallsWait", promoteSettling},
	{"R5_AfterAnAppendThatSettles", promoteAfterAppend},
	{"R5_NoPromotionByAnAppendThatLeavesCalls", promoteNotAfterAppend},
	{"L6_NotInADeletedConversation", promoteNotDeleted},
	{"OneAtATime", promoteOne},
	{"ARefusedFinishPromotesNothing", promoteNotOnConflict},
}}

// next ends the run and gives the one that was promoted.
func (e *env) next(r *store.Run, n int, edits ...func(*store.FinishRun)) *store.Run {
	e.Helper()
	promoted := e.finish(r, n, edits...).Promoted
	if promoted == nil {
		return nil
	}
	require.Equal(e, r.ConversationID, promoted.ConversationID)
	return e.getRun(promoted.RunID)
}

func promoteInOrder(e *env) {
	c := e.create()
	r := e.start(c.ID)
	var queued []*store.Run
	for range 4 {
		queued = append(queued, e.enqueue(c.ID))
	}
	for _, want := range queued {
		got := e.next(r, 1)
		require.NotNil(e, got)
		require.Equal(e, want.ID, got.ID)
		r = &e.claim(got.ID, long).Run
	}
	require.Nil(e, e.next(r, 1), "nothing waits any more")
}

func promoteFront(e *env) {
	c := e.create()
	r := e.start(c.ID)
	a := e.enqueue(c.ID)
	first := e.start(c.ID, busy(store.BusyInterrupt))
	b := e.enqueue(c.ID)
	second := e.start(c.ID, busy(store.BusyInterrupt))
	for _, want := range []*store.Run{first, second, a, b} {
		got := e.next(r, 0)
		require.NotNil(e, got)
		require.Equal(e, want.ID, got.ID, "front ones first, behind earlier ones")
		r = &e.claim(got.ID, long).Run
	}
}

func promotePending(e *env) {
	c := e.create()
	r := e.start(c.ID)
	queued := e.enqueue(c.ID, func(s *store.StartRun) { s.QueueTimeout = time.Hour })
	e.passed(e.get(c.ID).ActivityAt)
	before := e.get(c.ID)
	got := e.next(r, 3)
	require.Equal(e, store.RunPending, got.Status)
	require.False(e, got.Queued)
	require.Greater(e, got.Fence, r.Fence)
	require.Equal(e, int64(3), got.BaseVersion)
	require.Zero(e, got.QueueUntil)
	require.Zero(e, got.Attempt)
	require.Zero(e, got.StartedAt)
	require.Equal(e, queued.CreatedAt, got.CreatedAt)
	row := e.get(c.ID)
	require.Equal(e, []int{1, 0}, []int{row.Active, row.Queued})
	require.Equal(e, got.ID, row.LastRunID)
	require.True(e, row.UpdatedAt.After(before.UpdatedAt))

	claimed := e.claim(got.ID, long)
	require.Equal(e, int64(3), claimed.Run.BaseVersion)
	e.finish(&claimed.Run, 1)
	require.Equal(e, int64(4), e.get(c.ID).Version)
}

func promoteAfterFinish(e *env) {
	for _, status := range []store.RunStatus{
		store.RunCompleted, store.RunRequiresAction, store.RunFailed, store.RunStopped, store.RunTimedOut,
	} {
		c := e.create()
		r := e.start(c.ID)
		queued := e.enqueue(c.ID)
		got := e.next(r, 0, func(f *store.FinishRun) { f.Status = status })
		require.NotNil(e, got, status)
		require.Equal(e, queued.ID, got.ID)
	}
}

func promoteAfterStop(e *env) {
	c := e.create()
	r := e.start(c.ID, unclaimed)
	a, b := e.enqueue(c.ID), e.enqueue(c.ID)
	stop := func(r *store.Run) *store.StopResult {
		e.Helper()
		result, err := e.store.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: r.ID})
		require.NoError(e, err)
		return result
	}
	require.Nil(e, stop(a).Promoted, "the conversation was not free")
	promoted := stop(r).Promoted
	require.NotNil(e, promoted)
	require.Equal(e, b.Ref(), *promoted)
	require.False(e, e.getRun(b.ID).Queued)
	require.Nil(e, stop(r).Promoted, "the second time there is nothing to stop")
}

func promoteLast(e *env) {
	c := e.create()
	a, b := e.start(c.ID), e.start(c.ID, busy(store.BusyRace))
	queued := e.enqueue(c.ID)
	require.Nil(e, e.next(a, 1))
	require.True(e, e.getRun(queued.ID).Queued)
	require.Equal(e, queued.ID, e.next(b, 0).ID)
}

func promoteSettling(e *env) {
	c := e.create()
	r := e.start(c.ID)
	plain := e.enqueue(c.ID)
	front := e.start(c.ID, busy(store.BusyInterrupt))
	answer := e.enqueue(c.ID, settling)
	got := e.next(r, 1, func(f *store.FinishRun) { f.Status, f.Pending = store.RunRequiresAction, []byte(`["call"]`) })
	require.NotNil(e, got)
	require.Equal(e, answer.ID, got.ID, "the others keep waiting, though they came first")

	run := &e.claim(answer.ID, long).Run
	require.Nil(e, e.next(run, 0, func(f *store.FinishRun) { f.Status = store.RunFailed }), "it answered nothing, the calls wait as before")
	require.Equal(e, 2, e.get(c.ID).Queued)
	got = e.next(e.start(c.ID, settling), 1)
	require.Equal(e, front.ID, got.ID)
	got = e.next(&e.claim(front.ID, long).Run, 1)
	require.Equal(e, plain.ID, got.ID)
}

func promoteAfterAppend(e *env) {
	c := e.create()
	r := e.start(c.ID)
	a, b := e.enqueue(c.ID), e.enqueue(c.ID)
	require.Nil(e, e.next(r, 1, func(f *store.FinishRun) { f.Pending = []byte(`["call"]`) }))
	result := e.say(c.ID, 2, expected(1), func(a *store.Append) { a.Settles = true })
	require.NotNil(e, result.Promoted)
	require.Equal(e, a.Ref(), *result.Promoted)
	require.Equal(e, int64(3), e.getRun(a.ID).BaseVersion)
	require.True(e, e.getRun(b.ID).Queued)

	raced := e.say(c.ID, 1, func(a *store.Append) { a.Race = true })
	require.Nil(e, raced.Promoted, "a run is active")
	require.True(e, e.getRun(b.ID).Queued)
}

func promoteNotAfterAppend(e *env) {
	c := e.create()
	r := e.start(c.ID)
	queued := e.enqueue(c.ID)
	calls := func(f *store.FinishRun) { f.Pending = []byte(`["call"]`) }
	require.Nil(e, e.next(r, 1, calls))
	result := e.say(c.ID, 1, expected(1), func(a *store.Append) { a.Settles, a.Pending = true, []byte(`["another"]`) })
	require.Nil(e, result.Promoted)
	require.True(e, e.getRun(queued.ID).Queued)
}

func promoteNotDeleted(e *env) {
	crowd := e.crowd()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, nil)
	require.NoError(e, err)
	e.unchanged(crowd.c.ID, func() {
		swept, err := e.store.Sweep(e.ctx, &store.Sweep{Limit: 10})
		require.NoError(e, err)
		require.Empty(e, swept.Promoted)
		require.Empty(e, swept.Expired)
	})
	row := e.get(crowd.c.ID)
	require.Equal(e, []int{0, 0}, []int{row.Active, row.Queued})
}

func promoteOne(e *env) {
	c := e.create()
	r := e.start(c.ID)
	for range 3 {
		e.enqueue(c.ID)
	}
	e.next(r, 0)
	row := e.get(c.ID)
	require.Equal(e, []int{1, 2}, []int{row.Active, row.Queued})
	require.Len(e, e.claimAll(long), 1)
	swept, err := e.store.Sweep(e.ctx, &store.Sweep{Limit: 10})
	require.NoError(e, err)
	require.Empty(e, swept.Promoted)
}

func promoteNotOnConflict(e *env) {
	c := e.create()
	r := e.start(c.ID)
	queued := e.enqueue(c.ID)
	e.say(c.ID, 1, func(a *store.Append) { a.Race = true })
	e.unchanged(c.ID, func() {
		_, err := e.store.FinishRun(e.ctx, newFinish(r, 1))
		e.requireConflict(err, 0, 1)
	})
	require.Equal(e, queued.ID, e.next(r, 0, func(f *store.FinishRun) { f.Status = store.RunFailed }).ID)
}
