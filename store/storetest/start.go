package storetest

import (
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var starting = topic{"Start", []rule{
	{"R1_WithoutALeaseIsPending", startPending},
	{"R1_WithALeaseIsRunning", startRunning},
	{"V2_StaleExpectationIsRefused", startStale},
	{"R2_OrderOfChecks", startOrder},
	{"R4_RejectNamesTheRun", startRejected},
	{"R4_RaceStartsBeside", startRaced},
	{"R4_FreeConversationStartsAtOnce", startFree},
	{"R5_PendingCallsRefuseIt", startPendingCalls},
	{"R8_FencingNumbersGrow", startFences},
	{"L7_LatestRunIsFollowed", startLatest},
	{"CountsActiveAndQueued", startCounts},
	{"WritesNothingToTheLog", startLeavesLog},
}}

func startPending(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	before := e.get(c.ID)
	s := e.newStart(c.ID, unclaimed, func(s *store.StartRun) {
		s.Key, s.Fingerprint, s.Spec, s.Timeout = "key %_\\", "print", []byte(`{ "b":1, "a":2 }`), 90*time.Second
		s.QueueTimeout = time.Hour
	})
	result, err := e.store.StartRun(e.ctx, s)
	require.NoError(e, err)
	require.False(e, result.Replayed)
	require.Empty(e, result.Stopping)
	r := result.Run
	require.Positive(e, r.Fence)
	require.Equal(e, store.Run{
		Tenant: "acme", ConversationID: c.ID, ID: s.ID, Status: store.RunPending, UserID: "ann",
		Key: s.Key, Fingerprint: "print", BaseVersion: 2, Spec: s.Spec, Fence: r.Fence, Timeout: s.Timeout, CreatedAt: r.CreatedAt,
	}, r)
	e.requireStoreTime(r.CreatedAt)
	require.False(e, r.CreatedAt.Before(before.CreatedAt))
	require.Equal(e, r, *e.getRun(r.ID))
	require.True(e, e.get(c.ID).UpdatedAt.After(before.UpdatedAt))
}

func startRunning(e *env) {
	c := e.create()
	before := e.clock()
	s := e.newStart(c.ID, func(s *store.StartRun) {
		s.Timeout, s.Lease = time.Minute, &store.Lease{Owner: "engine-7", Duration: 30 * time.Second}
	})
	result, err := e.store.StartRun(e.ctx, s)
	require.NoError(e, err)
	after := e.clock()
	r := result.Run
	require.Equal(e, store.RunRunning, r.Status)
	require.Equal(e, 1, r.Attempt)
	require.Equal(e, "engine-7", r.Owner)
	require.False(e, r.StartedAt.Before(before) || r.StartedAt.After(after))
	require.Equal(e, r.StartedAt.Add(time.Minute), r.Deadline)
	e.requireLease(&r, before, after, 30*time.Second)
	require.Zero(e, r.QueueUntil)
	for _, at := range []time.Time{r.CreatedAt, r.StartedAt, r.LeaseUntil, r.Deadline} {
		e.requireStoreTime(at)
	}
	require.Equal(e, r, *e.getRun(r.ID))
}

// requireLease requires a lease given between two moments of the store's clock.
func (e *env) requireLease(r *store.Run, before, after time.Time, d time.Duration) {
	e.Helper()
	require.False(e, r.LeaseUntil.Before(before.Add(d)), "the lease is shorter than asked for")
	require.False(e, r.LeaseUntil.After(after.Add(d)), "the lease is longer than asked for")
}

func from(version int64) func(*store.StartRun) {
	return func(s *store.StartRun) { s.Expected = &version }
}

func startStale(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	e.unchanged(c.ID, func() {
		for _, version := range []int64{0, 1, 3, 1 << 40} {
			for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
				_, err := e.store.StartRun(e.ctx, e.newStart(c.ID, from(version), busy(policy)))
				e.requireConflict(err, version, 2)
			}
		}
	})
	require.Equal(e, int64(2), e.start(c.ID, from(2)).BaseVersion)

	empty := e.create()
	require.Zero(e, e.start(empty.ID, from(0)).BaseVersion, "zero is a real expectation")
}

// Every request fails all the checks from its place on, and is answered by the
// first of them.
func startOrder(e *env) {
	c := e.create()
	e.waitForOutputs(c.ID)
	done := e.newStart(c.ID, settling, from(1), func(s *store.StartRun) { s.Key = "done" })
	first, err := e.store.StartRun(e.ctx, done)
	require.NoError(e, err)
	e.finish(&first.Run, 1, func(f *store.FinishRun) { f.Pending = []byte(`["again"]`) })
	active := e.start(c.ID, settling)

	e.unchanged(c.ID, func() {
		again, err := e.store.StartRun(e.ctx, done)
		require.NoError(e, err, "replay is checked before version, busy and calls")
		require.True(e, again.Replayed)
		other := e.newStart(c.ID, from(0), func(s *store.StartRun) { s.Key, s.Fingerprint = "done", "another" })
		_, err = e.store.StartRun(e.ctx, other)
		require.ErrorIs(e, err, store.ErrIdempotencyMismatch)
		for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
			_, err = e.store.StartRun(e.ctx, e.newStart(c.ID, from(1), busy(policy), func(s *store.StartRun) { s.MaxQueued = 0 }))
			e.requireConflict(err, 1, 2)
		}
		_, err = e.store.StartRun(e.ctx, e.newStart(c.ID, from(2)))
		e.requireActive(err, active.ID)
		_, err = e.store.StartRun(e.ctx, e.newStart(c.ID, from(2), busy(store.BusyRace)))
		require.ErrorIs(e, err, store.ErrToolOutputsPending)
	})

	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	e.unchanged(c.ID, func() {
		mismatch := *done
		mismatch.ID, mismatch.Fingerprint = newID(), "another"
		for _, s := range []*store.StartRun{done, &mismatch, e.newStart(c.ID, from(0)), e.newStart(c.ID)} {
			_, err := e.store.StartRun(e.ctx, s)
			require.ErrorIs(e, err, store.ErrDeleted)
			foreign := *s
			foreign.Scope.User = "eve"
			_, err = e.store.StartRun(e.ctx, &foreign)
			require.ErrorIs(e, err, store.ErrNotFound)
		}
	})
}

func startRejected(e *env) {
	for name, edit := range map[string]func(*store.StartRun){
		"running": leased(long), "pending": unclaimed, "running, the lease over": leased(brief),
	} {
		c := e.create()
		r := e.start(c.ID, edit)
		e.unchanged(c.ID, func() {
			_, err := e.other.StartRun(e.ctx, e.newStart(c.ID))
			e.requireActive(err, r.ID)
		})
		e.end(r)
		require.NotEqual(e, r.ID, e.start(c.ID).ID, "%s: once it ended", name)
	}
	c := e.create()
	a, b := e.start(c.ID), e.start(c.ID, busy(store.BusyRace))
	_, err := e.store.StartRun(e.ctx, e.newStart(c.ID))
	e.requireActive(err, a.ID, b.ID)
	e.finish(a, 0)
	_, err = e.store.StartRun(e.ctx, e.newStart(c.ID))
	e.requireActive(err, b.ID)
}

func startRaced(e *env) {
	c := e.create()
	runs := []*store.Run{e.start(c.ID)}
	for range 4 {
		r := e.start(c.ID, busy(store.BusyRace))
		require.Equal(e, store.RunRunning, r.Status)
		require.False(e, r.Queued)
		runs = append(runs, r)
	}
	require.Equal(e, 5, e.get(c.ID).Active)
	e.finish(runs[2], 2)
	for i, r := range runs {
		if i != 2 {
			_, err := e.store.FinishRun(e.ctx, newFinish(r, 1))
			e.requireConflict(err, 0, 2)
		}
	}
	require.Equal(e, 4, e.get(c.ID).Active)
	require.Equal(e, int64(2), e.start(c.ID, busy(store.BusyRace)).BaseVersion)
}

func startFree(e *env) {
	for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
		c := e.create()
		result, err := e.store.StartRun(e.ctx, e.newStart(c.ID, busy(policy), func(s *store.StartRun) {
			s.MaxQueued, s.QueueTimeout = 0, time.Hour
		}))
		require.NoError(e, err)
		require.Equal(e, store.RunRunning, result.Run.Status)
		require.False(e, result.Run.Queued || result.Run.Front, "it never was in the queue")
		require.Zero(e, result.Run.QueueUntil)
		require.Empty(e, result.Stopping)
	}
}

func startPendingCalls(e *env) {
	c := e.create()
	e.waitForOutputs(c.ID)
	e.unchanged(c.ID, func() {
		for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
			_, err := e.store.StartRun(e.ctx, e.newStart(c.ID, from(1), busy(policy)))
			require.ErrorIs(e, err, store.ErrToolOutputsPending, "%s on a free conversation", policy)
		}
	})
	r := e.start(c.ID, settling, from(1))
	require.NotNil(e, e.get(c.ID).Pending, "the calls wait until the run lands")
	queued := e.enqueue(c.ID)
	require.True(e, queued.Queued, "one that is queued waits for that too")
	_, err := e.store.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyRace)))
	require.ErrorIs(e, err, store.ErrToolOutputsPending, "one that is not queued is refused")
	e.start(c.ID, busy(store.BusyRace), settling)
	e.finish(r, 1)
	require.Nil(e, e.get(c.ID).Pending)
}

func startFences(e *env) {
	c := e.create()
	var last int64
	for i := range 6 {
		r := e.start(c.ID, busy(store.BusyRace))
		require.Greater(e, r.Fence, last, "numbers are the conversation's, not the run's")
		last = r.Fence
		if i%2 == 0 {
			e.finish(r, 0)
		}
	}
}

func startLatest(e *env) {
	c := e.create()
	a := e.start(c.ID)
	row := e.get(c.ID)
	require.Equal(e, a.ID, row.LastRunID)
	require.Equal(e, store.RunRunning, row.LastRunStatus)
	b := e.start(c.ID, busy(store.BusyRace), unclaimed)
	row = e.get(c.ID)
	require.Equal(e, b.ID, row.LastRunID)
	require.Equal(e, store.RunPending, row.LastRunStatus)
	b = &e.claim(b.ID, long).Run
	require.Equal(e, store.RunRunning, e.get(c.ID).LastRunStatus)
	queued := e.enqueue(c.ID)
	require.Equal(e, b.ID, e.get(c.ID).LastRunID, "a queued run has no number yet")

	e.release(a.RunKey())
	claimed := e.claim(a.ID, long)
	row = e.get(c.ID)
	require.Equal(e, b.ID, row.LastRunID, "the first number counts, not a later one")

	e.finish(&claimed.Run, 0, func(f *store.FinishRun) { f.Status = store.RunFailed })
	require.Equal(e, store.RunRunning, e.get(c.ID).LastRunStatus, "the end of an older run does not show")
	e.finish(b, 0, func(f *store.FinishRun) { f.Status = store.RunTimedOut })
	row = e.get(c.ID)
	require.Equal(e, queued.ID, row.LastRunID, "promotion gave it its first number")
	require.Equal(e, store.RunPending, row.LastRunStatus)
	e.finish(&e.claim(queued.ID, long).Run, 0, func(f *store.FinishRun) { f.Status = store.RunRequiresAction })
	require.Equal(e, store.RunRequiresAction, e.get(c.ID).LastRunStatus)
}

func startCounts(e *env) {
	c := e.create()
	counts := func(active, queued int) {
		e.Helper()
		row := e.get(c.ID)
		require.Equal(e, []int{active, queued}, []int{row.Active, row.Queued})
	}
	counts(0, 0)
	a := e.start(c.ID)
	counts(1, 0)
	b := e.start(c.ID, busy(store.BusyRace), unclaimed)
	counts(2, 0)
	e.enqueue(c.ID)
	counts(2, 1)
	e.start(c.ID, busy(store.BusyInterrupt))
	counts(2, 2)
	e.finish(a, 1)
	counts(1, 2)
	_, err := e.store.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: b.ID})
	require.NoError(e, err)
	counts(1, 1)
}

func startLeavesLog(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	log := e.log(c.ID)
	e.start(c.ID)
	e.enqueue(c.ID)
	require.Equal(e, log, e.log(c.ID))
	require.Equal(e, int64(1), e.get(c.ID).Version)
	require.NotEqual(e, uuid.Nil, e.get(c.ID).LastRunID)
}
