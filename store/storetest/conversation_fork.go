package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var forking = topic{"Fork", []rule{
	{"L5_CopiesTheLogUpToTheVersion", forkCopies},
	{"L5_ParentStaysUntouched", forkLeavesParent},
	{"L5_AtVersionZeroIsEmpty", forkAtZero},
	{"A2_SourceOutOfScopeIsNotFound", forkForeign},
	{"BeyondTheHeadIsAVersionConflict", forkBeyondHead},
	{"DeletedSourceIsStillShown", forkDeleted},
	{"OutlivesItsSource", forkOutlivesSource},
	{"IDsAreThoseOfTheSourceButItsOwn", forkIDsAreIndependent},
	{"RepeatNeedsNoSource", forkRepeats},
}}

// fork is a copy of the conversation at the version.
func (e *env) fork(c *store.Conversation, version int64) *store.NewConversation {
	return e.newConversation(func(n *store.NewConversation) {
		n.ParentID, n.ParentVersion, n.Copy = c.ID, version, &e.scope
	})
}

func (e *env) log(id uuid.UUID) []store.Message {
	e.Helper()
	return e.picture(id).Messages
}

func forkCopies(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.finish(r, 2, func(f *store.FinishRun) {
		f.Messages[0].Author = []byte(`{ "user":"ann" }`)
		f.Messages[1].Incomplete = true
		f.Messages[1].Parts = []byte("[ {\"b\":1,\n\"a\":\"\\u0000\"} ]")
	})
	e.say(c.ID, 2)

	n := e.fork(c, 3)
	n.Owner, n.Copy = "bob", &store.Scope{Tenant: "acme", User: "ann"}
	n.Pending, n.Preview = []byte(`["open"]`), "so far"
	forked, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	require.Equal(e, int64(3), forked.Version)
	require.Equal(e, int64(3), forked.ParentVersion)
	require.Equal(e, c.ID, forked.ParentID)
	require.Equal(e, n.Pending, forked.Pending)
	require.Equal(e, "so far", forked.Preview)
	require.Equal(e, e.log(c.ID)[:3], e.log(n.ID), "numbers, ids, run ids, bytes and times")
	require.Empty(e, e.picture(n.ID).Runs, "runs are not copied")
	require.Equal(e, uuid.Nil, forked.LastRunID)

	result, err := e.store.Append(e.ctx, &store.Append{
		Scope: store.Scope{Tenant: "acme", User: "bob"}, ConversationID: n.ID, Expected: ptr(int64(3)),
		Settles: true, Tail: store.Tail{Messages: messages(1)},
	})
	require.NoError(e, err)
	require.Equal(e, int64(4), result.Version, "the copy goes on by itself")
}

func forkLeavesParent(e *env) {
	c := e.create()
	e.say(c.ID, 3)
	e.unchanged(c.ID, func() {
		forked, err := e.store.CreateConversation(e.ctx, e.fork(c, 2))
		require.NoError(e, err)
		e.say(forked.ID, 5)
	})
}

func forkAtZero(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	forked, err := e.store.CreateConversation(e.ctx, e.fork(c, 0))
	require.NoError(e, err)
	require.Zero(e, forked.Version)
	require.Empty(e, e.log(forked.ID))
}

func forkForeign(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	for name, look := range map[string]store.Scope{
		"another user":   {Tenant: "acme", User: "eve"},
		"another tenant": {Tenant: "globex", User: "ann", Wide: true},
	} {
		n := e.fork(c, 1)
		n.Copy = &look
		_, err := e.store.CreateConversation(e.ctx, n)
		require.ErrorIs(e, err, store.ErrNotFound, name)
		require.True(e, e.picture(n.ID).Missing, "nothing is written")
	}
	n := e.fork(c, 1)
	n.ParentID = newID()
	_, err := e.store.CreateConversation(e.ctx, n)
	require.ErrorIs(e, err, store.ErrNotFound, "absent")
}

func forkBeyondHead(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	n := e.fork(c, 3)
	_, err := e.store.CreateConversation(e.ctx, n)
	e.requireConflict(err, 3, 2)
	require.True(e, e.picture(n.ID).Missing, "nothing is written")

	_, err = e.store.CreateConversation(e.ctx, e.fork(c, 2))
	require.NoError(e, err, "the head itself is not beyond it")
}

func forkDeleted(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	forked, err := e.store.CreateConversation(e.ctx, e.fork(c, 2))
	require.NoError(e, err)
	require.Equal(e, int64(2), forked.Version)
}

func forkOutlivesSource(e *env) {
	c := e.create()
	e.say(c.ID, 3)
	n := e.fork(c, 3)
	_, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	e.unchanged(n.ID, func() {
		counts, err := e.store.Purge(e.ctx, store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
		require.NoError(e, err)
		require.Equal(e, store.PurgeCounts{Conversations: 1, Messages: 3}, counts)
	})
}

func forkIDsAreIndependent(e *env) {
	c := e.create()
	source := e.say(c.ID, 3).Messages
	forked, err := e.store.CreateConversation(e.ctx, e.fork(c, 2))
	require.NoError(e, err)

	third := store.Message{ID: source[2].ID, Role: "user", Parts: []byte(`["mine"]`)}
	result := e.say(forked.ID, 1, func(a *store.Append) { a.Messages = []store.Message{third} })
	require.False(e, result.Replayed, "the id is in the source's log, not in this one")
	require.Equal(e, int64(3), result.Version)
	require.Equal(e, source, e.log(c.ID))
}

func forkRepeats(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	n := e.fork(c, 2)
	first, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	_, err = e.store.Purge(e.ctx, store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
	require.NoError(e, err)
	again, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	require.Equal(e, first, again)
}
