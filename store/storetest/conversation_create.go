package storetest

import (
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var creating = topic{"Create", []rule{
	{"KeepsWhatItIsGiven", createKeepsEverything},
	{"V1_StartsAtVersionZero", createStartsEmpty},
	{"SetsTheRestItself", createSetsTheRest},
	{"OwnerIsFirstMember", createOwnerIsFirst},
	{"DirectoryMergesDoubles", createMergesDoubles},
	{"RepeatReturnsTheStoredRow", createRepeats},
	{"RepeatReturnsTheRowAsItIsNow", createRepeatsAfterChange},
	{"TakenIDIsErrExists", createTakenID},
	{"TimesAreUTCMicroseconds", createTimes},
}}

func createKeepsEverything(e *env) {
	n := e.newConversation(func(n *store.NewConversation) {
		n.AgentID, n.AgentName, n.Agent = "agent-1", "Ägent % _ \\", []byte(`{ "slug" : "a" }`)
		n.Title, n.TitleCustom = "A title", true
		n.Mode, n.Channel, n.Surface, n.Preview = "fast", "slack", "dm", "the newest text"
		n.Defaults, n.Metadata = []byte("{\"z\":1,\n \"a\":2}"), []byte(`{"k": "v"}`)
		n.ParentID, n.ParentVersion = newID(), 7
		n.Pending = []byte(`[{"id": "call-1"}]`)
		n.Participants = []store.Participant{{UserID: "bob", Name: "Bob", AvatarURL: "https://pic/bob", Member: true, Author: true}}
	})
	c, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)

	want := n.Conversation
	want.Version = 0
	want.Participants = []store.Participant{{UserID: "ann", Member: true}, n.Participants[0]}
	want.CreatedAt, want.UpdatedAt, want.ActivityAt = c.CreatedAt, c.UpdatedAt, c.ActivityAt
	require.Equal(e, want, *c)
	require.Equal(e, c, e.get(n.ID), "what was returned is what is stored")
}

func createStartsEmpty(e *env) {
	c := e.create(func(n *store.NewConversation) { n.ParentID, n.ParentVersion = newID(), 3 })
	require.Zero(e, c.Version, "without Copy the log is empty, whatever the parent")
	page, err := e.store.Messages(e.ctx, e.scope, c.ID, &store.MessageQuery{Limit: 10})
	require.NoError(e, err)
	require.Zero(e, page.Version)
	require.Empty(e, page.Messages)
	require.Nil(e, c.Agent)
	require.Nil(e, c.Pending)
	require.Equal(e, uuid.Nil, c.LastRunID)
	require.Equal(e, store.RunStatus(""), c.LastRunStatus)
	require.Zero(e, c.DeletedAt)
}

func createSetsTheRest(e *env) {
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	c := e.create(func(n *store.NewConversation) {
		n.Version, n.LastRunID, n.LastRunStatus, n.Active, n.Queued = 9, newID(), store.RunFailed, 3, 4
		n.CreatedAt, n.UpdatedAt, n.ActivityAt, n.DeletedAt = old, old, old, old
	})
	require.Zero(e, c.Version)
	require.Equal(e, uuid.Nil, c.LastRunID)
	require.Empty(e, c.LastRunStatus)
	require.Zero(e, c.Active)
	require.Zero(e, c.Queued)
	require.Zero(e, c.DeletedAt)
	for _, at := range []time.Time{c.CreatedAt, c.UpdatedAt, c.ActivityAt} {
		require.True(e, at.After(old), "times come from the store's clock, not from the caller")
	}
}

func createOwnerIsFirst(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{
			{UserID: "zoe", Name: "Zoe", Author: true},
			{UserID: "ann", Name: "Ann", AvatarURL: "https://pic/ann", Author: true},
			{UserID: "bob", Member: true},
		}
	})
	require.Equal(e, []store.Participant{
		{UserID: "ann", Name: "Ann", AvatarURL: "https://pic/ann", Member: true, Author: true},
		{UserID: "zoe", Name: "Zoe", Author: true},
		{UserID: "bob", Member: true},
	}, c.Participants, "the owner first and always a member, the others as they came")
	require.Equal(e, c.Participants, e.get(c.ID).Participants)
}

func createMergesDoubles(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{
			{UserID: "bob", Name: "Bob", Author: true},
			{UserID: "cat"},
			{UserID: "bob", AvatarURL: "https://pic/bob", Member: true},
			{UserID: "bob", Name: "Robert"},
		}
	})
	require.Equal(e, []store.Participant{
		{UserID: "ann", Member: true},
		{UserID: "bob", Name: "Robert", AvatarURL: "https://pic/bob", Member: true, Author: true},
		{UserID: "cat"},
	}, c.Participants)
}

func createRepeats(e *env) {
	n := e.newConversation(func(n *store.NewConversation) { n.Title = "first" })
	first, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)

	again, err := e.other.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	require.Equal(e, first, again)

	other := *n
	other.Title, other.Mode = "second", "fast"
	e.unchanged(n.ID, func() {
		again, err = e.store.CreateConversation(e.ctx, &other)
		require.NoError(e, err)
		require.Equal(e, first, again, "the stored row, not what the repeat says")
	})
}

func createRepeatsAfterChange(e *env) {
	n := e.newConversation()
	_, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	e.say(n.ID, 2)
	e.start(n.ID)
	now := e.get(n.ID)
	again, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	require.Equal(e, now, again)
	require.Equal(e, int64(2), again.Version)
}

func createTakenID(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "bob", Member: true}}
	})
	for name, take := range map[string]func(*store.NewConversation){
		"another owner, even a member": func(n *store.NewConversation) { n.Owner = "bob" },
		"another tenant":               func(n *store.NewConversation) { n.Tenant = "globex" },
	} {
		e.unchanged(c.ID, func() {
			_, err := e.store.CreateConversation(e.ctx, e.newConversation(func(n *store.NewConversation) { n.ID = c.ID }, take))
			require.ErrorIs(e, err, store.ErrExists, name)
		})
	}
	_, err := e.store.GetConversation(e.ctx, store.Scope{Tenant: "globex", User: "ann"}, c.ID)
	require.ErrorIs(e, err, store.ErrNotFound, "the refused one was not written")
}

func createTimes(e *env) {
	before := e.clock()
	c := e.create()
	after := e.clock()
	require.Equal(e, c.CreatedAt, c.ActivityAt, "the first activity is the creation")
	require.False(e, c.UpdatedAt.Before(c.CreatedAt))
	require.False(e, c.CreatedAt.Before(before), "one clock for all")
	require.False(e, after.Before(c.CreatedAt))
	for _, at := range []time.Time{c.CreatedAt, c.UpdatedAt, c.ActivityAt} {
		e.requireStoreTime(at)
	}
}

// requireStoreTime requires the form that the contract gives to times.
func (e *env) requireStoreTime(at time.Time) {
	e.Helper()
	require.Equal(e, time.UTC, at.Location())
	require.Equal(e, at.Truncate(time.Microsecond), at, "truncated to microseconds")
}
