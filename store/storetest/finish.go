package storetest

import (
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var finishing = topic{"Finish", []rule{
	{"R1_EveryTerminalStatus", finishEnds},
	{"V3_LandsWithItsMessages", finishLands},
	{"V3_WithoutMessagesTheLogStays", finishEmpty},
	{"V4_OfSeveralExactlyOneLands", finishConflict},
	{"V4_AfterAConflictTheAttemptIsStillHeld", finishAfterConflict},
	{"V7_SameAttemptReplays", finishReplays},
	{"V7_OnlyTheAttemptThatEndedIt", finishReplaysOnlyIts},
	{"V8_VoidNumberIsFenced", finishFenced},
	{"V8_FencedBeforeConflict", finishFencedFirst},
	{"V8_KeyOfSomethingElseIsFenced", finishWrongKey},
	{"S1_EventsThatContinueAreKept", finishEvents},
	{"S1_EventsThatDoNotContinueAreDropped", finishEventsDropped},
	{"L1_AnswersWithTheTitle", finishTitle},
	{"NudgesEndWithTheRun", finishNudges},
	{"TailIsLeftBehind", finishTail},
}}

func finishEnds(e *env) {
	for _, status := range []store.RunStatus{
		store.RunCompleted, store.RunRequiresAction, store.RunFailed, store.RunStopped, store.RunTimedOut,
	} {
		for _, n := range []int{0, 2} {
			c := e.create()
			r := e.start(c.ID, keyed("k"))
			before := e.get(c.ID)
			result := e.finish(r, n, func(f *store.FinishRun) { f.Status, f.Result = status, []byte(`{ "r": 1 }`) })
			require.False(e, result.Replayed)
			require.Nil(e, result.Promoted)
			e.requireEnded(&result.Run, status, `{ "r": 1 }`)
			require.Equal(e, int64(n), result.Run.Version, "the head after it appended, 0 when it appended nothing")
			require.Equal(e, result.Run, *e.getRun(r.ID))
			want := *r
			want.Status, want.Result, want.Version, want.EventSeq = status, result.Run.Result, int64(n), 1
			want.Owner, want.LeaseUntil, want.CompletedAt = "", result.Run.LeaseUntil, result.Run.CompletedAt
			require.Equal(e, want, result.Run, "nothing else changes")
			row := e.get(c.ID)
			require.Equal(e, status, row.LastRunStatus)
			require.Zero(e, row.Active)
			require.True(e, row.UpdatedAt.After(before.UpdatedAt))
			require.Empty(e, e.claimAll(long))
		}
	}
}

func finishLands(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	r := e.start(c.ID)
	f := newFinish(r, 3)
	result, err := e.store.FinishRun(e.ctx, f)
	require.NoError(e, err)
	require.Equal(e, sequence(3, 5), seqs(result.Messages))
	require.Equal(e, ids(f.Messages), ids(result.Messages))
	for _, m := range result.Messages {
		require.Equal(e, r.ID, m.RunID)
		require.Equal(e, result.Messages[0].CreatedAt, m.CreatedAt)
	}
	require.Equal(e, result.Messages, e.read(c, store.MessageQuery{After: 2, Limit: 10}).Messages)
	require.Equal(e, int64(5), e.get(c.ID).Version)
	require.Equal(e, int64(5), result.Run.Version)
}

func finishEmpty(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Preview = "old" })
	e.waitForOutputs(c.ID)
	r := e.start(c.ID, settling)
	log, before := e.log(c.ID), e.get(c.ID)
	result := e.finish(r, 0, func(f *store.FinishRun) {
		f.Status, f.Preview, f.Pending = store.RunFailed, "new", []byte(`["other"]`)
	})
	require.Empty(e, result.Messages)
	require.Zero(e, result.Run.Version)
	row := e.get(c.ID)
	require.Equal(e, log, e.log(c.ID))
	require.Equal(e, before.Pending, row.Pending)
	require.Equal(e, "old", row.Preview)
	require.Equal(e, before.Version, row.Version)

	raced := e.start(c.ID, settling)
	e.say(c.ID, 1, expected(1), func(a *store.Append) { a.Race, a.Settles = true, true })
	e.finish(raced, 0)
	require.Equal(e, int64(2), e.get(c.ID).Version, "whatever the head is")
}

func finishConflict(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	a, b := e.start(c.ID), e.start(c.ID, busy(store.BusyRace))
	e.finish(b, 2)
	e.unchanged(c.ID, func() {
		_, err := e.other.FinishRun(e.ctx, newFinish(a, 2, func(f *store.FinishRun) {
			f.Events = &store.EventPack{First: 1, Last: 3, Body: []byte("e")}
			f.Participants, f.Preview = []store.Participant{{UserID: "bob"}}, "new"
		}))
		e.requireConflict(err, 1, 3)
	})
}

func finishAfterConflict(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.nudge(r, "n")
	e.say(c.ID, 1, func(a *store.Append) { a.Race = true })
	_, err := e.store.FinishRun(e.ctx, newFinish(r, 1))
	e.requireConflict(err, 0, 1)
	e.requireHeld(r)
	e.packs(r, store.EventPack{First: 1, Last: 2})
	result := e.finish(r, 0, func(f *store.FinishRun) { f.Status = store.RunFailed })
	require.False(e, result.Replayed)
	require.Equal(e, store.RunFailed, result.Run.Status)
	e.requireNudges(r.ID, "n returned")
}

// requireHeld requires that the attempt's number is good.
func (e *env) requireHeld(r *store.Run) {
	e.Helper()
	renewed, err := e.store.Renew(e.ctx, store.Lease{Owner: r.Owner, Duration: long}, []store.RunKey{r.RunKey()})
	require.NoError(e, err)
	require.Len(e, renewed, 1)
	require.Equal(e, r.RunKey(), renewed[0].Key)
	require.True(e, renewed[0].Held)
}

func (e *env) requireFinishReplay(f *store.FinishRun, first *store.FinishResult) {
	e.Helper()
	again, err := e.other.FinishRun(e.ctx, f)
	require.NoError(e, err)
	require.True(e, again.Replayed)
	require.Equal(e, first.Run, again.Run)
	require.Equal(e, first.Messages, again.Messages)
}

func finishReplays(e *env) {
	for _, n := range []int{0, 3} {
		c := e.create()
		e.say(c.ID, 1)
		r := e.start(c.ID)
		queued := e.enqueue(c.ID)
		f := newFinish(r, n, func(f *store.FinishRun) { f.Events = &store.EventPack{First: 1, Last: 2, Body: []byte("e")} })
		first, err := e.store.FinishRun(e.ctx, f)
		require.NoError(e, err)
		e.unchanged(c.ID, func() { e.requireFinishReplay(f, first) })

		other := newFinish(r, 5, func(f *store.FinishRun) { f.Status, f.Result = store.RunFailed, []byte(`"other"`) })
		e.unchanged(c.ID, func() { e.requireFinishReplay(other, first) })

		next := &e.claim(queued.ID, long).Run
		e.finish(next, 2)
		e.say(c.ID, 2)
		e.update(c, title("renamed"))
		e.unchanged(c.ID, func() { e.requireFinishReplay(f, first) })
	}
}

func finishReplaysOnlyIts(e *env) {
	c := e.create()
	old := e.start(c.ID, leased(brief))
	claimed := e.claim(old.ID, long)
	e.finish(&claimed.Run, 1)
	future := claimed.Run
	future.Fence++
	e.unchanged(c.ID, func() {
		e.requireFenced(old)
		e.requireFenced(&future)
	})

	stopped := e.start(c.ID, unclaimed)
	_, err := e.store.RequestStop(e.ctx, &store.StopRun{Scope: e.scope, RunID: stopped.ID})
	require.NoError(e, err)
	deleted := e.start(c.ID)
	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	e.unchanged(c.ID, func() {
		e.requireFenced(stopped)
		e.requireFenced(deleted)
	})
}

func finishFenced(e *env) {
	c := e.create()
	replaced := e.start(c.ID, leased(brief))
	claimed := e.claim(replaced.ID, long)
	e.unchanged(c.ID, func() { e.requireFenced(replaced) })
	require.NoError(e, e.store.Release(e.ctx, []store.RunKey{claimed.Run.RunKey()}))
	e.unchanged(c.ID, func() {
		e.requireFenced(replaced)
		e.requireFenced(&claimed.Run)
	})
	again := e.claim(replaced.ID, long)
	e.unchanged(c.ID, func() {
		e.requireFenced(replaced)
		e.requireFenced(&claimed.Run)
	})
	e.finish(&again.Run, 1)
	e.unchanged(c.ID, func() {
		e.requireFenced(replaced)
		e.requireFenced(&claimed.Run)
	})
	require.Equal(e, int64(1), e.get(c.ID).Version)
}

func finishFencedFirst(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	e.claim(r.ID, long)
	e.say(c.ID, 1, func(a *store.Append) { a.Race = true })
	_, err := e.store.FinishRun(e.ctx, newFinish(r, 1))
	require.ErrorIs(e, err, store.ErrFenced, "the number is checked before the version")
	require.NotErrorIs(e, err, store.ErrVersionConflict)
}

func finishWrongKey(e *env) {
	c, other := e.create(), e.create()
	r, elsewhere := e.start(c.ID), e.start(other.ID)
	good := r.RunKey()
	for name, spoil := range map[string]func(*store.RunKey){
		"tenant":       func(k *store.RunKey) { k.Tenant = "globex" },
		"conversation": func(k *store.RunKey) { k.ConversationID = other.ID },
		"run":          func(k *store.RunKey) { k.RunID = elsewhere.ID },
		"absent run":   func(k *store.RunKey) { k.RunID = newID() },
		"number above": func(k *store.RunKey) { k.Fence++ },
		"number below": func(k *store.RunKey) { k.Fence-- },
		"number zero":  func(k *store.RunKey) { k.Fence = 0 },
	} {
		key := good
		spoil(&key)
		e.unchanged(other.ID, func() {
			e.unchanged(c.ID, func() { e.requireKeyFenced(key) })
		})
		require.False(e, e.Failed(), name)
	}
	e.requireHeld(r)
	e.finish(r, 1)
}

func finishEvents(e *env) {
	c := e.create()
	r := e.start(c.ID)
	result := e.finish(r, 1, func(f *store.FinishRun) { f.Events = &store.EventPack{First: 1, Last: 5, Body: []byte("one")} })
	require.Equal(e, int64(6), result.Run.EventSeq, "the terminal event has the next number and no row")
	e.requirePacks(r.ID, store.EventPack{First: 1, Last: 5, Body: []byte("one")})

	r = e.start(c.ID)
	e.packs(r, store.EventPack{First: 1, Last: 3, Body: []byte("a")})
	result = e.finish(r, 0, func(f *store.FinishRun) { f.Events = &store.EventPack{First: 4, Last: 4, Body: []byte("b")} })
	require.Equal(e, int64(5), result.Run.EventSeq)
	e.requirePacks(r.ID, store.EventPack{First: 1, Last: 3, Body: []byte("a")}, store.EventPack{First: 4, Last: 4, Body: []byte("b")})

	r = e.start(c.ID)
	e.packs(r, store.EventPack{First: 1, Last: 3, Body: []byte("a")})
	require.Equal(e, int64(4), e.finish(r, 1).Run.EventSeq)
}

func finishEventsDropped(e *env) {
	for _, p := range []store.EventPack{{First: 1, Last: 2}, {First: 1, Last: 9}, {First: 3, Last: 4}, {First: 5, Last: 8}, {First: 100, Last: 100}} {
		c := e.create()
		r := e.start(c.ID)
		kept := store.EventPack{First: 1, Last: 3, Body: []byte("kept")}
		e.packs(r, kept)
		p.Body = []byte("dropped")
		result := e.finish(r, 1, func(f *store.FinishRun) { f.Events = &p })
		require.Equal(e, int64(4), result.Run.EventSeq, "%d to %d", p.First, p.Last)
		require.Equal(e, store.RunCompleted, result.Run.Status, "the run ends all the same")
		e.requirePacks(r.ID, kept)
	}
}

func finishTitle(e *env) {
	c := e.create()
	result := e.finish(e.start(c.ID), 1)
	require.Empty(e, result.Title)
	require.False(e, result.TitleCustom)
	e.update(c, derived("derived"))
	result = e.finish(e.start(c.ID), 1)
	require.Equal(e, "derived", result.Title)
	require.False(e, result.TitleCustom)
	e.update(c, title("custom"))
	result = e.finish(e.start(c.ID), 0)
	require.Equal(e, "custom", result.Title)
	require.True(e, result.TitleCustom)
}

func finishNudges(e *env) {
	for n, want := range [][]string{
		{"one returned", "two returned", "three returned"},
		{"one applied", "two applied", "three returned"},
	} {
		c := e.create()
		r := e.start(c.ID)
		e.nudge(r, "one")
		e.nudge(r, "two")
		_, err := e.store.TakeNudges(e.ctx, r.RunKey())
		require.NoError(e, err)
		e.nudge(r, "three")
		e.finish(r, n)
		e.requireNudges(r.ID, want...)
	}
}

func finishTail(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Preview = "old" })
	e.finish(e.start(c.ID), 1, func(f *store.FinishRun) {
		f.Status, f.Pending = store.RunRequiresAction, []byte(`[ "call" ]`)
		f.Participants = []store.Participant{{UserID: "ann", Author: true}, {UserID: "bot", Name: "Bot"}}
	})
	row := e.get(c.ID)
	require.Equal(e, `[ "call" ]`, string(row.Pending))
	require.Equal(e, "old", row.Preview)
	require.Equal(e, []store.Participant{{UserID: "ann", Member: true, Author: true}, {UserID: "bot", Name: "Bot"}}, row.Participants)
	e.finish(e.start(c.ID, settling), 1, func(f *store.FinishRun) { f.Preview = "new" })
	row = e.get(c.ID)
	require.Nil(e, row.Pending)
	require.Equal(e, "new", row.Preview)
}
