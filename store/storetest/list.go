package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var listing = topic{"List", []rule{
	{"A2_ShowsWhatTheScopeShows", listScope},
	{"A2_AMemberOfManySeesEachOnce", listOnce},
	{"L6_DeletedAreNeverListed", listDeleted},
	{"Q1_NewestActivityFirst", listRecent},
	{"Q1_OldestActivityFirst", listOldest},
	{"Q1_TitleFoldedUntitledLast", listTitle},
	{"Q1_TiesByID", listTies},
	{"Q2_KeyWalkSeesEachOnce", listWalk},
	{"Q2_KeyWalkSurvivesInserts", listWalkInserts},
	{"Q2_KeyOfAGoneEntryStillWorks", listWalkDeletes},
	{"Q2_NumberedPagesAndTotal", listPages},
	{"Q4_ModeAgentChannel", listFilters},
	{"DirectoryOnlyWhereMoreThanTheOwner", listDirectory},
	{"RowsAreTheRows", listRows},
}}

func (e *env) list(scope store.Scope, q store.ListQuery) *store.ListPage {
	e.Helper()
	if q.Sort == "" {
		q.Sort = store.SortRecent
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	page, err := e.store.ListConversations(e.ctx, scope, &q)
	require.NoError(e, err)
	return page
}

func conversationIDs(rows []store.Conversation) []uuid.UUID {
	out := []uuid.UUID{}
	for _, c := range rows {
		out = append(out, c.ID)
	}
	return out
}

// listed is what ann sees of the query, by id.
func (e *env) listed(q store.ListQuery) []uuid.UUID {
	e.Helper()
	page := e.list(e.scope, q)
	require.Nil(e, page.Next)
	return conversationIDs(page.Conversations)
}

func listScope(e *env) {
	mine := e.create()
	shared := e.createFor("acme", "bob", "ann")
	bobs := e.createFor("acme", "bob")
	mentioned := e.create(func(n *store.NewConversation) {
		n.Owner, n.Participants = "bob", []store.Participant{{UserID: "ann", Author: true}}
	})
	foreign := e.createFor("globex", "ann")
	require.ElementsMatch(e, []uuid.UUID{mine.ID, shared.ID}, e.listed(store.ListQuery{}))
	wide := e.list(store.Scope{Tenant: "acme", User: "admin", Wide: true}, store.ListQuery{Count: true})
	require.ElementsMatch(e, []uuid.UUID{mine.ID, shared.ID, bobs.ID, mentioned.ID}, conversationIDs(wide.Conversations))
	require.Equal(e, int64(4), wide.Total)
	require.Equal(e, []uuid.UUID{foreign.ID},
		conversationIDs(e.list(store.Scope{Tenant: "globex", User: "ann"}, store.ListQuery{}).Conversations))
	require.Empty(e, e.list(store.Scope{Tenant: "acme", User: ""}, store.ListQuery{}).Conversations)
}

func listOnce(e *env) {
	c := e.createFor("acme", "ann", "bob", "cat", "dan")
	for _, scope := range []store.Scope{e.scope, {Tenant: "acme", User: "cat"}, {Tenant: "acme", User: "cat", Wide: true}} {
		page := e.list(scope, store.ListQuery{Count: true})
		require.Equal(e, []uuid.UUID{c.ID}, conversationIDs(page.Conversations))
		require.Equal(e, int64(1), page.Total)
	}
}

func listDeleted(e *env) {
	kept, gone := e.create(), e.create()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, gone.ID, nil)
	require.NoError(e, err)
	for _, scope := range []store.Scope{e.scope, {Tenant: "acme", Wide: true}} {
		page := e.list(scope, store.ListQuery{Count: true})
		require.Equal(e, []uuid.UUID{kept.ID}, conversationIDs(page.Conversations))
		require.Equal(e, int64(1), page.Total)
	}
}

// activities makes conversations whose activity differs by little, touched in
// another order than they were created in.
func (e *env) activities(n int) []*store.Conversation {
	e.Helper()
	var all []*store.Conversation
	for range n {
		all = append(all, e.create())
	}
	for i, c := range all {
		if i%3 == 0 {
			e.passed(all[n-1].ActivityAt)
			e.say(c.ID, 1)
		}
	}
	for i, c := range all {
		all[i] = e.get(c.ID)
	}
	return all
}

func recentFirst(a, b *store.Conversation) int {
	if n := b.ActivityAt.Compare(a.ActivityAt); n != 0 {
		return n
	}
	return bytes.Compare(b.ID[:], a.ID[:])
}

func sorted(all []*store.Conversation, less func(a, b *store.Conversation) int) []uuid.UUID {
	all = slices.SortedFunc(slices.Values(all), less)
	out := []uuid.UUID{}
	for _, c := range all {
		out = append(out, c.ID)
	}
	return out
}

func listRecent(e *env) {
	all := e.activities(12)
	require.Equal(e, sorted(all, recentFirst), e.listed(store.ListQuery{Sort: store.SortRecent}))
	order := e.listed(store.ListQuery{Sort: store.SortRecent})
	first := order[5]
	e.passed(e.get(order[0]).ActivityAt)
	e.start(first)
	require.Equal(e, first, e.listed(store.ListQuery{Sort: store.SortRecent})[0], "the start of a run is activity")
}

func listOldest(e *env) {
	all := e.activities(12)
	oldest := func(a, b *store.Conversation) int { return -recentFirst(a, b) }
	require.Equal(e, sorted(all, oldest), e.listed(store.ListQuery{Sort: store.SortOldest}))
}

// titles are hard to order by anything but bytes after folding.
var titles = []string{
	"", "zebra", "Zebra", "ZEBRA 2", "apple", "Apple", "éclair", "Éclair", "ecl", "_under", "a b", "ab", "a-b", "a_b",
	"Äpfel", "äpfel", "10", "9", "~tilde", "", "日本", "ﬁ", "İstanbul", "istanbul", "ΣΑΣ", "σας", "\U0001F600", " lead", "'quote'", "%", "Z", "a",
}

func listTitle(e *env) {
	var all []*store.Conversation
	for _, t := range titles {
		all = append(all, e.create(func(n *store.NewConversation) { n.Title, n.ID = t, uuid.New() }))
	}
	want := sorted(all, byTitle)
	require.Equal(e, want, e.listed(store.ListQuery{Sort: store.SortTitle}))
	require.Equal(e, want, e.walk(store.ListQuery{Sort: store.SortTitle, Limit: 3}, nil))
}

func byTitle(a, b *store.Conversation) int {
	if (a.Title == "") != (b.Title == "") {
		if a.Title == "" {
			return 1
		}
		return -1
	}
	if n := strings.Compare(store.Fold(a.Title), store.Fold(b.Title)); n != 0 {
		return n
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

func listTies(e *env) {
	var all []*store.Conversation
	for i := range 12 {
		all = append(all, e.create(func(n *store.NewConversation) {
			n.ID = uuid.New() // in no order of time
			n.Title = []string{"same", "SAME", ""}[i%3]
		}))
	}
	want := sorted(all, byTitle)
	require.Equal(e, want, e.listed(store.ListQuery{Sort: store.SortTitle}))
	require.Equal(e, want, e.walk(store.ListQuery{Sort: store.SortTitle, Limit: 1}, nil))
}

// walk goes through all pages by key and lets something happen between them.
func (e *env) walk(q store.ListQuery, between func(page *store.ListPage)) []uuid.UUID {
	e.Helper()
	var seen []uuid.UUID
	for range 1000 {
		page := e.list(e.scope, q)
		require.LessOrEqual(e, len(page.Conversations), q.Limit)
		seen = append(seen, conversationIDs(page.Conversations)...)
		if page.Next == nil {
			return seen
		}
		require.Len(e, page.Conversations, q.Limit, "a page is full unless nothing follows")
		last := page.Conversations[q.Limit-1]
		require.Equal(e, last.ID, page.Next.ID, "the key names the last entry")
		if between != nil {
			between(page)
		}
		q.After = page.Next
	}
	require.FailNow(e, "the walk does not end")
	return nil
}

func listWalk(e *env) {
	all := e.activities(10)
	for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
		for _, limit := range []int{1, 2, 3, 5, 9, 10, 11} {
			want := e.listed(store.ListQuery{Sort: sort})
			require.Len(e, want, len(all))
			require.Equal(e, want, e.walk(store.ListQuery{Sort: sort, Limit: limit}, nil), "%s by %d", sort, limit)
		}
	}
}

func listWalkInserts(e *env) {
	for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
		before := map[uuid.UUID]int{}
		e.purge(store.PurgeTarget{Tenant: "acme"})
		for i := range 9 {
			before[e.create(func(n *store.NewConversation) { n.Title = fmt.Sprintf("t%d", i) }).ID] = 0
		}
		inserts := 0
		for _, id := range e.walk(store.ListQuery{Sort: sort, Limit: 2}, func(*store.ListPage) {
			if inserts++; inserts <= 6 {
				e.create(func(n *store.NewConversation) { n.Title = fmt.Sprintf("t%d-%d", inserts, inserts) })
				e.create(func(n *store.NewConversation) { n.Title = "a" })
			}
		}) {
			if _, ok := before[id]; ok {
				before[id]++
			}
		}
		for id, n := range before {
			require.Equal(e, 1, n, "%s: %s was there all the time", sort, id)
		}
	}
}

func listWalkDeletes(e *env) {
	for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
		e.purge(store.PurgeTarget{Tenant: "acme"})
		for i := range 6 {
			e.create(func(n *store.NewConversation) { n.Title = fmt.Sprintf("t%d", i%2) })
		}
		want := e.listed(store.ListQuery{Sort: sort})
		got := e.walk(store.ListQuery{Sort: sort, Limit: 2}, func(page *store.ListPage) {
			_, _, err := e.store.DeleteConversation(e.ctx, e.scope, page.Next.ID, nil)
			require.NoError(e, err)
		})
		require.Equal(e, want, got, sort)
	}
}

func listPages(e *env) {
	for range 7 {
		e.create()
	}
	e.createFor("globex", "ann")
	for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
		all := e.listed(store.ListQuery{Sort: sort})
		for offset := range 9 {
			page := e.list(e.scope, store.ListQuery{Sort: sort, Offset: offset, Limit: 3, Count: true})
			from, to := min(offset, 7), min(offset+3, 7)
			require.Equal(e, all[from:to], conversationIDs(page.Conversations))
			require.Equal(e, int64(7), page.Total, "the number of all matches, whatever the page")
			require.Equal(e, offset+3 < 7, page.Next != nil, "a key iff something follows")
		}
	}
	page := e.list(e.scope, store.ListQuery{Limit: 3})
	require.Zero(e, page.Total, "only when asked for")
	rest := e.list(e.scope, store.ListQuery{Limit: 3, After: page.Next, Count: true})
	require.Equal(e, int64(7), rest.Total)
}

func listFilters(e *env) {
	with := func(mode, channel, agent string) uuid.UUID {
		return e.create(func(n *store.NewConversation) { n.Mode, n.Channel, n.AgentID = mode, channel, agent }).ID
	}
	web, fast := with("standard", "web", "a1"), with("fast", "web", "")
	slack, mail := with("standard", "slack", "a2"), with("fast", "email", "a1")
	for _, c := range []struct {
		query store.ListQuery
		want  []uuid.UUID
	}{
		{store.ListQuery{}, []uuid.UUID{web, fast, slack, mail}},
		{store.ListQuery{Mode: "fast"}, []uuid.UUID{fast, mail}},
		{store.ListQuery{Mode: "standard"}, []uuid.UUID{web, slack}},
		{store.ListQuery{Mode: "FAST"}, nil},
		{store.ListQuery{Channel: "web"}, []uuid.UUID{web, fast}},
		{store.ListQuery{Channel: "we"}, nil},
		{store.ListQuery{Channel: "%"}, nil},
		{store.ListQuery{Channel: "carrier pigeon"}, nil},
		{store.ListQuery{AgentID: "a1"}, []uuid.UUID{web, mail}},
		{store.ListQuery{AgentID: "a"}, nil},
		{store.ListQuery{AgentID: "A1"}, nil},
		{store.ListQuery{Exclude: []string{"email"}}, []uuid.UUID{web, fast, slack}},
		{store.ListQuery{Exclude: []string{"email", "web", "unknown"}}, []uuid.UUID{slack}},
		{store.ListQuery{Exclude: []string{}}, []uuid.UUID{web, fast, slack, mail}},
		{store.ListQuery{Channel: "web", Exclude: []string{"web"}}, nil},
		{store.ListQuery{Mode: "fast", AgentID: "a1", Channel: "email"}, []uuid.UUID{mail}},
		{store.ListQuery{Mode: "standard", AgentID: "a1", Channel: "email"}, nil},
	} {
		c.query.Count, c.query.Sort, c.query.Limit = true, store.SortOldest, 50
		page := e.list(e.scope, c.query)
		require.ElementsMatch(e, c.want, conversationIDs(page.Conversations), "%+v", c.query)
		require.Equal(e, int64(len(c.want)), page.Total, "%+v", c.query)
		require.Nil(e, page.Next)
	}
}

func listDirectory(e *env) {
	alone := e.create()
	named := e.create(func(n *store.NewConversation) { n.Participants = []store.Participant{{UserID: "ann", Name: "Ann"}} })
	shared := e.createFor("acme", "ann", "bob")
	for _, c := range e.list(e.scope, store.ListQuery{}).Conversations {
		switch c.ID {
		case alone.ID, named.ID:
			require.Empty(e, c.Participants, "only the owner")
		case shared.ID:
			require.Equal(e, shared.Participants, c.Participants)
		}
	}
}

func listRows(e *env) {
	crowd := e.crowd()
	e.update(crowd.c, people(store.Participant{UserID: "bob", Name: "Bob"}))
	e.update(crowd.c, title("t"))
	page := e.list(e.scope, store.ListQuery{})
	require.Len(e, page.Conversations, 1)
	require.Equal(e, *e.get(crowd.c.ID), page.Conversations[0])
}
