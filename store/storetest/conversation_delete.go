package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var deleting = topic{"Delete", []rule{
	{"L6_EndsEveryRun", deleteEndsRuns},
	{"L6_FencesEveryRun", deleteFences},
	{"L6_IsSoftAndIdempotent", deleteTwice},
	{"L6_RefusesTurns", deleteRefuses},
	{"L6_IsNoActivity", deleteIsNoActivity},
	{"R3_FinishedAttemptStillReplays", deleteKeepsReplay},
	{"NudgesEndReturned", deleteReturnsNudges},
	{"L6_RestoreUndoesIt", restore},
	{"L6_RestoreLeavesRunsEnded", restoreLeavesRuns},
	{"RestoreOfALiveOneChangesNothing", restoreLive},
	{"RestoredFencingNumbersGoOn", restoreFences},
}}

// crowd is a conversation with runs in every situation. The log has one message
// and calls wait for outputs.
type crowd struct {
	c       *store.Conversation
	ended   *store.Run
	active  []*store.Run // running, running beside it, pending
	waiting []*store.Run // queued, queued in front
}

func (e *env) crowd() crowd {
	e.Helper()
	c := e.create()
	ended := e.start(c.ID)
	e.finish(ended, 1)
	running := e.start(c.ID)
	raced := e.start(c.ID, busy(store.BusyRace))
	pending := e.start(c.ID, busy(store.BusyRace), unclaimed)
	queued := e.enqueue(c.ID)
	front := e.start(c.ID, busy(store.BusyInterrupt))
	require.True(e, front.Queued && front.Front)
	return crowd{c, ended, []*store.Run{running, raced, pending}, []*store.Run{queued, front}}
}

func (c crowd) alive() []*store.Run {
	return append(append([]*store.Run(nil), c.active...), c.waiting...)
}

func deleteEndsRuns(e *env) {
	crowd := e.crowd()
	before := e.get(crowd.c.ID)
	require.Equal(e, 3, before.Active)
	require.Equal(e, 2, before.Queued)
	endedBefore := e.getRun(crowd.ended.ID)

	row, ended, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, []byte(`{"why": "deleted"}`))
	require.NoError(e, err)
	var refs []store.RunRef
	for _, r := range crowd.alive() {
		refs = append(refs, r.Ref())
	}
	require.ElementsMatch(e, refs, ended)
	require.Equal(e, row, e.get(crowd.c.ID))
	require.Zero(e, row.Active)
	require.Zero(e, row.Queued)
	require.NotZero(e, row.DeletedAt)
	e.requireStoreTime(row.DeletedAt)
	require.True(e, row.UpdatedAt.After(before.UpdatedAt))
	require.Equal(e, before.LastRunID, row.LastRunID)
	require.Equal(e, store.RunStopped, row.LastRunStatus, "it follows that run's status")
	require.Equal(e, endedBefore, e.getRun(crowd.ended.ID), "terminal is final")
	for _, r := range crowd.alive() {
		e.requireEnded(e.getRun(r.ID), store.RunStopped, `{"why": "deleted"}`)
	}
}

// requireEnded requires the row of a run that ended without stored events, as
// the situations have it.
func (e *env) requireEnded(r *store.Run, status store.RunStatus, result string) {
	e.Helper()
	require.Equal(e, status, r.Status)
	require.Equal(e, result, string(r.Result))
	require.NotZero(e, r.CompletedAt)
	e.requireStoreTime(r.CompletedAt)
	require.False(e, r.Queued, "an ended run does not wait")
	require.Empty(e, r.Owner)
	require.Zero(e, r.LeaseUntil)
	require.Zero(e, r.QueueUntil)
	require.Equal(e, int64(1), r.EventSeq, "the terminal event's number")
}

func deleteFences(e *env) {
	crowd := e.crowd()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, nil)
	require.NoError(e, err)
	e.unchanged(crowd.c.ID, func() {
		for _, r := range crowd.active {
			e.requireFenced(r)
		}
		require.Empty(e, e.claimAll(long))
	})
}

// requireFenced requires that the attempt can write nothing at all.
func (e *env) requireFenced(r *store.Run) {
	e.Helper()
	e.requireKeyFenced(r.RunKey())
}

func (e *env) requireKeyFenced(key store.RunKey) {
	e.Helper()
	row := store.Run{Tenant: key.Tenant, ConversationID: key.ConversationID, ID: key.RunID, Fence: key.Fence}
	for _, n := range []int{0, 1} {
		_, err := e.store.FinishRun(e.ctx, newFinish(&row, n))
		require.ErrorIs(e, err, store.ErrFenced, "finish with %d messages", n)
	}
	renewed, err := e.store.Renew(e.ctx, store.Lease{Owner: "engine", Duration: long}, []store.RunKey{key})
	require.NoError(e, err)
	require.Equal(e, []store.Renewal{{Key: key}}, renewed)
	require.NoError(e, e.store.Release(e.ctx, []store.RunKey{key}))
	_, err = e.store.TakeNudges(e.ctx, key)
	require.ErrorIs(e, err, store.ErrFenced, "take nudges")
	errs, err := e.store.AppendEvents(e.ctx, []store.EventAppend{{Key: key, EventPack: store.EventPack{First: 1, Last: 1, Body: []byte("x")}}})
	require.NoError(e, err)
	require.Len(e, errs, 1)
	require.ErrorIs(e, errs[0], store.ErrFenced, "append events")
}

func deleteTwice(e *env) {
	crowd := e.crowd()
	first, _, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, []byte(`1`))
	require.NoError(e, err)
	e.unchanged(crowd.c.ID, func() {
		again, ended, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, []byte(`2`))
		require.NoError(e, err)
		require.Empty(e, ended)
		require.Equal(e, first, again)
	})
}

func deleteRefuses(e *env) {
	c := e.create()
	said := e.newAppend(c.ID, 1)
	_, err := e.store.Append(e.ctx, said)
	require.NoError(e, err)
	started := e.newStart(c.ID, func(s *store.StartRun) { s.Key = "k" })
	_, err = e.store.StartRun(e.ctx, started)
	require.NoError(e, err)
	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	e.unchanged(c.ID, func() {
		_, err := e.store.Append(e.ctx, e.newAppend(c.ID, 1))
		require.ErrorIs(e, err, store.ErrDeleted)
		_, err = e.store.Append(e.ctx, said)
		require.ErrorIs(e, err, store.ErrDeleted, "deleted is checked before replay")
		for _, policy := range []store.Busy{store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyInterrupt} {
			_, err = e.store.StartRun(e.ctx, e.newStart(c.ID, busy(policy)))
			require.ErrorIs(e, err, store.ErrDeleted)
		}
		_, err = e.store.StartRun(e.ctx, started)
		require.ErrorIs(e, err, store.ErrDeleted, "deleted is checked before replay")
	})
}

func deleteIsNoActivity(e *env) {
	c := e.create()
	e.passed(c.ActivityAt)
	row, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	require.Equal(e, c.ActivityAt, row.ActivityAt)
	row, err = e.store.RestoreConversation(e.ctx, e.scope, c.ID)
	require.NoError(e, err)
	require.Equal(e, c.ActivityAt, row.ActivityAt)
}

func deleteKeepsReplay(e *env) {
	c := e.create()
	r := e.start(c.ID)
	f := newFinish(r, 2)
	first, err := e.store.FinishRun(e.ctx, f)
	require.NoError(e, err)
	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	again, err := e.store.FinishRun(e.ctx, f)
	require.NoError(e, err)
	require.True(e, again.Replayed)
	require.Equal(e, first.Run, again.Run)
	require.Equal(e, first.Messages, again.Messages)
}

func deleteReturnsNudges(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.nudge(r, "taken")
	_, err := e.store.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	e.nudge(r, "waiting")
	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	e.requireNudges(r.ID, "taken returned", "waiting returned")
}

func restore(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	deleted, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	row, err := e.store.RestoreConversation(e.ctx, e.scope, c.ID)
	require.NoError(e, err)
	require.Zero(e, row.DeletedAt)
	require.True(e, row.UpdatedAt.After(deleted.UpdatedAt))
	require.Equal(e, row, e.get(c.ID))
	list, err := e.store.ListConversations(e.ctx, e.scope, &store.ListQuery{Sort: store.SortRecent, Limit: 5})
	require.NoError(e, err)
	require.Len(e, list.Conversations, 1)
	e.say(c.ID, 1, expected(2))
	e.start(c.ID)
}

func restoreLeavesRuns(e *env) {
	crowd := e.crowd()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, nil)
	require.NoError(e, err)
	runs := e.picture(crowd.c.ID).Runs
	_, err = e.store.RestoreConversation(e.ctx, e.scope, crowd.c.ID)
	require.NoError(e, err)
	e.unchanged(crowd.c.ID, func() {
		require.Equal(e, runs, e.picture(crowd.c.ID).Runs)
		require.Empty(e, e.claimAll(long))
		for _, r := range crowd.active {
			e.requireFenced(r)
		}
	})
}

func restoreLive(e *env) {
	crowd := e.crowd()
	before := e.get(crowd.c.ID)
	e.unchanged(crowd.c.ID, func() {
		row, err := e.store.RestoreConversation(e.ctx, e.scope, crowd.c.ID)
		require.NoError(e, err)
		require.Equal(e, before, row)
	})
}

func restoreFences(e *env) {
	crowd := e.crowd()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, nil)
	require.NoError(e, err)
	_, err = e.store.RestoreConversation(e.ctx, e.scope, crowd.c.ID)
	require.NoError(e, err)
	fresh := e.start(crowd.c.ID)
	for _, old := range crowd.active {
		require.Greater(e, fresh.Fence, old.Fence, "a number is never used twice")
	}
	require.NotEqual(e, uuid.Nil, fresh.ID)
	for _, old := range crowd.active {
		e.requireFenced(old)
	}
	e.finish(fresh, 1)
}
