package storetest

import (
	"slices"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The draws.

// yes happens about once in so many draws. Rapid prefers small numbers, and
// what is rare should not become frequent by that.
func (m *machine) yes(label string, oneIn int) bool {
	return rapid.IntRange(1, oneIn).Draw(m.T, label) == oneIn
}

func pick[T any](m *machine, label string, of ...T) T {
	return of[rapid.IntRange(0, len(of)-1).Draw(m.T, label)]
}

// conversation picks one, or skips the action when there is none.
func (m *machine) conversation() *twinConversation {
	if len(m.conversations) == 0 {
		m.Skip("no conversation")
	}
	c := m.conversations[len(m.conversations)-1]
	if m.yes("any", 3) { // else much happens to one
		c = pick(m, "conversation", m.conversations...)
	}
	c.touched = true
	return c
}

func (m *machine) run() *twinRun {
	if len(m.runs) == 0 {
		m.Skip("no run")
	}
	of := m.runs
	if live := m.live(); len(live) > 0 && !m.yes("any", 3) {
		of = live
	}
	r := pick(m, "run", of...)
	r.of.touched = true
	return r
}

// live are the runs that had not ended when they were seen last.
func (m *machine) live() (live []*twinRun) {
	for _, r := range m.runs {
		for _, row := range r.of.last[0].Runs {
			if row.ID == r.started.ID && !row.Status.Terminal() {
				live = append(live, r)
			}
		}
	}
	return live
}

// attempt picks one of the attempts that somebody held, mostly the newest.
func (m *machine) attempt() (*twinRun, twinAttempt) {
	r := m.run()
	if len(r.attempts) == 0 {
		m.Skip("no attempt")
	}
	if m.yes("an old one", 4) {
		return r, pick(m, "attempt", r.attempts...)
	}
	return r, r.attempts[len(r.attempts)-1]
}

// scope is mostly that of the owner.
func (m *machine) scope(c *twinConversation) store.Scope {
	s := store.Scope{Tenant: c.created.Tenant, User: c.created.Owner}
	switch rapid.IntRange(0, 23).Draw(m.T, "scope") {
	case 20:
		s.User = "eve"
	case 21:
		s.User = "bob"
	case 22:
		s.Tenant = pick(m, "tenant", "globex", "acme")
	case 23:
		s.User, s.Wide = "admin", true
	}
	return s
}

func (m *machine) people() []store.Participant {
	var out []store.Participant
	for range rapid.IntRange(0, 3).Draw(m.T, "people") {
		out = append(out, store.Participant{
			UserID: pick(m, "person", "ann", "bob", "cat"), Name: pick(m, "name", "", "N", "Ñ"),
			Member: m.yes("member", 2), Author: m.yes("author", 2), AvatarURL: pick(m, "picture", "", "u"),
		})
	}
	return out
}

// head is a version somebody may expect: mostly the present one.
func (m *machine) head(c *twinConversation) int64 {
	head := c.last[0].Version
	if m.yes("another version", 4) {
		return max(0, head+int64(rapid.IntRange(-2, 2).Draw(m.T, "off by")))
	}
	return head
}

var twinTitles = []string{"", "Alpha", "alpha", "BETA %", "beta_", "Äpfel"}

// The conversations.

func (m *machine) create() {
	if len(m.conversations) > 2 && !m.yes("one more", 4) {
		m.Skip("enough conversations")
	}
	n := m.twin[0].newConversation(func(n *store.NewConversation) {
		n.Tenant, n.Owner = pick(m, "tenant", "acme", "acme", "acme", "globex"), pick(m, "owner", "ann", "ann", "bob")
		n.Title, n.Mode = pick(m, "title", twinTitles...), pick(m, "mode", "standard", "fast")
		n.Channel, n.AgentID, n.AgentName = pick(m, "channel", "web", "slack", "email"), pick(m, "agent", "", "a"), pick(m, "agent name", "", "Alphabet")
		n.Participants = m.people()
	})
	m.add(n)
}

func (m *machine) add(n *store.NewConversation) {
	c := &twinConversation{created: n, touched: true, settling: map[string]bool{}}
	m.conversations = append(m.conversations, c)
	m.both("create", func(_ int, e *env) (any, error) { return e.store.CreateConversation(e.ctx, n) })
}

func (m *machine) fork() {
	source := m.conversation()
	if len(m.conversations) > 7 {
		m.Skip("enough conversations")
	}
	n := m.twin[0].newConversation()
	scope := m.scope(source)
	n.Tenant, n.ParentID, n.Copy = source.created.Tenant, source.created.ID, &scope
	n.ParentVersion = m.head(source)
	m.add(n)
	for i, e := range m.twin {
		if p := e.pictureIn(n.Tenant, n.ID); !p.Missing && n.ParentVersion > 0 {
			require.Equal(m, source.last[i].Messages[:n.ParentVersion], p.Messages, "a copy, times and all")
		}
	}
}

func (m *machine) recreate() {
	c := m.conversation()
	n := *c.created
	n.Owner, n.Tenant = pick(m, "owner", "ann", "bob"), pick(m, "tenant", "acme", "globex")
	n.Title = "again"
	if c.last[0].Missing {
		m.Skip("it would be created anew")
	}
	m.both("create again", func(_ int, e *env) (any, error) { return e.store.CreateConversation(e.ctx, &n) })
}

func (m *machine) update() {
	c, u := m.conversation(), &store.ConversationUpdate{}
	if m.yes("title", 2) {
		u.Title = &store.TitleUpdate{Title: pick(m, "title", twinTitles...), Derived: m.yes("derived", 2)}
	}
	if m.yes("mode", 3) {
		u.Mode = ptr(pick(m, "mode", "standard", "fast"))
	}
	if m.yes("people", 2) {
		u.Participants = m.people()
	}
	scope := m.scope(c)
	m.both("update", func(i int, e *env) (any, error) {
		row, err := e.store.UpdateConversation(e.ctx, scope, c.created.ID, u)
		return m.moved(c, i, row), err
	})
}

func (m *machine) remove() {
	c := m.conversation()
	if c.last[0].Conversation.DeletedAt.IsZero() && !m.yes("really", 4) {
		m.Skip("not too often")
	}
	scope := m.scope(c)
	m.both("delete", func(i int, e *env) (any, error) {
		row, ended, err := e.store.DeleteConversation(e.ctx, scope, c.created.ID, []byte(`"deleted"`))
		ended = slices.SortedFunc(slices.Values(ended), byRef)
		return []any{m.moved(c, i, row), ended}, err
	})
}

func (m *machine) restore() {
	c := m.conversation()
	scope := m.scope(c)
	m.both("restore", func(i int, e *env) (any, error) {
		row, err := e.store.RestoreConversation(e.ctx, scope, c.created.ID)
		return m.moved(c, i, row), err
	})
}

// moved is the row, and whether it is newer than when it was seen last.
func (m *machine) moved(c *twinConversation, i int, row *store.Conversation) any {
	return []any{row, row != nil && row.UpdatedAt.After(c.last[i].Conversation.UpdatedAt)}
}

func (m *machine) purge() {
	c := m.conversation()
	if !m.yes("really", 10) {
		m.Skip("not too often")
	}
	target := store.PurgeTarget{Tenant: pick(m, "tenant", "acme", "globex")}
	switch rapid.IntRange(0, 4).Draw(m.T, "target") {
	case 0:
		target.Owner = pick(m, "owner", "ann", "bob", "cat")
	case 1:
	default:
		target.ConversationID = c.created.ID
	}
	for _, c := range m.conversations {
		c.touched = true
	}
	m.both("purge", func(_ int, e *env) (any, error) { return e.store.Purge(e.ctx, target) })
}

func (m *machine) list() {
	scope := store.Scope{Tenant: pick(m, "tenant", "acme", "globex"), User: pick(m, "user", "ann", "bob", "eve"), Wide: m.yes("wide", 3)}
	q := store.ListQuery{
		Text: pick(m, "text", "", "", "alpha", "A", "%", "_", "ä"), Mode: pick(m, "mode", "", "", "fast"),
		Channel: pick(m, "channel", "", "", "web", "none"), AgentID: pick(m, "agent", "", "", "a"),
		Sort: pick(m, "sort", store.SortTitle, store.SortRecent, store.SortOldest), Limit: rapid.IntRange(1, 4).Draw(m.T, "limit"), Count: true,
	}
	if m.yes("exclude", 3) {
		q.Exclude = []string{"email"}
	}
	m.both("list", func(_ int, e *env) (any, error) {
		all := e.walkAs(scope, q)
		if q.Sort != store.SortTitle {
			// Activities within one microsecond have no order that both share.
			slices.SortFunc(all, func(a, b store.Conversation) int { return slices.Compare(a.ID[:], b.ID[:]) })
		}
		q := q
		q.Offset, q.Sort = 1, store.SortTitle
		page, err := e.store.ListConversations(e.ctx, scope, &q)
		return []any{all, page}, err
	})
}

// walkAs goes through all pages and requires that each is in order.
func (e *env) walkAs(scope store.Scope, q store.ListQuery) []store.Conversation {
	e.Helper()
	var all []store.Conversation
	for {
		page := e.list(scope, q)
		all = append(all, page.Conversations...)
		require.LessOrEqual(e, len(all), 1000, "the walk does not end")
		if page.Next == nil {
			break
		}
		q.After = page.Next
	}
	order := map[store.Sort]func(a, b *store.Conversation) int{
		store.SortTitle: byTitle, store.SortRecent: recentFirst,
		store.SortOldest: func(a, b *store.Conversation) int { return -recentFirst(a, b) },
	}[q.Sort]
	require.True(e, slices.IsSortedFunc(all, func(a, b store.Conversation) int { return order(&a, &b) }), "out of order: %s", q.Sort)
	return all
}

// The log.

func (m *machine) messages() {
	c := m.conversation()
	q := &store.MessageQuery{
		After: int64(rapid.IntRange(0, 9).Draw(m.T, "after")), Before: int64(rapid.IntRange(0, 9).Draw(m.T, "before")),
		Limit: rapid.IntRange(1, 5).Draw(m.T, "limit"), Desc: m.yes("desc", 2),
	}
	scope := m.scope(c)
	m.both("messages", func(_ int, e *env) (any, error) { return e.store.Messages(e.ctx, scope, c.created.ID, q) })
}

// tail leaves calls behind now and then.
func (m *machine) tail(n int) store.Tail {
	t := store.Tail{Messages: messages(n), Preview: pick(m, "preview", "", "Preview", "alpha")}
	if m.yes("calls", 8) {
		t.Pending = []byte(`["call"]`)
	}
	if n > 0 {
		t.Participants = m.people()
	}
	return t
}

func (m *machine) append() {
	c := m.conversation()
	a := &store.Append{
		Scope: m.scope(c), ConversationID: c.created.ID, Race: m.yes("race", 3), Tail: m.tail(rapid.IntRange(1, 3).Draw(m.T, "messages")),
	}
	if a.Settles = m.yes("settles", 3); a.Settles || m.yes("expect", 2) {
		a.Expected = ptr(m.head(c))
	}
	c.appends = append(c.appends, a)
	m.doAppend(a)
}

func (m *machine) doAppend(a *store.Append) {
	m.both("append", func(_ int, e *env) (any, error) {
		result, err := e.store.Append(e.ctx, a)
		if err == nil && result.Replayed {
			result = &store.AppendResult{Version: result.Version, Messages: result.Messages, Replayed: true}
		}
		return result, err
	})
}

// reappend repeats an append, whole or in part, as it was or at another place.
func (m *machine) reappend() {
	c := m.conversation()
	if len(c.appends) == 0 {
		m.Skip("no append")
	}
	a := *pick(m, "append", c.appends...)
	a.Messages = slices.Clone(a.Messages)
	switch rapid.IntRange(0, 5).Draw(m.T, "how") {
	case 0:
		slices.Reverse(a.Messages)
	case 1:
		a.Messages = append(a.Messages, messages(1)...)
	case 2:
		a.Expected = ptr(m.head(c))
	case 3:
		a.Messages = a.Messages[:1]
	}
	if a.Settles && a.Expected == nil {
		a.Expected = ptr(m.head(c))
	}
	m.doAppend(&a)
}

// lapse waits until every short lease that was given is over.
func (m *machine) lapse() {
	for i, e := range m.twin {
		if !m.lapsing[i].IsZero() {
			e.passed(m.lapsing[i])
		}
	}
	m.lapsing = [2]time.Time{}
}
