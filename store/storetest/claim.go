package storetest

import (
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var claiming = topic{"Claim", []rule{
	{"R8_TakesPendingRuns", claimPending},
	{"R8_LeavesRunsThatAreHeld", claimLeavesHeld},
	{"R8_RescuesWhenTheLeaseIsOver", claimRescues},
	{"R8_VoidsTheNumberBefore", claimFences},
	{"R8_NeverTakesWhatEnded", claimLeavesEnded},
	{"R8_NeverTakesWhatIsQueued", claimLeavesQueued},
	{"OldestFirstUpToTheLimit", claimOldest},
	{"InAnyTenant", claimTenants},
	{"DeadlineCountsFromTheFirstClaim", claimDeadline},
	{"TakenNudgesWaitAgain", claimNudges},
	{"GivesTheConversation", claimConversation},
	{"NothingToClaimIsNothing", claimNothing},
}}

func (e *env) claimSome(limit int) []store.Claimed {
	e.Helper()
	claimed, err := e.other.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "rescuer", Duration: long}, Limit: limit})
	require.NoError(e, err)
	return claimed
}

func claimedIDs(claimed []store.Claimed) []uuid.UUID {
	out := []uuid.UUID{}
	for _, c := range claimed {
		out = append(out, c.Run.ID)
	}
	return out
}

func claimPending(e *env) {
	c := e.create()
	r := e.start(c.ID, unclaimed)
	before, row := e.clock(), e.get(c.ID)
	claimed := e.claimSome(10)
	after := e.clock()
	require.Equal(e, []uuid.UUID{r.ID}, claimedIDs(claimed))
	got := claimed[0].Run
	require.Greater(e, got.Fence, r.Fence)
	require.False(e, got.StartedAt.Before(before) || got.StartedAt.After(after))
	e.requireLease(&got, before, after, long)
	want := *r
	want.Status, want.Owner, want.Attempt, want.Fence = store.RunRunning, "rescuer", 1, got.Fence
	want.StartedAt, want.LeaseUntil, want.Deadline = got.StartedAt, got.LeaseUntil, got.StartedAt.Add(r.Timeout)
	require.Equal(e, want, got)
	require.Equal(e, got, *e.getRun(r.ID))
	now := e.get(c.ID)
	require.Equal(e, store.RunRunning, now.LastRunStatus)
	require.Equal(e, 1, now.Active)
	require.True(e, now.UpdatedAt.After(row.UpdatedAt), "the state of a run changed")
	e.finish(&got, 1)
}

func claimLeavesHeld(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.unchanged(c.ID, func() { require.Empty(e, e.claimSome(10)) })
	e.requireHeld(r)
}

func claimRescues(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(short))
	claimed := e.claim(r.ID, short) // asks all the time, from the first moment on
	require.Equal(e, 2, claimed.Run.Attempt)
	at := claimed.Run.LeaseUntil.Add(-short)
	require.False(e, at.Before(r.LeaseUntil), "claimed before the lease was over by the store's clock")
	again := e.claim(r.ID, long)
	require.Equal(e, 3, again.Run.Attempt)
	at = again.Run.LeaseUntil.Add(-long)
	require.False(e, at.Before(claimed.Run.LeaseUntil), "claimed before the second lease was over")
	require.Greater(e, again.Run.Fence, claimed.Run.Fence)
	require.Equal(e, r.BaseVersion, again.Run.BaseVersion)
	e.finish(&again.Run, 1)
}

func claimFences(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	claimed := e.claim(r.ID, long)
	e.unchanged(c.ID, func() { e.requireFenced(r) })
	require.NoError(e, e.store.Release(e.ctx, []store.RunKey{r.RunKey()}))
	e.requireHeld(&claimed.Run)
}

func claimLeavesEnded(e *env) {
	c := e.create()
	for _, status := range []store.RunStatus{
		store.RunCompleted, store.RunRequiresAction, store.RunFailed, store.RunStopped, store.RunTimedOut,
	} {
		r := e.start(c.ID, leased(brief))
		e.finish(r, 0, func(f *store.FinishRun) { f.Status = status })
		e.passed(r.LeaseUntil)
	}
	stopped := e.start(c.ID, unclaimed)
	e.stop(stopped.ID)
	e.unchanged(c.ID, func() { require.Empty(e, e.claimSome(10)) })
}

func claimLeavesQueued(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	queued := e.enqueue(c.ID)
	e.start(c.ID, busy(store.BusyInterrupt))
	e.passed(r.LeaseUntil)
	require.Equal(e, []uuid.UUID{r.ID}, claimedIDs(e.claimSome(10)))
	require.True(e, e.getRun(queued.ID).Queued)
}

func claimOldest(e *env) {
	var want []uuid.UUID
	var last *store.Run
	for i := range 9 {
		edit := unclaimed
		if i%3 == 1 {
			edit = leased(brief)
		}
		last = e.start(e.create().ID, edit)
		want = append(want, last.ID)
		e.passed(last.CreatedAt)
	}
	e.passed(last.CreatedAt.Add(time.Millisecond))
	require.Equal(e, want[:4], claimedIDs(e.claimSome(4)))
	require.Equal(e, want[4:5], claimedIDs(e.claimSome(1)))
	require.Equal(e, want[5:], claimedIDs(e.claimSome(100)))
	require.Empty(e, e.claimSome(100))
}

func claimTenants(e *env) {
	var want []uuid.UUID
	for _, tenant := range []string{"acme", "globex", "initech"} {
		c := e.createFor(tenant, "ann")
		s := e.newStart(c.ID, unclaimed, func(s *store.StartRun) { s.Scope.Tenant = tenant })
		_, err := e.store.StartRun(e.ctx, s)
		require.NoError(e, err)
		want = append(want, s.ID)
	}
	claimed := e.claimSome(10)
	require.ElementsMatch(e, want, claimedIDs(claimed))
	for _, c := range claimed {
		require.Equal(e, c.Run.Tenant, c.Conversation.Tenant)
		require.Equal(e, c.Run.ConversationID, c.Conversation.ID)
	}
}

func claimDeadline(e *env) {
	c := e.create()
	r := e.start(c.ID, unclaimed, func(s *store.StartRun) { s.Timeout = 7 * time.Second })
	require.Zero(e, r.Deadline)
	first := e.claim(r.ID, brief)
	require.Equal(e, first.Run.StartedAt.Add(7*time.Second), first.Run.Deadline)
	second := e.claim(r.ID, long)
	require.Equal(e, first.Run.StartedAt, second.Run.StartedAt)
	require.Equal(e, first.Run.Deadline, second.Run.Deadline)
	require.NoError(e, e.store.Release(e.ctx, []store.RunKey{second.Run.RunKey()}))
	third := e.claim(r.ID, long)
	require.Equal(e, first.Run.StartedAt, third.Run.StartedAt)
	require.Equal(e, first.Run.Deadline, third.Run.Deadline)
}

func claimNudges(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	e.nudge(r, "one")
	_, err := e.store.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	e.nudge(r, "two")
	claimed := e.claim(r.ID, long)
	e.requireNudges(r.ID, "one waiting", "two waiting")
	taken, err := e.store.TakeNudges(e.ctx, claimed.Run.RunKey())
	require.NoError(e, err)
	require.Len(e, taken, 2)
}

func claimConversation(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Title, n.AgentID, n.Agent, n.Defaults = "t", "a", []byte(`{ "a": 1 }`), []byte(`{ "d": 1 }`)
	})
	e.say(c.ID, 3)
	r := e.start(c.ID, unclaimed)
	e.enqueue(c.ID)
	claimed := e.claim(r.ID, long)
	want := *e.get(c.ID)
	want.Participants = claimed.Conversation.Participants
	require.Equal(e, want, claimed.Conversation)
}

func claimNothing(e *env) {
	require.Empty(e, e.claimSome(10))
	e.say(e.create().ID, 1)
	require.Empty(e, e.claimSome(1))
}
