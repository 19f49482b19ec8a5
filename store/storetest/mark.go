package storetest

import (
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var marking = topic{"Marks", []rule{
	{"OfAConversation", markConversation},
	{"OfARun", markRun},
	{"MissingAndForeign", markMissing},
	{"InTheOrderGiven", markOrder},
	{"ShowEveryChange", markChanges},
}}

func (e *env) marks(refs ...store.WatchRef) []store.Mark {
	e.Helper()
	marks, err := e.other.Marks(e.ctx, refs)
	require.NoError(e, err)
	require.Len(e, marks, len(refs))
	return marks
}

func watch(c *store.Conversation) store.WatchRef {
	return store.WatchRef{Tenant: c.Tenant, ConversationID: c.ID}
}

func watchRun(r *store.Run) store.WatchRef {
	return store.WatchRef{Tenant: r.Tenant, ConversationID: r.ConversationID, RunID: r.ID}
}

func markConversation(e *env) {
	c := e.create()
	e.say(c.ID, 3)
	row := e.get(c.ID)
	mark := e.marks(watch(c))[0]
	require.Equal(e, watch(c), mark.Ref)
	require.False(e, mark.Missing)
	require.Equal(e, int64(3), mark.Version)
	require.Equal(e, row.UpdatedAt, mark.UpdatedAt)
	e.requireStoreTime(mark.UpdatedAt)

	deleted, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	mark = e.marks(watch(c))[0]
	require.False(e, mark.Missing, "a deleted one is still there")
	require.Equal(e, deleted.UpdatedAt, mark.UpdatedAt)
}

func markRun(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.someEvents(r)
	e.nudge(r, "a")
	e.nudge(r, "b")
	check := func(nudges int) {
		e.Helper()
		row, mark := e.getRun(r.ID), e.marks(watchRun(r))[0]
		require.Equal(e, watchRun(r), mark.Ref)
		require.False(e, mark.Missing)
		require.Equal(e, row.Status, mark.Status)
		require.Equal(e, row.Fence, mark.Fence)
		require.Equal(e, row.EventSeq, mark.EventSeq)
		require.Equal(e, row.StopRequested, mark.StopRequested)
		require.Equal(e, nudges, mark.Nudges, "nudges that wait to be taken")
	}
	check(2)
	_, err := e.store.TakeNudges(e.ctx, r.RunKey())
	require.NoError(e, err)
	check(0)
	e.nudge(r, "c")
	e.stop(r.ID)
	check(1)
	e.finish(r, 1)
	check(0)

	pending := e.start(c.ID, unclaimed)
	queued := e.enqueue(c.ID)
	marks := e.marks(watchRun(queued), watchRun(pending))
	require.Equal(e, []store.RunStatus{store.RunPending, store.RunPending}, []store.RunStatus{marks[0].Status, marks[1].Status})
	require.Zero(e, marks[0].Fence)
	require.Positive(e, marks[1].Fence)
}

func markMissing(e *env) {
	c := e.create()
	r := e.start(c.ID)
	refs := []store.WatchRef{
		{Tenant: "acme", ConversationID: newID()},
		{Tenant: "globex", ConversationID: c.ID},
		{Tenant: "acme", ConversationID: c.ID, RunID: newID()},
		{Tenant: "globex", ConversationID: c.ID, RunID: r.ID},
	}
	for i, mark := range e.marks(refs...) {
		require.Equal(e, store.Mark{Ref: refs[i], Missing: true}, mark)
	}
}

func markOrder(e *env) {
	require.Empty(e, e.marks())
	var refs []store.WatchRef
	for i := range 10 {
		c := e.create()
		refs = append([]store.WatchRef{watch(c), {Tenant: "acme", ConversationID: newID()}}, refs...)
		if i%2 == 0 {
			refs = append(refs, watchRun(e.start(c.ID)), watch(c))
		}
	}
	for i, mark := range e.marks(refs...) {
		require.Equal(e, refs[i], mark.Ref)
		require.Equal(e, i%2 == 1 && i < 20, mark.Missing)
	}
}

// A reader that compares marks misses no change.
func markChanges(e *env) {
	c := e.create()
	var r *store.Run
	for i, change := range []func(){
		func() { e.say(c.ID, 1) },
		func() { e.update(c, title("t")) },
		func() { r = e.start(c.ID, unclaimed) },
		func() { r = &e.claim(r.ID, long).Run },
		func() { e.enqueue(c.ID) },
		func() { e.finish(r, 1) },
		func() { r = &e.claimAll(long)[0].Run },
		func() { e.release(r.RunKey()) },
		func() { e.stop(r.ID) },
		func() {
			_, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
			require.NoError(e, err)
		},
		func() {
			_, err := e.store.RestoreConversation(e.ctx, e.scope, c.ID)
			require.NoError(e, err)
		},
	} {
		before := e.marks(watch(c))[0]
		change()
		require.True(e, e.marks(watch(c))[0].UpdatedAt.After(before.UpdatedAt), "change %d", i)
	}
}
