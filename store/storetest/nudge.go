package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// nudge hands text to a running run.
func (e *env) nudge(r *store.Run, text string) *store.Nudge {
	e.Helper()
	n, err := e.store.AddNudge(e.ctx, e.scope, &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: text})
	require.NoError(e, err)
	require.Equal(e, store.NudgeWaiting, n.State)
	return n
}

// requireNudges requires the run's nudges, each as its text and state.
func (e *env) requireNudges(run uuid.UUID, want ...string) {
	e.Helper()
	nudges, err := e.store.Nudges(e.ctx, e.scope, run)
	require.NoError(e, err)
	var got []string
	for _, n := range nudges {
		got = append(got, n.Text+" "+string(n.State))
	}
	require.Equal(e, want, got)
}

var nudging = topic{"Nudge", []rule{
	{"StoredForARunningRun", nudgeStored},
	{"ReturnedWhenNotRunning", nudgeNotRunning},
	{"V7_RepeatedByIDReturnsTheStored", nudgeRepeated},
	{"TakenOldestFirstByOneCallOnly", nudgeTaken},
	{"R8_FencedAttemptTakesNothing", nudgeFenced},
	{"A4_OnlyMembers", nudgeMembers},
	{"OfARunOnly", nudgeApart},
}}

func nudgeStored(e *env) {
	c := e.create()
	r := e.start(c.ID)
	before := e.clock()
	n := &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: "go on %_\\ 'é'\n"}
	got, err := e.store.AddNudge(e.ctx, e.scope, n)
	require.NoError(e, err)
	want := *n
	want.State, want.CreatedAt = store.NudgeWaiting, got.CreatedAt
	require.Equal(e, want, *got)
	e.requireStoreTime(got.CreatedAt)
	require.False(e, got.CreatedAt.Before(before))
	nudges, err := e.store.Nudges(e.ctx, e.scope, r.ID)
	require.NoError(e, err)
	require.Equal(e, []store.Nudge{want}, nudges)
	require.Zero(e, e.get(c.ID).Version)

	lapsed := e.start(e.create().ID, leased(brief))
	e.passed(lapsed.LeaseUntil)
	e.nudge(lapsed, "still running")
}

func nudgeNotRunning(e *env) {
	c := e.create()
	released := e.start(c.ID)
	e.release(released.RunKey())
	ended := e.start(c.ID, busy(store.BusyRace))
	e.finish(ended, 1)
	pending := e.start(c.ID, busy(store.BusyRace), unclaimed)
	queued := e.enqueue(c.ID)
	stopped := e.enqueue(c.ID)
	e.stop(stopped.ID)
	e.unchanged(c.ID, func() {
		for _, r := range []*store.Run{released, ended, pending, queued, stopped} {
			n := &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: "too late"}
			for range 2 {
				got, err := e.store.AddNudge(e.ctx, e.scope, n)
				require.NoError(e, err)
				require.Equal(e, store.NudgeReturned, got.State)
				require.Equal(e, n.ID, got.ID)
				require.Equal(e, n.Text, got.Text)
				require.Equal(e, r.ID, got.RunID)
			}
			e.requireNudges(r.ID)
		}
	})
}

func nudgeRepeated(e *env) {
	r := e.start(e.create().ID)
	n := &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: "once"}
	first, err := e.store.AddNudge(e.ctx, e.scope, n)
	require.NoError(e, err)
	again := func(state store.NudgeState) {
		e.Helper()
		other := *n
		other.Text, other.UserID = "twice", "bob"
		got, err := e.other.AddNudge(e.ctx, e.scope, &other)
		require.NoError(e, err)
		want := *first
		want.State = state
		require.Equal(e, want, *got)
		e.requireNudges(r.ID, "once "+string(state))
	}
	again(store.NudgeWaiting)
	_, err = e.store.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	again(store.NudgeTaken)
	e.finish(r, 1)
	again(store.NudgeApplied)
}

func nudgeTaken(e *env) {
	r := e.start(e.create().ID)
	var want []store.Nudge
	for _, text := range []string{"a", "b", "c", "d"} {
		n := *e.nudge(r, text)
		n.State = store.NudgeTaken
		want = append(want, n)
	}
	taken, err := e.store.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	require.Equal(e, want, taken)
	taken, err = e.other.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	require.Empty(e, taken, "each to one call only")
	e.nudge(r, "e")
	taken, err = e.other.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	require.Len(e, taken, 1)
	require.Equal(e, "e", taken[0].Text)
	e.requireNudges(r.ID, "a taken", "b taken", "c taken", "d taken", "e taken")
}

func nudgeFenced(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	claimed := e.claim(r.ID, long)
	e.nudge(&claimed.Run, "n")
	e.unchanged(c.ID, func() {
		_, err := e.store.TakeNudges(e.ctx, r.RunKey())
		require.ErrorIs(e, err, store.ErrFenced)
	})
	taken, err := e.store.TakeNudges(e.ctx, claimed.Run.RunKey())
	require.NoError(e, err)
	require.Len(e, taken, 1)
}

func nudgeMembers(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "bob", Member: true}, {UserID: "cat", Author: true}}
	})
	r := e.start(c.ID)
	e.unchanged(c.ID, func() {
		for _, scope := range []store.Scope{
			{Tenant: "acme", User: "eve"}, {Tenant: "acme", User: "cat"}, {Tenant: "globex", User: "ann"},
			{Tenant: "acme", User: "eve", Wide: true},
		} {
			_, err := e.store.AddNudge(e.ctx, scope, &store.Nudge{ID: newID(), RunID: r.ID, UserID: scope.User, Text: "x"})
			require.ErrorIs(e, err, store.ErrNotFound, "%+v is no member", scope)
		}
	})
	n, err := e.store.AddNudge(e.ctx, store.Scope{Tenant: "acme", User: "bob"}, &store.Nudge{ID: newID(), RunID: r.ID, UserID: "bob", Text: "x"})
	require.NoError(e, err)
	require.Equal(e, store.NudgeWaiting, n.State)
	wide, err := e.store.Nudges(e.ctx, store.Scope{Tenant: "acme", User: "admin", Wide: true}, r.ID)
	require.NoError(e, err)
	require.Len(e, wide, 1, "an administrator may look")
}

func nudgeApart(e *env) {
	c := e.create()
	a, b := e.start(c.ID), e.start(c.ID, busy(store.BusyRace))
	e.nudge(a, "for a")
	taken, err := e.store.TakeNudges(e.ctx, b.RunKey())
	require.NoError(e, err)
	require.Empty(e, taken)
	e.requireNudges(b.ID)
	e.finish(b, 1)
	e.requireNudges(a.ID, "for a waiting")
}
