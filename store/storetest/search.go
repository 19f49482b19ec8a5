package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var searching = topic{"Search", []rule{
	{"Q3_TitleAgentNamePreview", searchFields},
	{"Q3_WildcardsArePlainText", searchWildcards},
	{"Q3_UnicodeFold", searchFold},
	{"Q3_FieldsAreApart", searchFieldsApart},
	{"Q3_FollowsChanges", searchFollows},
	{"Q3_PagesAndCountsMatches", searchPages},
}}

func (e *env) titled(title string) uuid.UUID {
	e.Helper()
	return e.create(func(n *store.NewConversation) { n.Title = title }).ID
}

func searchFields(e *env) {
	byTitle := e.titled("The Needle in it")
	byAgent := e.create(func(n *store.NewConversation) { n.AgentName = "needleworker" }).ID
	byPreview := e.create(func(n *store.NewConversation) { n.Preview = "... NEEDLE" }).ID
	e.create(func(n *store.NewConversation) {
		n.AgentID, n.Agent, n.Metadata, n.Defaults = "needle", []byte(`"needle"`), []byte(`"needle"`), []byte(`"needle"`)
		n.Title = "need le"
	})
	for _, text := range []string{"needle", "NEEDLE", "nEEdl"} {
		require.ElementsMatch(e, []uuid.UUID{byTitle, byAgent, byPreview}, e.listed(store.ListQuery{Text: text}), text)
	}
	require.Empty(e, e.listed(store.ListQuery{Text: "needles"}))
	require.Len(e, e.listed(store.ListQuery{Text: ""}), 4, "no text is no filter")
}

func searchWildcards(e *env) {
	texts := []string{"50% off", "snake_case", `back\slash`, "star*", "what?", "[set]", "a.b", "quote'd", `"double"`, "^hat$", "plain", "{x}", "(y)", "50x off"}
	all := map[string]uuid.UUID{}
	for _, t := range texts {
		all[t] = e.titled(t)
	}
	for text, want := range map[string][]string{
		"%": {"50% off"}, "0%": {"50% off"}, "_": {"snake_case"}, "e_c": {"snake_case"}, `\`: {`back\slash`}, `k\s`: {`back\slash`},
		"*": {"star*"}, "?": {"what?"}, "[set]": {"[set]"}, "[s": {"[set]"}, "a.b": {"a.b"}, "'": {"quote'd"}, `"`: {`"double"`},
		"^": {"^hat$"}, "$": {"^hat$"}, "p%n": nil, "pl_in": nil, `\%`: nil, `\_`: nil, `%%`: nil, "s.ake": nil, "{": {"{x}"}, "(": {"(y)"},
		"off": {"50% off", "50x off"}, " ": {"50% off", "50x off"},
	} {
		ids := []uuid.UUID{}
		for _, t := range want {
			ids = append(ids, all[t])
		}
		require.ElementsMatch(e, ids, e.listed(store.ListQuery{Text: text}), "%q", text)
	}
}

func searchFold(e *env) {
	for _, c := range []struct {
		title, text string
		found       bool
	}{
		{"ÄPFEL und Öl", "äpfel", true},
		{"straße", "STRASSE", false}, // one folding, not the locale's
		{"STRAẞE", "straße", true},
		{"ΟΔΟΣ", "οδοσ", true},
		{"ΟΔΟΣ", "ΟΔΟς", false},
		{"İzmir", "izmir", store.Fold("İzmir") == "izmir"},
		{"ISTANBUL", "istanbul", true},
		{"ПРИВЕТ", "привет", true},
		{"東京タワー", "京タ", true},
		{"caf\u00e9", "CAFE\u0301", false}, // no normalisation
		{"\u212A", "k", true},              // the Kelvin sign
		{"emoji \U0001F600 here", "\U0001F600", true},
		{"Ǆ", "ǆ", true},
	} {
		e.purge(store.PurgeTarget{Tenant: "acme"})
		e.titled(c.title)
		require.Equal(e, c.found, len(e.listed(store.ListQuery{Text: c.text})) == 1, "%q in %q", c.text, c.title)
	}
}

func searchFieldsApart(e *env) {
	e.create(func(n *store.NewConversation) { n.Title, n.AgentName, n.Preview = "one", "two", "three" })
	for _, text := range []string{"onetwo", "one two", "one\ntwo", "one|two", "one\ttwo", "twothree", "two three", "two\nthree", "onethree", "one three", "one\nthree", "threeone", "threetwo", "twoone", "one\x1ftwo", "two\x1fthree", "\n", " ", "\x1f"} {
		require.Empty(e, e.listed(store.ListQuery{Text: text}), "%q is in no field", text)
	}
}

func searchFollows(e *env) {
	c := e.create()
	r := e.start(c.ID)
	found := func(text string) bool { return len(e.listed(store.ListQuery{Text: text})) == 1 }
	e.update(c, title("Alpha"))
	require.True(e, found("alpha"))
	e.update(c, title("Beta"))
	require.False(e, found("alpha"))
	require.True(e, found("BETA"))
	e.finish(r, 1, func(f *store.FinishRun) { f.Preview = "Gamma" })
	require.True(e, found("gamma"))
	e.say(c.ID, 1, func(a *store.Append) { a.Preview = "Delta" })
	require.False(e, found("gamma"))
	require.True(e, found("delta"))
	e.say(c.ID, 1)
	require.True(e, found("delta"), "an empty preview leaves the old one")
}

func searchPages(e *env) {
	for range 5 {
		e.titled("match")
		e.titled("other")
	}
	e.createFor("globex", "ann")
	page := e.list(e.scope, store.ListQuery{Text: "MATCH", Limit: 2, Count: true})
	require.Equal(e, int64(5), page.Total)
	require.Len(e, page.Conversations, 2)
	for _, sort := range []store.Sort{store.SortRecent, store.SortOldest, store.SortTitle} {
		require.Len(e, e.walk(store.ListQuery{Text: "match", Sort: sort, Limit: 2}, nil), 5)
	}
}
