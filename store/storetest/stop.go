package storetest

import (
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var stopping = topic{"Stop", []rule{
	{"R6_PendingEndsHereAndNow", stopPending},
	{"R6_QueuedEndsHereAndNow", stopQueued},
	{"R6_RunningIsAsked", stopRunning},
	{"R6_TerminalStaysAsItIs", stopTerminal},
	{"R6_LaterWritesAreRefused", stopFences},
	{"R6_TheNextOwnerSeesIt", stopSurvivesClaim},
	{"R6_ReleasedRunEndsHereAndNow", stopReleased},
	{"A4_OnlyMembers", stopMembers},
}}

func (e *env) stop(id uuid.UUID) *store.StopResult {
	e.Helper()
	result, err := e.other.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: id, Result: []byte(`{ "by": "ann" }`)})
	require.NoError(e, err)
	require.Equal(e, *e.getRun(id), result.Run)
	return result
}

func stopPending(e *env) {
	c := e.create()
	r := e.start(c.ID, unclaimed)
	before := e.get(c.ID)
	result := e.stop(r.ID)
	require.True(e, result.Stopped)
	e.requireEnded(&result.Run, store.RunStopped, `{ "by": "ann" }`)
	row := e.get(c.ID)
	require.Zero(e, row.Active)
	require.Equal(e, store.RunStopped, row.LastRunStatus)
	require.True(e, row.UpdatedAt.After(before.UpdatedAt))
	require.Equal(e, before.ActivityAt, row.ActivityAt)
	require.Zero(e, row.Version)
	require.Empty(e, e.claimAll(long))
}

func stopQueued(e *env) {
	c := e.create()
	active := e.start(c.ID)
	for _, policy := range []store.Busy{store.BusyEnqueue, store.BusyInterrupt} {
		r := e.start(c.ID, busy(policy), func(s *store.StartRun) { s.QueueTimeout = time.Hour })
		result := e.stop(r.ID)
		require.True(e, result.Stopped)
		require.Nil(e, result.Promoted)
		e.requireEnded(&result.Run, store.RunStopped, `{ "by": "ann" }`)
		require.Zero(e, result.Run.Fence)
		row := e.get(c.ID)
		require.Equal(e, []int{1, 0}, []int{row.Active, row.Queued})
		require.Equal(e, active.ID, row.LastRunID)
		require.Equal(e, store.RunRunning, row.LastRunStatus)
	}
	require.Nil(e, e.finish(active, 0).Promoted)
}

func stopRunning(e *env) {
	c := e.create()
	for _, lease := range []time.Duration{long, brief} {
		r := e.start(c.ID, leased(lease))
		for range 2 {
			result := e.stop(r.ID)
			require.True(e, result.Stopped, "there is something to stop until it ends")
			require.Nil(e, result.Promoted)
			require.True(e, result.Run.StopRequested)
			require.Equal(e, store.RunRunning, result.Run.Status, "its owner ends it")
			require.Nil(e, result.Run.Result)
		}
		renewed, err := e.store.Renew(e.ctx, store.Lease{Owner: "engine", Duration: long}, []store.RunKey{r.RunKey()})
		require.NoError(e, err)
		require.Equal(e, []store.Renewal{{Key: r.RunKey(), Held: true, StopRequested: true}}, renewed)
		result := e.finish(r, 1, func(f *store.FinishRun) { f.Status = store.RunStopped })
		require.Equal(e, store.RunStopped, result.Run.Status, "what was streamed may be kept")
	}
	require.Equal(e, int64(2), e.get(c.ID).Version)
}

func stopTerminal(e *env) {
	for _, status := range []store.RunStatus{
		store.RunCompleted, store.RunRequiresAction, store.RunFailed, store.RunStopped, store.RunTimedOut,
	} {
		c := e.create()
		r := e.start(c.ID)
		e.enqueue(c.ID)
		e.finish(r, 1, func(f *store.FinishRun) { f.Status = status })
		e.unchanged(c.ID, func() {
			result := e.stop(r.ID)
			require.False(e, result.Stopped)
			require.Nil(e, result.Promoted)
			require.Equal(e, status, result.Run.Status)
		})
	}
}

func stopFences(e *env) {
	c := e.create()
	r := e.start(c.ID, unclaimed)
	e.stop(r.ID)
	e.unchanged(c.ID, func() { e.requireFenced(r) })
	next := e.start(c.ID)
	require.Greater(e, next.Fence, r.Fence)
	e.unchanged(c.ID, func() { e.requireFenced(r) })
}

func stopSurvivesClaim(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	e.stop(r.ID)
	claimed := e.claim(r.ID, brief)
	require.True(e, claimed.Run.StopRequested, "whoever claims it next ends it")
	again := e.claim(r.ID, long)
	require.True(e, again.Run.StopRequested)
	e.finish(&again.Run, 0, func(f *store.FinishRun) { f.Status = store.RunStopped })
}

func stopReleased(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.nudge(r, "n")
	require.NoError(e, e.store.Release(e.ctx, []store.RunKey{r.RunKey()}))
	queued := e.enqueue(c.ID)
	result := e.stop(r.ID)
	require.True(e, result.Stopped)
	e.requireEnded(&result.Run, store.RunStopped, `{ "by": "ann" }`)
	require.NotNil(e, result.Promoted)
	require.Equal(e, queued.Ref(), *result.Promoted)
	e.requireNudges(r.ID, "n returned")
}

func stopMembers(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "bob", Member: true}, {UserID: "cat", Author: true}}
	})
	r := e.start(c.ID, unclaimed)
	e.unchanged(c.ID, func() {
		for _, scope := range []store.Scope{
			{Tenant: "acme", User: "eve"}, {Tenant: "acme", User: "cat"}, {Tenant: "globex", User: "ann"},
			{Tenant: "acme", User: "eve", Wide: true},
		} {
			_, err := e.store.RequestStop(e.ctx, &store.StopRun{Scope: scope, RunID: r.ID})
			require.ErrorIs(e, err, store.ErrNotFound, "%+v is no member", scope)
		}
	})
	result, err := e.store.RequestStop(e.ctx, &store.StopRun{Scope: store.Scope{Tenant: "acme", User: "bob"}, RunID: r.ID})
	require.NoError(e, err)
	require.True(e, result.Stopped)
}
