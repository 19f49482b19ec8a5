package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var appending = topic{"Append", []rule{
	{"V1_GrowsByItsMessages", appendGrows},
	{"V2_StaleExpectationIsRefused", appendStale},
	{"V2_ZeroIsARealExpectation", appendZero},
	{"V2_NoExpectationIsTheHead", appendAny},
	{"V3_AllOrNone", appendAllOrNone},
	{"OrderOfChecks", appendOrder},
	{"R4_ActiveRunRefusesIt", appendActive},
	{"R4_RaceGoesBesideARun", appendRace},
	{"R5_PendingCallsRefuseIt", appendPending},
	{"R5_SettlesAnswersThem", appendSettles},
	{"LeavesTheTailBehind", appendTail},
	{"OneTimeForOneAppend", appendTimes},
	{"IsActivity", appendIsActivity},
	{"WideScopeMayUseIt", appendWide},
}}

func appendGrows(e *env) {
	c := e.create()
	for i, n := range []int{1, 2, 1, 50} {
		before := e.get(c.ID)
		a := e.newAppend(c.ID, n, expected(before.Version))
		result, err := e.handle(i).Append(e.ctx, a)
		require.NoError(e, err)
		require.False(e, result.Replayed)
		require.Nil(e, result.Promoted)
		require.Equal(e, before.Version+int64(n), result.Version)
		require.Equal(e, ids(a.Messages), ids(result.Messages))
		require.Equal(e, sequence(before.Version+1, result.Version), seqs(result.Messages))
		after := e.get(c.ID)
		require.Equal(e, result.Version, after.Version)
		require.True(e, after.UpdatedAt.After(before.UpdatedAt))
		require.Equal(e, result.Messages, e.read(c, store.MessageQuery{After: before.Version, Limit: everything}).Messages)
	}
}

func appendStale(e *env) {
	c := e.create()
	e.say(c.ID, 3)
	e.unchanged(c.ID, func() {
		for _, version := range []int64{0, 1, 2, 4, 100, 1 << 40} {
			_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 2, expected(version)))
			e.requireConflict(err, version, 3)
		}
	})
	e.say(c.ID, 1, expected(3))
}

func appendZero(e *env) {
	c := e.create()
	e.say(c.ID, 1, expected(0))
	_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 1, expected(0)))
	e.requireConflict(err, 0, 1)
}

func appendAny(e *env) {
	c := e.create()
	for want := range int64(4) {
		require.Equal(e, want+1, e.say(c.ID, 1).Version)
	}
}

func appendAllOrNone(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	other := e.create()
	taken := e.say(other.ID, 1).Messages[0].ID
	e.unchanged(c.ID, func() {
		_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 30, expected(0)))
		e.requireConflict(err, 0, 1)
	})
	result := e.say(c.ID, 2, func(a *store.Append) { a.Messages[1].ID = taken })
	require.Equal(e, int64(3), result.Version, "ids are a conversation's own")
}

// Every request fails all the checks from its place on, and is answered by the
// first of them.
func appendOrder(e *env) {
	c := e.create()
	first := e.newAppend(c.ID, 2, expected(0))
	_, err := e.store.Append(e.ctx, first)
	require.NoError(e, err)
	e.waitForOutputs(c.ID)
	r := e.start(c.ID, settling)
	partial := e.newAppend(c.ID, 2, expected(1))
	partial.Messages[0].ID = first.Messages[1].ID

	e.unchanged(c.ID, func() {
		again, err := e.store.Append(e.ctx, first)
		require.NoError(e, err, "replay is checked before version, runs and calls")
		require.True(e, again.Replayed)
		_, err = e.store.Append(e.ctx, e.newAppend(c.ID, 1, expected(2)))
		e.requireConflict(err, 2, 3)
		_, err = e.store.Append(e.ctx, partial)
		e.requireConflict(err, 1, 3)
		_, err = e.store.Append(e.ctx, e.newAppend(c.ID, 1, expected(3)))
		e.requireActive(err, r.ID)
		_, err = e.store.Append(e.ctx, e.newAppend(c.ID, 1))
		e.requireActive(err, r.ID)
		_, err = e.store.Append(e.ctx, e.newAppend(c.ID, 1, expected(3), func(a *store.Append) { a.Race = true }))
		require.ErrorIs(e, err, store.ErrToolOutputsPending)
	})

	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	e.unchanged(c.ID, func() {
		for _, a := range []*store.Append{first, partial, e.newAppend(c.ID, 1, expected(0)), e.newAppend(c.ID, 1)} {
			_, err := e.store.Append(e.ctx, a)
			require.ErrorIs(e, err, store.ErrDeleted)
			foreign := *a
			foreign.Scope.User = "eve"
			_, err = e.store.Append(e.ctx, &foreign)
			require.ErrorIs(e, err, store.ErrNotFound)
		}
	})
}

func appendActive(e *env) {
	for name, edit := range map[string]func(*store.StartRun){
		"running": leased(long), "pending": unclaimed, "running, the lease over": leased(brief),
	} {
		c := e.create()
		r := e.start(c.ID, edit)
		e.unchanged(c.ID, func() {
			_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 1))
			e.requireActive(err, r.ID)
		})
		e.end(r)
		require.Equal(e, int64(1), e.say(c.ID, 1).Version, "%s: once it ended", name)
	}
}

func appendRace(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.say(c.ID, 2, func(a *store.Append) { a.Race = true })
	require.Equal(e, store.RunRunning, e.getRun(r.ID).Status)
	_, err := e.store.FinishRun(e.ctx, newFinish(r, 1))
	e.requireConflict(err, 0, 2)
	e.finish(r, 0, func(f *store.FinishRun) { f.Status = store.RunFailed })
	require.Equal(e, int64(2), e.get(c.ID).Version)
}

func appendPending(e *env) {
	c := e.create()
	e.waitForOutputs(c.ID)
	e.unchanged(c.ID, func() {
		for _, edit := range []func(*store.Append){expected(1), func(*store.Append) {}, func(a *store.Append) { a.Race = true }} {
			_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 1, edit))
			require.ErrorIs(e, err, store.ErrToolOutputsPending)
		}
	})
}

func appendSettles(e *env) {
	c := e.create()
	e.waitForOutputs(c.ID)
	settle := func(a *store.Append) { a.Settles = true }
	_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 1, settle, expected(0)))
	e.requireConflict(err, 0, 1)
	e.say(c.ID, 1, settle, expected(1), func(a *store.Append) { a.Pending = []byte(`["another"]`) })
	require.Equal(e, `["another"]`, string(e.get(c.ID).Pending))
	e.say(c.ID, 1, settle, expected(2))
	require.Nil(e, e.get(c.ID).Pending, "no call waits")
	e.say(c.ID, 1, settle, expected(3))
	require.Equal(e, int64(5), e.say(c.ID, 1).Version)
}

func appendTail(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Preview = "old" })
	e.say(c.ID, 1)
	require.Equal(e, "old", e.get(c.ID).Preview, "an empty preview leaves the old one")
	e.say(c.ID, 1, func(a *store.Append) {
		a.Preview, a.Pending = "new %", []byte(`[ "call" ]`)
		a.Participants = []store.Participant{{UserID: "ann", Name: "Ann", Author: true}, {UserID: "bob", Member: true}}
	})
	row := e.get(c.ID)
	require.Equal(e, "new %", row.Preview)
	require.Equal(e, `[ "call" ]`, string(row.Pending))
	require.Equal(e, []store.Participant{{UserID: "ann", Name: "Ann", Member: true, Author: true}, {UserID: "bob", Member: true}}, row.Participants)
	require.Equal(e, c.Title, row.Title)
	require.Equal(e, uuid.Nil, row.LastRunID)
}

func appendTimes(e *env) {
	c := e.create()
	before := e.clock()
	all := e.say(c.ID, 20).Messages
	for _, m := range all {
		require.Equal(e, all[0].CreatedAt, m.CreatedAt, "equal for messages of one transition")
	}
	e.requireStoreTime(all[0].CreatedAt)
	require.False(e, all[0].CreatedAt.Before(before))
	require.False(e, e.clock().Before(all[0].CreatedAt))
}

func appendIsActivity(e *env) {
	c := e.create()
	e.passed(c.ActivityAt)
	said := e.say(c.ID, 1).Messages[0]
	row := e.get(c.ID)
	require.True(e, row.ActivityAt.After(c.ActivityAt))
	require.False(e, row.ActivityAt.Before(said.CreatedAt))
	require.Equal(e, c.CreatedAt, row.CreatedAt)

	e.passed(row.ActivityAt)
	r := e.start(c.ID)
	started := e.get(c.ID).ActivityAt
	require.True(e, started.After(row.ActivityAt), "the start of a run")
	e.passed(started)
	e.finish(r, 1)
	landed := e.get(c.ID).ActivityAt
	require.True(e, landed.After(started), "messages landing")
	e.passed(landed)
	r = e.start(c.ID)
	again := e.get(c.ID).ActivityAt
	e.passed(again)
	e.finish(r, 0)
	require.Equal(e, again, e.get(c.ID).ActivityAt, "a run that leaves nothing is no activity when it ends")
}

func appendWide(e *env) {
	c := e.create()
	e.say(c.ID, 1, func(a *store.Append) { a.Scope = store.Scope{Tenant: "acme", User: "engine", Wide: true} })
	require.Equal(e, int64(1), e.get(c.ID).Version)
}
