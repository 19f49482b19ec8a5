package storetest

import (
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var looking = topic{"Get", []rule{
	{"A2_MembersSeeIt", getAsMember},
	{"A2_AuthorsAndMentionedDoNot", getAsListed},
	{"A4_WideSeesTheTenantOnly", getWide},
	{"L6_DeletedOnesToo", getDeleted},
	{"RowsStayAsTheyWereReturned", getRowsStay},
}}

func getAsMember(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "bob", Member: true}}
	})
	for _, user := range []string{"ann", "bob"} {
		got, err := e.store.GetConversation(e.ctx, store.Scope{Tenant: "acme", User: user}, c.ID)
		require.NoError(e, err)
		require.Equal(e, c, got)
	}
}

func getAsListed(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "bob", Author: true}, {UserID: "cat", Name: "Cat"}}
	})
	for _, user := range []string{"bob", "cat", "eve", "", "ANN", "ann ", "%", "an_"} {
		_, err := e.store.GetConversation(e.ctx, store.Scope{Tenant: "acme", User: user}, c.ID)
		require.ErrorIs(e, err, store.ErrNotFound, "user %q is no member", user)
	}
}

func getWide(e *env) {
	c := e.create()
	got, err := e.store.GetConversation(e.ctx, store.Scope{Tenant: "acme", User: "admin", Wide: true}, c.ID)
	require.NoError(e, err)
	require.Equal(e, c, got)
	_, err = e.store.GetConversation(e.ctx, store.Scope{Tenant: "globex", User: "ann", Wide: true}, c.ID)
	require.ErrorIs(e, err, store.ErrNotFound, "wide is as wide as the tenant")
}

func getDeleted(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	deleted, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	require.NotZero(e, deleted.DeletedAt)
	got, err := e.store.GetConversation(e.ctx, e.scope, c.ID)
	require.NoError(e, err)
	require.Equal(e, deleted, got)
	page, err := e.store.Messages(e.ctx, e.scope, c.ID, &store.MessageQuery{Limit: 10})
	require.NoError(e, err)
	require.Len(e, page.Messages, 2)
}

// Rows may be shared by their readers, so a later write must not show in one.
func getRowsStay(e *env) {
	c := e.create()
	r := e.start(c.ID)
	row, run := e.get(c.ID), e.getRun(r.ID)
	oldRow, oldRun := *row, *run
	oldRow.Participants = append([]store.Participant(nil), row.Participants...)
	list, err := e.store.ListConversations(e.ctx, e.scope, &store.ListQuery{Sort: store.SortRecent, Limit: 5})
	require.NoError(e, err)
	oldListed := list.Conversations[0]

	e.finish(r, 3, func(f *store.FinishRun) {
		f.Preview, f.Participants = "new", []store.Participant{{UserID: "ann", Name: "Ann"}, {UserID: "bob"}}
	})
	require.Equal(e, oldRow, *row)
	require.Equal(e, oldRun, *run)
	require.Equal(e, oldListed, list.Conversations[0])
	require.NotEqual(e, oldRow, *e.get(c.ID))
}

var updating = topic{"Update", []rule{
	{"L1_TitleSetIsCustom", updateTitle},
	{"L1_BlankTitleClears", updateClearsTitle},
	{"L1_DerivedNeverOverwrites", updateDerived},
	{"L2_ModeChanges", updateMode},
	{"L4_DirectoryMerges", updateDirectory},
	{"A2_NewMemberSees", updateAddsMember},
	{"V6_VersionStays", updateKeepsVersion},
	{"L6_DeletedIsRefused", updateDeleted},
	{"NothingNewChangesNothing", updateNothing},
	{"NilFieldsChangeNothing", updateNil},
	{"AllAtOnce", updateAll},
	{"UpdatedAtStrictlyGrows", updateGrows},
	{"IsNoActivity", updateIsNoActivity},
}}

func title(s string) *store.ConversationUpdate {
	return &store.ConversationUpdate{Title: &store.TitleUpdate{Title: s}}
}

func derived(s string) *store.ConversationUpdate {
	return &store.ConversationUpdate{Title: &store.TitleUpdate{Title: s, Derived: true}}
}

func people(p ...store.Participant) *store.ConversationUpdate {
	return &store.ConversationUpdate{Participants: p}
}

// update changes the conversation and checks that the answer is what is stored.
func (e *env) update(c *store.Conversation, u *store.ConversationUpdate) *store.Conversation {
	e.Helper()
	row, err := e.store.UpdateConversation(e.ctx, e.scope, c.ID, u)
	require.NoError(e, err)
	require.Equal(e, row, e.get(c.ID))
	return row
}

func updateTitle(e *env) {
	c := e.create()
	row := e.update(c, title("Über %_\\ 'quoted'"))
	require.Equal(e, "Über %_\\ 'quoted'", row.Title)
	require.True(e, row.TitleCustom)
	require.Equal(e, "second", e.update(c, title("second")).Title)
}

func updateClearsTitle(e *env) {
	c := e.create()
	e.update(c, title("mine"))
	row := e.update(c, title(""))
	require.Empty(e, row.Title)
	require.False(e, row.TitleCustom, "blank turns deriving on again")
	row = e.update(c, derived("derived"))
	require.Equal(e, "derived", row.Title)
	require.False(e, row.TitleCustom)
}

func updateDerived(e *env) {
	c := e.create()
	e.update(c, derived("first"))
	e.unchanged(c.ID, func() { e.update(c, derived("second")) })
	row := e.update(c, title("first"))
	require.True(e, row.TitleCustom, "now somebody chose it")
	e.unchanged(c.ID, func() { e.update(c, derived("third")) })

	given := e.create(func(n *store.NewConversation) { n.Title = "from creation" })
	e.unchanged(given.ID, func() { e.update(given, derived("fourth")) })
}

func updateMode(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Mode = "fast" })
	require.Equal(e, "standard", e.update(c, &store.ConversationUpdate{Mode: ptr("standard")}).Mode)
}

func updateDirectory(e *env) {
	c := e.create()
	e.update(c, people(store.Participant{UserID: "zoe", Name: "Zoe", Author: true}))
	row := e.update(c, people(
		store.Participant{UserID: "bob", AvatarURL: "https://pic/bob"},
		store.Participant{UserID: "zoe", AvatarURL: "https://pic/zoe", Member: true},
		store.Participant{UserID: "ann", Name: "Ann"},
		store.Participant{UserID: "bob", Name: "Bob"},
	))
	require.Equal(e, []store.Participant{
		{UserID: "ann", Name: "Ann", Member: true},
		{UserID: "zoe", Name: "Zoe", AvatarURL: "https://pic/zoe", Member: true, Author: true},
		{UserID: "bob", Name: "Bob", AvatarURL: "https://pic/bob"},
	}, row.Participants, "flags are or-ed, names and pictures replaced unless empty, in the order they came")
}

func updateAddsMember(e *env) {
	c := e.create()
	bob := store.Scope{Tenant: "acme", User: "bob"}
	e.update(c, people(store.Participant{UserID: "bob"}))
	_, err := e.store.GetConversation(e.ctx, bob, c.ID)
	require.ErrorIs(e, err, store.ErrNotFound)
	e.update(c, people(store.Participant{UserID: "bob", Member: true}))
	_, err = e.store.GetConversation(e.ctx, bob, c.ID)
	require.NoError(e, err)
}

func updateKeepsVersion(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Mode = "fast" })
	e.say(c.ID, 3)
	for _, u := range []*store.ConversationUpdate{
		title("t"), {Mode: ptr("standard")}, people(store.Participant{UserID: "bob", Member: true}),
	} {
		require.Equal(e, int64(3), e.update(c, u).Version)
	}
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	require.Equal(e, int64(3), e.get(c.ID).Version)
	_, err = e.store.RestoreConversation(e.ctx, e.scope, c.ID)
	require.NoError(e, err)
	require.Equal(e, int64(3), e.get(c.ID).Version)
	e.say(c.ID, 1, expected(3))
}

func updateDeleted(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Title = "t" })
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	e.unchanged(c.ID, func() {
		for name, u := range map[string]*store.ConversationUpdate{
			"a title": title("new"), "a derived title": derived("new"), "nothing": {},
			"people": people(store.Participant{UserID: "bob"}), "a mode": {Mode: ptr("fast")},
		} {
			_, err := e.store.UpdateConversation(e.ctx, e.scope, c.ID, u)
			require.ErrorIs(e, err, store.ErrDeleted, name)
		}
	})
}

func updateNothing(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Title, n.TitleCustom = "t", true
		n.Participants = []store.Participant{{UserID: "bob", Name: "Bob", Member: true}}
	})
	for name, u := range map[string]*store.ConversationUpdate{
		"the same title": title("t"), "the same mode": {Mode: ptr("standard")}, "no field": {},
		"no news of people":       people(store.Participant{UserID: "bob"}, store.Participant{UserID: "ann", Member: true}),
		"a derived title":         derived("other"),
		"a derived title of none": derived(""),
		"an empty directory":      people([]store.Participant{}...),
	} {
		e.unchanged(c.ID, func() {
			row, err := e.store.UpdateConversation(e.ctx, e.scope, c.ID, u)
			require.NoError(e, err, name)
			require.Equal(e, c, row, "%s leaves UpdatedAt too", name)
		})
	}
	blank := e.create()
	e.unchanged(blank.ID, func() { e.update(blank, title("")) })
}

func updateNil(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Title, n.Preview, n.Mode = "t", "p", "fast" })
	row := e.update(c, people(store.Participant{UserID: "bob"}))
	want := *c
	want.Participants, want.UpdatedAt = row.Participants, row.UpdatedAt
	require.Equal(e, want, *row)
}

func updateAll(e *env) {
	c := e.create(func(n *store.NewConversation) { n.Mode = "fast" })
	row := e.update(c, &store.ConversationUpdate{
		Title: &store.TitleUpdate{Title: "t"}, Mode: ptr("standard"),
		Participants: []store.Participant{{UserID: "bob", Member: true}},
	})
	require.Equal(e, "t", row.Title)
	require.Equal(e, "standard", row.Mode)
	require.Len(e, row.Participants, 2)
}

func updateGrows(e *env) {
	c := e.create()
	last := c.UpdatedAt
	for i := range 100 {
		row, err := e.handle(i).UpdateConversation(e.ctx, e.scope, c.ID, title("t"+string(rune('a'+i%2))))
		require.NoError(e, err)
		require.True(e, row.UpdatedAt.After(last), "two changes within a microsecond still differ")
		e.requireStoreTime(row.UpdatedAt)
		last = row.UpdatedAt
	}
	require.Less(e, last.Sub(e.clock()), time.Second, "and it stays near the clock")
}

func updateIsNoActivity(e *env) {
	c := e.create()
	e.passed(c.ActivityAt)
	for _, u := range []*store.ConversationUpdate{title("t"), {Mode: ptr("fast")}, people(store.Participant{UserID: "bob"})} {
		require.Equal(e, c.ActivityAt, e.update(c, u).ActivityAt)
	}
}
