package conversation_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func (f *fixture) list(q conversation.Query) *conversation.Page {
	f.t.Helper()
	page, err := f.engine.List(f.ctx, f.caller, q)
	require.NoError(f.t, err)
	return page
}

// walk reads a whole list by cursor.
func (f *fixture) walk(q conversation.Query) []*conversation.Conversation {
	f.t.Helper()
	var all []*conversation.Conversation
	for range 1000 {
		page := f.list(q)
		require.Equal(f.t, page.HasMore, page.Next != "")
		all = append(all, page.Conversations...)
		if !page.HasMore {
			return all
		}
		require.NotEmpty(f.t, page.Conversations, "a page that is not the last has something")
		q.Cursor = page.Next
	}
	require.FailNow(f.t, "the walk does not end")
	return nil
}

func titles(all []*conversation.Conversation) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.Title
	}
	return out
}

func ids(all []*conversation.Conversation) []uuid.UUID {
	out := make([]uuid.UUID, len(all))
	for i, c := range all {
		out[i] = c.ID
	}
	return out
}

// inOrder is rule Q1, said once more.
func inOrder(sort conversation.Sort) func(a, b *conversation.Conversation) int {
	byID := func(a, b *conversation.Conversation) int { return strings.Compare(a.ID.String(), b.ID.String()) }
	switch sort {
	case conversation.SortTitle:
		return func(a, b *conversation.Conversation) int {
			if (a.Title == "") != (b.Title == "") {
				return cmp.Compare(len(b.Title), len(a.Title)) // untitled last
			}
			return cmp.Or(strings.Compare(store.Fold(a.Title), store.Fold(b.Title)), byID(a, b))
		}
	case conversation.SortOldest:
		return func(a, b *conversation.Conversation) int {
			return cmp.Or(a.ActivityAt.Compare(b.ActivityAt), byID(a, b))
		}
	default:
		return func(a, b *conversation.Conversation) int {
			return cmp.Or(b.ActivityAt.Compare(a.ActivityAt), byID(b, a))
		}
	}
}

// TestQ_ListsAreWhatTheRulesSay makes conversations and queries at random and
// holds every answer against the rules, read off the conversations one by one.
// The clock stands still now and then, so that there are ties.
func TestQ_ListsAreWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		engine, err := conversation.New(memstore.New(&memstore.Options{Now: func() time.Time { return now }}), says("ok"), nil)
		require.NoError(t, err)
		f := &fixture{t: t, ctx: t.Context(), engine: engine, caller: alice}
		words := []string{"", "Apple pie", "apple", "APPLE", "Zebra", "éclair", "Éclair", "100%", "a_b", `back\slash`, "ZEBRA crossing"}
		channels := []conversation.Channel{"web", "slack", "email", "pager"}
		var all []*conversation.Conversation
		for range rapid.IntRange(0, 25).Draw(rt, "how many") {
			if rapid.Bool().Draw(rt, "the clock moves") {
				now = now.Add(time.Minute)
			}
			owner := rapid.SampledFrom([]conversation.Caller{alice, alice, alice, bob, mallory}).Draw(rt, "owner")
			p := conversation.CreateParams{
				Title: rapid.SampledFrom(words).Draw(rt, "title"), Channel: rapid.SampledFrom(channels).Draw(rt, "channel"),
				Mode: rapid.SampledFrom([]conversation.Mode{conversation.ModeFast, conversation.ModeStandard}).Draw(rt, "mode"),
			}
			if name := rapid.SampledFrom(words).Draw(rt, "agent"); name != "" {
				p.Agent = &conversation.Agent{ID: "agent-" + string([]rune(name)[:1]), DisplayName: name}
			}
			g := f.as(owner)
			id := g.createWith(p)
			if text := rapid.SampledFrom(words).Draw(rt, "said"); text != "" {
				g.append(id, said("something else"), said(text))
			}
			if owner.User == "bob" && rapid.Bool().Draw(rt, "shared") {
				g.add(id, conversation.Participant{UserID: "alice"})
			}
			if rapid.IntRange(0, 9).Draw(rt, "deleted") == 0 {
				_, err := g.engine.Delete(g.ctx, owner, id)
				require.NoError(t, err)
			}
			all = append(all, g.get(id))
		}

		q := conversation.Query{
			Text:    rapid.SampledFrom(append(words, "  pie ", "E", "%", "_", `\`, "something", "zz", "É")).Draw(rt, "text"),
			Sort:    rapid.SampledFrom([]conversation.Sort{"", "recent", "oldest", "title", "sideways"}).Draw(rt, "sort"),
			Mode:    rapid.SampledFrom([]conversation.Mode{"", "fast", "standard", "whatever"}).Draw(rt, "lane"),
			Channel: rapid.SampledFrom(append(channels, "", "", "teams", "NO SUCH\x00CHANNEL")).Draw(rt, "filter"),
			AgentID: rapid.SampledFrom([]string{"", "", "agent-A", "agent-none"}).Draw(rt, "of agent"),
			View:    rapid.SampledFrom([]conversation.View{"", conversation.ViewAdmin}).Draw(rt, "view"),
			Limit:   rapid.SampledFrom([]int{0, 1, 2, 3, 100}).Draw(rt, "limit"),
		}
		g := f.as(rapid.SampledFrom([]conversation.Caller{alice, admin}).Draw(rt, "caller"))

		var want []*conversation.Conversation
		needle := store.Fold(strings.TrimSpace(q.Text))
		for _, c := range all {
			agent, agentID := "", ""
			if c.Agent != nil {
				agent, agentID = c.Agent.DisplayName, c.Agent.ID
			}
			found := false
			for _, text := range []string{c.Title, agent, c.LastText} {
				found = found || strings.Contains(store.Fold(text), needle)
			}
			_, shared := c.Participants[g.caller.User]
			sees := c.Tenant == g.caller.Tenant && (c.User == g.caller.User || shared || g.caller.Admin && q.View == conversation.ViewAdmin)
			if !sees || c.Deleted() || !found || q.AgentID != "" && agentID != q.AgentID ||
				(c.Mode == conversation.ModeFast) != (q.Mode == conversation.ModeFast) ||
				q.Channel == "" && c.Channel == conversation.ChannelEmail || q.Channel != "" && c.Channel != q.Channel {
				continue
			}
			want = append(want, c)
		}
		slices.SortFunc(want, inOrder(q.Sort))
		got := g.walk(q)
		if !slices.Equal(ids(want), ids(got)) {
			rt.Fatalf("%+v: got %q, want %q", q, titles(got), titles(want))
		}

		// Numbered pages cut the same list, and count it.
		q.PageSize = rapid.IntRange(-1, 7).Draw(rt, "page size")
		q.Page = rapid.IntRange(1, 6).Draw(rt, "page")
		page := g.list(q)
		size := min(max(q.PageSize, 1), 100)
		if q.PageSize == 0 {
			size = 25
		}
		from := min((q.Page-1)*size, len(want))
		to := min(from+size, len(want))
		if !slices.Equal(ids(want[from:to]), ids(page.Conversations)) || page.Total != int64(len(want)) ||
			page.Page != q.Page || page.PageSize != size || page.HasMore != (to < len(want)) {
			rt.Fatalf("page %d of %d: got %d of %d", q.Page, size, len(page.Conversations), page.Total)
		}
	})
}

// TestQ2_ACursorSurvivesInserts: what was there during the whole walk, and did
// not move, is seen exactly once, whatever comes in between.
func TestQ2_ACursorSurvivesInserts(t *testing.T) {
	t.Parallel()
	for _, sort := range []conversation.Sort{conversation.SortRecent, conversation.SortOldest, conversation.SortTitle} {
		f := setup(t, says("ok"), nil)
		there := map[uuid.UUID]int{}
		for i := range 30 {
			title := ""
			if i%3 > 0 {
				title = fmt.Sprintf("title %02d", i%7) // ties among them
			}
			there[f.createWith(conversation.CreateParams{Title: title})] = 0
		}
		moved := map[uuid.UUID]bool{}
		q := conversation.Query{Sort: sort, Limit: 4}
		for i := 0; ; i++ {
			page := f.list(q)
			for _, c := range page.Conversations {
				if _, before := there[c.ID]; before {
					there[c.ID]++
				}
			}
			if !page.HasMore {
				break
			}
			q.Cursor = page.Next
			f.createWith(conversation.CreateParams{Title: fmt.Sprintf("title %02d", i)})
			f.create()
			gone := page.Conversations[0].ID // one already seen goes away
			if _, before := there[gone]; before && i%2 == 0 {
				_, err := f.engine.Delete(f.ctx, alice, gone)
				require.NoError(t, err)
			}
			last := page.Conversations[len(page.Conversations)-1].ID // and the one the cursor names
			moved[last] = true
			f.append(last, said("bump"))
			_, err := f.engine.SetTitle(f.ctx, alice, last, "0 renamed")
			require.NoError(t, err)
		}
		for id, times := range there {
			if !moved[id] {
				require.Equal(t, 1, times, "%s: %s", sort, id)
			}
		}
	}
}

// TestQ2_AForeignCursorIsRefused: of another list, another order, another
// version of the library, or of nobody's making.
func TestQ2_AForeignCursorIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	for range 3 {
		f.create()
		f.run(id, conversation.TurnRequest{Text: "hi"})
	}
	cursors := map[string]string{}
	for _, sort := range []conversation.Sort{"recent", "oldest", "title"} {
		cursors[string(sort)] = f.list(conversation.Query{Sort: sort, Limit: 1}).Next
	}
	for name, desc := range map[string]bool{"messages": false, "messages, newest first": true} {
		page, err := f.engine.Messages(f.ctx, alice, id, conversation.MessageQuery{Limit: 1, Desc: desc})
		require.NoError(t, err)
		cursors[name] = page.Next
	}
	runs, err := f.engine.Runs(f.ctx, alice, id, conversation.RunQuery{Limit: 1})
	require.NoError(t, err)
	cursors["runs"] = runs.Next

	use := map[string]func(cursor string) error{
		"messages": func(c string) error {
			return second(f.engine.Messages(f.ctx, alice, id, conversation.MessageQuery{Cursor: c}))
		},
		"messages, newest first": func(c string) error {
			return second(f.engine.Messages(f.ctx, alice, id, conversation.MessageQuery{Cursor: c, Desc: true}))
		},
		"runs": func(c string) error {
			return second(f.engine.Runs(f.ctx, alice, id, conversation.RunQuery{Cursor: c}))
		},
	}
	for _, sort := range []conversation.Sort{"recent", "oldest", "title"} {
		use[string(sort)] = func(c string) error {
			return second(f.engine.List(f.ctx, alice, conversation.Query{Sort: sort, Cursor: c}))
		}
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for there, try := range use {
		for of, cursor := range cursors {
			require.NotEmpty(t, cursor)
			if of == there {
				require.NoError(t, try(cursor))
				continue
			}
			require.Same(t, conversation.ErrBadCursor, try(cursor), "a cursor of %s for %s", of, there)
		}
		own := cursors[there]
		raw, err := base64.RawURLEncoding.DecodeString(own)
		require.NoError(t, err)
		for _, garbage := range []string{
			" ", "x", "!!!!", own + "=", own + "A", own[:len(own)-2], " " + own, own + own, "\x00", "\xff", strings.Repeat("A", 1<<20),
			b64(nil) + "A", b64([]byte("null")), b64([]byte("{}")), b64([]byte("[]")), b64([]byte("1")), b64([]byte(`"x"`)),
			b64(append(slices.Clone(raw), '}')), b64(append(slices.Clone(raw), raw...)), b64([]byte(strings.Replace(string(raw), `{`, `{"more":1,`, 1))),
			b64([]byte(strings.Replace(string(raw), `"k":"`, `"k":"9`, 1))), b64([]byte(strings.Replace(string(raw), `"k"`, `"K1"`, 1))),
		} {
			require.Same(t, conversation.ErrBadCursor, try(garbage), "%.60q for %s", garbage, there)
		}
	}
	// A cursor with text that no title can have would reach the store.
	evil, err := json.Marshal(map[string]any{"k": "l1", "s": "title", "t": "a\x00b", "i": uuid.New()})
	require.NoError(t, err)
	require.Same(t, conversation.ErrBadCursor, use["title"](b64(evil)))
}

// TestQ2_ACursorHoldsTheLongestTitle there can be.
func TestQ2_ACursorHoldsTheLongestTitle(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	for _, unit := range []string{"<", "\u2028", "\U0001F600", "\u0001", "\u023a", `"`, `\`} {
		for _, tail := range []string{"a", "b", "c"} {
			f.createWith(conversation.CreateParams{Title: strings.Repeat(unit, 199) + tail})
		}
	}
	require.Len(t, f.walk(conversation.Query{Sort: conversation.SortTitle, Limit: 1}), 21)
}

func TestQ2_SizesAreClamped(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	for range 110 {
		f.create()
	}
	for limit, want := range map[int]int{0: 25, 1: 1, -1: 1, -1 << 62: 1, 100: 100, 101: 100, 1 << 62: 100} {
		require.Len(t, f.list(conversation.Query{Limit: limit}).Conversations, want, "limit %d", limit)
		page := f.list(conversation.Query{Page: 1, PageSize: limit})
		require.Len(t, page.Conversations, want, "page size %d", limit)
		require.Equal(t, want, page.PageSize)
		require.EqualValues(t, 110, page.Total)
	}
	for number, want := range map[int]int{1: 1, 0: 1, -1: 1, -1 << 62: 1, 5: 5, 6: 6, 1 << 31: 1 << 31, 1 << 62: 1 << 62} {
		page := f.list(conversation.Query{Page: number, PageSize: 25})
		require.Equal(t, want, page.Page)
		switch {
		case want < 5:
			require.Len(t, page.Conversations, 25)
			require.True(t, page.HasMore)
		case want == 5:
			require.Len(t, page.Conversations, 10)
			require.False(t, page.HasMore)
		default:
			require.Empty(t, page.Conversations, "beyond the end is empty, not an error")
			require.False(t, page.HasMore)
			require.EqualValues(t, 110, page.Total)
		}
	}
	require.Zero(t, f.list(conversation.Query{}).Total, "a list by cursor does not count")
	require.Zero(t, f.list(conversation.Query{}).Page)
}

// TestQ3_TheFilterIsPlainTextInAnyCase over title, agent and latest preview.
func TestQ3_TheFilterIsPlainTextInAnyCase(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	titled := f.createWith(conversation.CreateParams{Title: "100% of a_b [x] (y) .* c:\\d 'q' \"w\" ?"})
	agent := f.createWith(conversation.CreateParams{Agent: &conversation.Agent{ID: "a", DisplayName: "Straße Müller"}})
	spoken := f.create()
	f.append(spoken, said("about elephants"), message(t, conversation.RoleAssistant, conversation.Text("Mice, rather,\n and   VOLES")))
	for text, want := range map[string][]uuid.UUID{
		"100%": {titled}, "%": {titled}, "_": {titled}, `\`: {titled}, `C:\D`: {titled}, ".*": {titled}, "[X]": {titled}, "'Q'": {titled}, `"w"`: {titled}, "?": {titled},
		"a%b": nil, "a.b": nil, "__": nil, "%%": nil, "*": {titled},
		"straße": {agent}, "MÜLLER": {agent}, "strasse": nil,
		"voles": {spoken}, "rather, and voles": {spoken}, "elephants": nil, "  mice ": {spoken},
		"": {spoken, agent, titled}, " \t": {spoken, agent, titled},
	} {
		require.Equal(t, want, append([]uuid.UUID(nil), ids(f.list(conversation.Query{Text: text}).Conversations)...), "%q", text)
	}
}

// TestQ4_LanesAndChannels.
func TestQ4_LanesAndChannels(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	made := map[string]uuid.UUID{}
	for _, channel := range []conversation.Channel{"web", "slack", "teams", "schedule", "email", "pager"} {
		made[string(channel)] = f.createWith(conversation.CreateParams{Title: string(channel), Channel: channel})
	}
	made["fast"] = f.createWith(conversation.CreateParams{Title: "fast", Mode: conversation.ModeFast})
	list := func(q conversation.Query) []string {
		q.Sort = conversation.SortTitle
		return titles(f.list(q).Conversations)
	}
	require.Equal(t, []string{"pager", "schedule", "slack", "teams", "web"}, list(conversation.Query{}), "all but email")
	require.Equal(t, []string{"email"}, list(conversation.Query{Channel: "email"}))
	require.Equal(t, []string{"pager"}, list(conversation.Query{Channel: "pager"}))
	for _, unknown := range []conversation.Channel{"fax", "Web", "%", "-", "\xff", conversation.Channel(strings.Repeat("x", 1<<20))} {
		page := f.list(conversation.Query{Channel: unknown, Page: 1})
		require.Empty(t, page.Conversations)
		require.Zero(t, page.Total)
	}
	require.Equal(t, []string{"fast"}, list(conversation.Query{Mode: conversation.ModeFast}))
	require.Len(t, list(conversation.Query{Mode: "turbo"}), 5)
	_, err := f.engine.Promote(f.ctx, alice, made["fast"])
	require.NoError(t, err)
	require.Empty(t, list(conversation.Query{Mode: conversation.ModeFast}))
	require.Len(t, list(conversation.Query{}), 6)
}

// TestQ1_ActivityMovesAConversation: a turn does, a new name does not.
func TestQ1_ActivityMovesAConversation(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	a, b, c := f.create(), f.create(), f.create()
	order := func() []uuid.UUID { return ids(f.list(conversation.Query{}).Conversations) }
	require.Equal(t, []uuid.UUID{c, b, a}, order())
	f.run(a, conversation.TurnRequest{Text: "hi"})
	require.Equal(t, []uuid.UUID{a, c, b}, order())
	f.append(b, said("hi"))
	require.Equal(t, []uuid.UUID{b, a, c}, order())
	_, err := f.engine.SetTitle(f.ctx, alice, c, "renamed")
	require.NoError(t, err)
	f.add(c, conversation.Participant{UserID: "bob"})
	require.Equal(t, []uuid.UUID{b, a, c}, order())
}

// TestQ2_MessagesByPages, from either end, above a version, with the head they
// were read at.
func TestQ2_MessagesByPages(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	const n = 23
	for i := range n {
		f.append(id, said(fmt.Sprint(i+1)))
	}
	for _, limit := range []int{0, 1, 2, 5, 22, 23, 24, 1000} {
		for _, since := range []int64{0, 1, 10, 22, 23, 99} {
			for _, desc := range []bool{false, true} {
				var got []int64
				q := conversation.MessageQuery{Limit: limit, Since: since, Desc: desc}
				for {
					page, err := f.engine.Messages(f.ctx, alice, id, q)
					require.NoError(t, err)
					require.EqualValues(t, n, page.Version)
					require.Equal(t, page.HasMore, page.Next != "")
					for _, m := range page.Messages {
						got = append(got, m.Seq)
						require.Equal(t, fmt.Sprint(m.Seq), m.Content.Text())
					}
					if !page.HasMore {
						break
					}
					q.Cursor = page.Next
				}
				var want []int64
				for seq := since + 1; seq <= n; seq++ {
					want = append(want, seq)
				}
				if desc {
					slices.Reverse(want)
				}
				require.Equal(t, want, got, "limit %d since %d desc %v", limit, since, desc)
			}
		}
	}
	// A walk from the front goes on into what was appended meanwhile.
	page, err := f.engine.Messages(f.ctx, alice, id, conversation.MessageQuery{Limit: 22})
	require.NoError(t, err)
	f.append(id, said("24"))
	page, err = f.engine.Messages(f.ctx, alice, id, conversation.MessageQuery{Limit: 22, Cursor: page.Next})
	require.NoError(t, err)
	require.Len(t, page.Messages, 2)
	require.EqualValues(t, 24, page.Version)
}

// TestQ2_RunsByPages, newest first.
func TestQ2_RunsByPages(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	var want []uuid.UUID
	for range 7 {
		want = append(want, f.run(id, conversation.TurnRequest{Text: "hi"}).ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{0, 1, 2, 3, 7, 8} {
		var got []uuid.UUID
		q := conversation.RunQuery{Limit: limit}
		for {
			page, err := f.engine.Runs(f.ctx, alice, id, q)
			require.NoError(t, err)
			require.Equal(t, page.HasMore, page.Next != "")
			for _, run := range page.Runs {
				got = append(got, run.ID)
			}
			if !page.HasMore {
				break
			}
			q.Cursor = page.Next
			// A run that comes in between is in front, and does not disturb the walk.
			if limit == 2 {
				f.run(id, conversation.TurnRequest{Text: "meanwhile"})
			}
		}
		if limit == 2 {
			got = got[len(got)-7:]
		}
		require.Equal(t, want, got[len(got)-7:], "limit %d", limit)
	}
}
