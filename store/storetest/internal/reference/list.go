package reference

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

var noID uuid.UUID

func (s *Store) ListConversations(ctx context.Context, scope store.Scope, q *store.ListQuery) (*store.ListPage, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var found []store.Conversation
	for id, c := range s.conversations {
		if _, err := s.see(scope, id); err != nil || !c.row.DeletedAt.IsZero() && !s.is(ListShowsDeleted) {
			continue
		}
		if s.matches(&c.row, q) {
			found = append(found, c.view())
		}
	}
	if s.is(ListJoinsMembers) {
		for _, c := range slices.Clone(found) {
			for range c.Participants[1:] {
				found = append(found, c)
			}
		}
	}
	slices.SortFunc(found, func(a, b store.Conversation) int { return s.compare(q.Sort, s.listKey(&a), s.listKey(&b)) })
	page := &store.ListPage{}
	if q.Count {
		page.Total = int64(len(found))
	}
	known := q.After != nil && slices.ContainsFunc(found, func(c store.Conversation) bool { return c.ID == q.After.ID })
	if q.After != nil && s.is(CursorNeedsItsEntry) && !known {
		return page, nil
	}
	if q.After != nil {
		found = slices.DeleteFunc(found, func(c store.Conversation) bool {
			n := s.compare(q.Sort, s.listKey(&c), *q.After)
			return n < 0 || n == 0 && !s.is(CursorIsInclusive)
		})
		if s.is(TotalIsRest) && q.Count {
			page.Total = int64(len(found))
		}
	}
	found = found[min(q.Offset, len(found)):]
	if len(found) > q.Limit || s.is(NextAlways) && len(found) == q.Limit {
		found = found[:q.Limit]
		next := s.listKey(&found[q.Limit-1])
		page.Next = &next
	}
	for i := range found {
		if len(found[i].Participants) == 1 && !s.is(ListGivesOwner) || s.is(ListForgetsPeople) {
			found[i].Participants = nil
		}
	}
	page.Conversations = found
	return page, nil
}

func (s *Store) matches(c *store.Conversation, q *store.ListQuery) bool {
	switch {
	case q.Mode != "" && c.Mode != q.Mode, q.AgentID != "" && c.AgentID != q.AgentID:
		return false
	case q.Channel != "" && c.Channel != q.Channel && !s.is(ListIgnoresChannel):
		return false
	case slices.Contains(q.Exclude, c.Channel) && !s.is(ListIgnoresExclude):
		return false
	case q.Text == "":
		return true
	}
	text := store.Fold(q.Text)
	has := func(field string) bool { return strings.Contains(store.Fold(field), text) }
	switch {
	case s.is(TextIsPattern):
		has = func(field string) bool {
			glob := strings.NewReplacer("%", "*", "_", "?").Replace(text)
			ok, err := path.Match("*"+glob+"*", store.Fold(field))
			return ok && err == nil
		}
	case s.is(TextFoldsASCII):
		has = func(field string) bool { return strings.Contains(lowerASCII(field), lowerASCII(q.Text)) }
	case s.is(TextSpansFields):
		return has(c.Title + c.AgentName + c.Preview)
	case s.is(TextSkipsPreview):
		return has(c.Title) || has(c.AgentName)
	}
	return has(c.Title) || has(c.AgentName) || has(c.Preview)
}

func (s *Store) listKey(c *store.Conversation) store.ListKey {
	title := store.Fold(c.Title)
	if s.is(TitleCaseSensitive) {
		title = c.Title
	}
	if s.is(ListByCreation) {
		return store.ListKey{ActivityAt: c.CreatedAt, Title: title, ID: c.ID}
	}
	return store.ListKey{ActivityAt: c.ActivityAt, Title: title, ID: c.ID}
}

func (s *Store) compare(sort store.Sort, a, b store.ListKey) int {
	if s.is(ListUnstable) {
		a.ID, b.ID = reversed(a.ID), reversed(b.ID)
	}
	switch sort {
	case store.SortTitle:
		if (a.Title == "") != (b.Title == "") && !s.is(UntitledFirst) {
			if a.Title == "" {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.Title, b.Title), compareIDs(a.ID, b.ID))
	case store.SortOldest:
		return cmp.Or(a.ActivityAt.Compare(b.ActivityAt), compareIDs(a.ID, b.ID))
	default:
	}
	if s.is(ActivityByMinute) {
		a.ActivityAt, b.ActivityAt = a.ActivityAt.Truncate(60e9), b.ActivityAt.Truncate(60e9)
	}
	return cmp.Or(b.ActivityAt.Compare(a.ActivityAt), compareIDs(b.ID, a.ID))
}

func reversed(id uuid.UUID) uuid.UUID {
	for i := range id {
		id[i] = ^id[i]
	}
	return id
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
