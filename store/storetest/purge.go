package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var purging = topic{"Purge", []rule{
	{"L6_OneConversationWithCounts", purgeOne},
	{"L6_ConversationBeforeOwner", purgeNarrow},
	{"L6_DeletedOnesToo", purgeDeleted},
	{"L6_EverythingOfAnOwner", purgeOwner},
	{"L6_OwnerLeavesOtherDirectories", purgeLeavesDirectories},
	{"L6_TheWholeTenant", purgeTenant},
	{"NothingToEraseIsZero", purgeNothing},
	{"A2_AnotherTenantIsUntouched", purgeForeign},
	{"R8_LateWritesAreFenced", purgeFences},
	{"ErasedIsNotFound", purgeErases},
}}

func (e *env) purge(target store.PurgeTarget) store.PurgeCounts {
	e.Helper()
	counts, err := e.store.Purge(e.ctx, target)
	require.NoError(e, err)
	return counts
}

// createFor makes a conversation of the user in the tenant.
func (e *env) createFor(tenant, user string, members ...string) *store.Conversation {
	e.Helper()
	return e.create(func(n *store.NewConversation) {
		n.Tenant, n.Owner = tenant, user
		for _, m := range members {
			n.Participants = append(n.Participants, store.Participant{UserID: m, Name: "name of " + m, Member: true})
		}
	})
}

func purgeOne(e *env) {
	c, other := e.create(), e.create()
	e.say(c.ID, 3)
	e.say(other.ID, 2)
	r := e.start(c.ID)
	e.packs(r, store.EventPack{First: 1, Last: 4}, store.EventPack{First: 5, Last: 5})
	e.finish(r, 2, func(f *store.FinishRun) { f.Events = &store.EventPack{First: 6, Last: 8, Body: []byte("e")} })
	e.start(c.ID)
	e.enqueue(c.ID)
	e.unchanged(other.ID, func() {
		counts := e.purge(store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
		require.Equal(e, store.PurgeCounts{Conversations: 1, Messages: 5, Runs: 3, Events: 8}, counts,
			"events are counted, not the packs they were stored in")
	})
	require.True(e, e.picture(c.ID).Missing)
}

func purgeNarrow(e *env) {
	c, other := e.create(), e.createFor("acme", "bob")
	e.unchanged(other.ID, func() {
		require.Equal(e, int64(1), e.purge(store.PurgeTarget{Tenant: "acme", ConversationID: c.ID, Owner: "bob"}).Conversations)
	})
	require.True(e, e.picture(c.ID).Missing)
}

func purgeDeleted(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	require.Equal(e, store.PurgeCounts{Conversations: 1, Messages: 1}, e.purge(store.PurgeTarget{Tenant: "acme", ConversationID: c.ID}))
	require.True(e, e.picture(c.ID).Missing)

	e.create()
	gone := e.create()
	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, gone.ID, nil)
	require.NoError(e, err)
	require.Equal(e, int64(2), e.purge(store.PurgeTarget{Tenant: "acme", Owner: "ann"}).Conversations)
}

func purgeOwner(e *env) {
	mine := []*store.Conversation{e.create(), e.create(), e.create()}
	for _, c := range mine {
		e.say(c.ID, 2)
	}
	bobs := e.createFor("acme", "bob")
	annElsewhere := e.createFor("globex", "ann")
	elsewhere := e.pictureIn("globex", annElsewhere.ID)
	e.unchanged(bobs.ID, func() {
		require.Equal(e, store.PurgeCounts{Conversations: 3, Messages: 6}, e.purge(store.PurgeTarget{Tenant: "acme", Owner: "ann"}))
	})
	for _, c := range mine {
		require.True(e, e.picture(c.ID).Missing)
	}
	require.Equal(e, elsewhere, e.pictureIn("globex", annElsewhere.ID))
}

func purgeLeavesDirectories(e *env) {
	bobs := e.createFor("acme", "bob", "ann", "cat")
	asAuthor := e.createFor("acme", "bob")
	_, err := e.store.UpdateConversation(e.ctx, store.Scope{Tenant: "acme", User: "bob"}, asAuthor.ID,
		people(store.Participant{UserID: "ann", Name: "Ann", Author: true}))
	require.NoError(e, err)
	foreign := e.createFor("globex", "bob", "ann")
	before := e.get(bobs.ID)

	require.Zero(e, e.purge(store.PurgeTarget{Tenant: "acme", Owner: "ann"}), "a conversation of another is not erased")
	row := e.get(bobs.ID)
	require.Equal(e, []store.Participant{
		{UserID: "bob", Member: true}, {UserID: "cat", Name: "name of cat", Member: true},
	}, row.Participants)
	require.True(e, row.UpdatedAt.After(before.UpdatedAt), "the row changed")
	require.Len(e, e.get(asAuthor.ID).Participants, 1)
	_, err = e.store.GetConversation(e.ctx, e.scope, bobs.ID)
	require.ErrorIs(e, err, store.ErrNotFound, "a member no more")
	got, err := e.store.GetConversation(e.ctx, store.Scope{Tenant: "globex", User: "ann"}, foreign.ID)
	require.NoError(e, err)
	require.Len(e, got.Participants, 2, "another tenant's directories stay")
}

func purgeTenant(e *env) {
	e.say(e.create().ID, 4)
	e.createFor("acme", "bob", "ann")
	foreign := e.createFor("globex", "ann")
	before := e.pictureIn("globex", foreign.ID)
	require.Equal(e, store.PurgeCounts{Conversations: 2, Messages: 4}, e.purge(store.PurgeTarget{Tenant: "acme"}))
	list, err := e.store.ListConversations(e.ctx, store.Scope{Tenant: "acme", Wide: true}, &store.ListQuery{Sort: store.SortRecent, Limit: 5, Count: true})
	require.NoError(e, err)
	require.Empty(e, list.Conversations)
	require.Zero(e, list.Total)
	require.Equal(e, before, e.pictureIn("globex", foreign.ID))
}

func purgeNothing(e *env) {
	c := e.create()
	e.unchanged(c.ID, func() {
		for _, target := range []store.PurgeTarget{
			{Tenant: "nobody"}, {Tenant: "acme", Owner: "nobody"}, {Tenant: "acme", ConversationID: newID()},
		} {
			require.Zero(e, e.purge(target))
		}
	})
	target := store.PurgeTarget{Tenant: "acme", ConversationID: c.ID}
	require.Equal(e, int64(1), e.purge(target).Conversations)
	require.Zero(e, e.purge(target), "the second time there is nothing left")
}

func purgeForeign(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	e.unchanged(c.ID, func() {
		require.Zero(e, e.purge(store.PurgeTarget{Tenant: "globex", ConversationID: c.ID}))
		require.Zero(e, e.purge(store.PurgeTarget{Tenant: "globex", Owner: "ann"}))
		require.Zero(e, e.purge(store.PurgeTarget{Tenant: "globex"}))
	})
}

func purgeFences(e *env) {
	crowd := e.crowd()
	e.purge(store.PurgeTarget{Tenant: "acme", ConversationID: crowd.c.ID})
	for _, r := range append([]*store.Run{crowd.ended}, crowd.active...) {
		e.requireFenced(r)
	}
	require.Empty(e, e.claimAll(long))
	require.True(e, e.picture(crowd.c.ID).Missing, "late writes bring nothing back")
	swept, err := e.store.Sweep(e.ctx, &store.Sweep{Limit: 10})
	require.NoError(e, err)
	require.Empty(e, swept.Promoted)
}

func purgeErases(e *env) {
	c := e.create()
	r := e.start(c.ID, func(s *store.StartRun) { s.Key = "k" })
	e.purge(store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
	wide := store.Scope{Tenant: "acme", Wide: true}
	for name, look := range map[string]func() error{
		"conversation": func() error { _, err := e.store.GetConversation(e.ctx, wide, c.ID); return err },
		"messages": func() error {
			_, err := e.store.Messages(e.ctx, wide, c.ID, &store.MessageQuery{Limit: 1})
			return err
		},
		"run":    func() error { _, err := e.store.GetRun(e.ctx, wide, r.ID); return err },
		"runs":   func() error { _, err := e.store.ListRuns(e.ctx, wide, c.ID, &store.RunQuery{Limit: 1}); return err },
		"events": func() error { _, err := e.store.ReadEvents(e.ctx, wide, r.ID, 0, 1); return err },
		"nudges": func() error { _, err := e.store.Nudges(e.ctx, wide, r.ID); return err },
		"append": func() error { _, err := e.store.Append(e.ctx, e.newAppend(c.ID, 1)); return err },
		"start":  func() error { _, err := e.store.StartRun(e.ctx, e.newStart(c.ID)); return err },
	} {
		require.ErrorIs(e, look(), store.ErrNotFound, name)
	}
	marks, err := e.store.Marks(e.ctx, []store.WatchRef{
		{Tenant: "acme", ConversationID: c.ID}, {Tenant: "acme", ConversationID: c.ID, RunID: r.ID},
	})
	require.NoError(e, err)
	require.Len(e, marks, 2)
	require.True(e, marks[0].Missing && marks[1].Missing)
	require.NotEqual(e, uuid.Nil, marks[1].Ref.RunID)
}
