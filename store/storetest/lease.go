package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var leases = topic{"Lease", []rule{
	{"R8_RenewExtends", renewExtends},
	{"R8_RenewEvenIfOver", renewLapsed},
	{"R8_RenewOfAFencedAttemptIsNotHeld", renewFenced},
	{"RenewAnswersInOrder", renewOrder},
	{"RenewCountsWaitingNudges", renewNudges},
	{"R9_ReleaseMakesPending", release},
	{"R9_ReleasedRunHoldsTheConversation", releaseHolds},
	{"R9_ReleaseVoidsTheNumber", releaseFences},
	{"R9_ReleasePassesOverOthers", releaseMixed},
}}

func (e *env) renew(keys ...store.RunKey) []store.Renewal {
	e.Helper()
	renewed, err := e.other.Renew(e.ctx, store.Lease{Owner: "engine", Duration: long}, keys)
	require.NoError(e, err)
	require.Len(e, renewed, len(keys))
	return renewed
}

func renewExtends(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(short))
	before := e.clock()
	require.Equal(e, []store.Renewal{{Key: r.RunKey(), Held: true}}, e.renew(r.RunKey()))
	got := e.getRun(r.ID)
	e.requireLease(got, before, e.clock(), long)
	e.requireStoreTime(got.LeaseUntil)
	want := *r
	want.LeaseUntil = got.LeaseUntil
	require.Equal(e, want, *got, "nothing but the lease")
	e.passed(r.LeaseUntil)
	require.Empty(e, e.claimAll(long), "the old end does not count")
}

func renewLapsed(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	e.passed(r.LeaseUntil)
	require.True(e, e.renew(r.RunKey())[0].Held, "nobody has claimed it")
	require.Empty(e, e.claimAll(long))
	e.finish(r, 1)
}

func renewFenced(e *env) {
	c := e.create()
	replaced := e.start(c.ID, leased(brief))
	claimed := e.claim(replaced.ID, long)
	lease := e.getRun(replaced.ID).LeaseUntil
	require.Equal(e, []store.Renewal{{Key: replaced.RunKey()}}, e.renew(replaced.RunKey()))
	require.Equal(e, lease, e.getRun(replaced.ID).LeaseUntil, "and the lease of the present owner stays")
	e.finish(&claimed.Run, 0)
	require.False(e, e.renew(claimed.Run.RunKey())[0].Held)
	require.Zero(e, e.getRun(replaced.ID).LeaseUntil)
	require.False(e, e.renew(store.RunKey{Tenant: "acme", ConversationID: c.ID, RunID: newID(), Fence: 1})[0].Held)
}

func renewOrder(e *env) {
	require.Empty(e, e.renew())
	var keys []store.RunKey
	var want []store.Renewal
	for i := range 12 {
		r := e.start(e.create().ID)
		renewal := store.Renewal{Key: r.RunKey(), Held: true}
		switch i % 4 {
		case 1:
			e.stop(r.ID)
			renewal.StopRequested = true
		case 2:
			e.finish(r, 0)
			renewal.Held = false
		case 3:
			e.nudge(r, "n")
			renewal.Nudges = 1
		}
		keys, want = append([]store.RunKey{r.RunKey()}, keys...), append([]store.Renewal{renewal}, want...)
	}
	require.Equal(e, want, e.renew(keys...))
}

func renewNudges(e *env) {
	r := e.start(e.create().ID)
	for _, text := range []string{"a", "b", "c"} {
		e.nudge(r, text)
	}
	require.Equal(e, 3, e.renew(r.RunKey())[0].Nudges)
	_, err := e.store.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	require.Zero(e, e.renew(r.RunKey())[0].Nudges)
	e.nudge(r, "d")
	require.Equal(e, 1, e.renew(r.RunKey())[0].Nudges)
}

func (e *env) release(keys ...store.RunKey) {
	e.Helper()
	require.NoError(e, e.other.Release(e.ctx, keys))
}

func release(e *env) {
	c := e.create()
	r := e.start(c.ID)
	before := e.get(c.ID)
	e.release(r.RunKey())
	got := e.getRun(r.ID)
	require.Equal(e, store.RunPending, got.Status)
	require.False(e, got.Queued)
	require.Empty(e, got.Owner)
	require.Zero(e, got.LeaseUntil)
	require.Zero(e, got.CompletedAt)
	require.Equal(e, 1, got.Attempt)
	require.Equal(e, r.StartedAt, got.StartedAt)
	require.Equal(e, r.Deadline, got.Deadline)
	row := e.get(c.ID)
	require.Equal(e, store.RunPending, row.LastRunStatus)
	require.True(e, row.UpdatedAt.After(before.UpdatedAt))

	claimed := e.claimSome(10)
	require.Equal(e, []uuid.UUID{r.ID}, claimedIDs(claimed), "any engine may take it at once")
	require.Equal(e, 2, claimed[0].Run.Attempt)
	require.Greater(e, claimed[0].Run.Fence, r.Fence)
	e.finish(&claimed[0].Run, 1)
}

func releaseHolds(e *env) {
	c := e.create()
	r := e.start(c.ID)
	queued := e.enqueue(c.ID)
	e.release(r.RunKey())
	row := e.get(c.ID)
	require.Equal(e, []int{1, 1}, []int{row.Active, row.Queued})
	require.True(e, e.getRun(queued.ID).Queued)
	e.unchanged(c.ID, func() {
		_, err := e.store.StartRun(e.ctx, e.newStart(c.ID))
		e.requireActive(err, r.ID)
		_, err = e.store.Append(e.ctx, e.newAppend(c.ID, 1))
		e.requireActive(err, r.ID)
		swept, err := e.store.Sweep(e.ctx, &store.Sweep{Limit: 10})
		require.NoError(e, err)
		require.Empty(e, swept.Promoted)
	})
	require.Equal(e, []uuid.UUID{r.ID}, claimedIDs(e.claimSome(10)))
}

func releaseFences(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.release(r.RunKey())
	e.unchanged(c.ID, func() { e.requireFenced(r) })
	fresh := e.start(c.ID, busy(store.BusyRace))
	require.Greater(e, fresh.Fence, r.Fence)
	e.requireFenced(r)
	e.finish(fresh, 1)
}

func releaseMixed(e *env) {
	e.release()
	a, b := e.start(e.create().ID), e.start(e.create().ID)
	ended, kept := e.start(e.create().ID), e.start(e.create().ID)
	e.finish(ended, 1)
	old := kept.RunKey()
	old.Fence--
	e.unchanged(ended.ConversationID, func() {
		e.unchanged(kept.ConversationID, func() {
			e.release(ended.RunKey(), a.RunKey(), old, store.RunKey{Tenant: "acme", ConversationID: newID(), RunID: newID(), Fence: 1}, b.RunKey())
		})
	})
	require.Equal(e, store.RunPending, e.getRun(a.ID).Status)
	require.Equal(e, store.RunPending, e.getRun(b.ID).Status)
	e.unchanged(a.ConversationID, func() { e.release(a.RunKey()) })
	require.ElementsMatch(e, []uuid.UUID{a.ID, b.ID}, claimedIDs(e.claimSome(10)))
}
