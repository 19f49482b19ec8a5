package memstore

import (
	"context"
	"slices"

	"github.com/parley-go/parley/store"
)

// ListConversations implements store.Store. It looks at every conversation the
// scope shows and keeps the best: the time grows with their number, the memory
// with the page and what is skipped before it.
func (s *Store) ListConversations(ctx context.Context, scope store.Scope, q *store.ListQuery) (*store.ListPage, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	w := newWalk(q)
	s.erasing.RLock()
	defer s.erasing.RUnlock()
	for i := range s.shards {
		s.shards[i].walk(scope, w)
		if err := alive(ctx); err != nil {
			return nil, err
		}
	}
	return w.page(), nil
}

// walk shows the shard's part of the scope to w.
func (sh *shard) walk(scope store.Scope, w *walk) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	var r *roster
	if scope.Wide {
		r = sh.tenants[scope.Tenant]
	} else {
		r = sh.users[userKey{scope.Tenant, scope.User}]
	}
	if r == nil {
		return
	}
	for block := range slices.Chunk(r.list, 16) {
		w.warm(block)
		for _, c := range block {
			w.see(c)
		}
	}
	w.settle()
}

// walk gathers the page of one list: the entries that come first in its order.
type walk struct {
	q       *store.ListQuery
	filter  filter
	order   order
	after   *place
	keep    int      // entries up to the end of the page, and one to know that more follow
	here    place    // of the conversation looked at
	best    []*entry // a heap, the last in order at its root
	total   int64
	touched int64 // keeps warm from being optimised away
}

// entry is a candidate. Its row is copied before the lock of its shard is let
// go, so that a page shows each conversation as it was when it got its place.
type entry struct {
	place
	c   *conversation
	row store.Conversation
}

func newWalk(q *store.ListQuery) *walk {
	w := &walk{q: q, filter: newFilter(q), order: orderOf(q.Sort)}
	if q.After != nil {
		after := placeOfKey(q.After)
		w.after = &after
	} else {
		w.keep = max(q.Offset, 0)
	}
	w.keep += max(q.Limit, 0) + 1
	return w
}

// warm touches what a block of conversations will be asked for, so that the
// memory's answers overlap: most of the time of a long walk is waiting for it.
func (w *walk) warm(block []*conversation) {
	for _, c := range block {
		w.touched ^= c.activity ^ int64(len(c.row.Mode)+len(c.row.Preview))
	}
	if w.filter.needle == "" {
		return
	}
	for _, c := range block {
		if c.title != "" {
			w.touched ^= int64(c.title[0])
		}
		if c.row.Preview != "" {
			w.touched ^= int64(c.row.Preview[0])
		}
	}
}

func (w *walk) see(c *conversation) {
	if !w.filter.matches(c) {
		return
	}
	w.total++
	w.here = placeOf(c)
	if w.after != nil && w.order(&w.here, w.after) <= 0 {
		return
	}
	if len(w.best) < w.keep {
		w.best = append(w.best, &entry{place: w.here, c: c})
		w.up(len(w.best) - 1)
		return
	}
	worst := w.best[0]
	if w.order(&w.here, &worst.place) >= 0 {
		return
	}
	worst.place, worst.c = w.here, c
	w.down(0)
}

// settle copies the rows of the entries that the walk through one shard left.
func (w *walk) settle() {
	for _, e := range w.best {
		if e.c == nil {
			continue
		}
		e.row = e.c.row
		if len(e.c.people.list) > 1 {
			e.row.Participants = e.c.people.list
		}
		e.c = nil
	}
}

// up and down keep best a heap with the last of the order at its root.
func (w *walk) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if w.order(&w.best[i].place, &w.best[parent].place) <= 0 {
			return
		}
		w.best[i], w.best[parent] = w.best[parent], w.best[i]
		i = parent
	}
}

func (w *walk) down(i int) {
	for {
		kid := 2*i + 1
		if kid >= len(w.best) {
			return
		}
		if kid+1 < len(w.best) && w.order(&w.best[kid+1].place, &w.best[kid].place) > 0 {
			kid++
		}
		if w.order(&w.best[kid].place, &w.best[i].place) <= 0 {
			return
		}
		w.best[i], w.best[kid] = w.best[kid], w.best[i]
		i = kid
	}
}

func (w *walk) page() *store.ListPage {
	slices.SortFunc(w.best, func(a, b *entry) int { return w.order(&a.place, &b.place) })
	skip := 0
	if w.after == nil {
		skip = min(max(w.q.Offset, 0), len(w.best))
	}
	entries := w.best[skip:]
	page := &store.ListPage{}
	if w.q.Count {
		page.Total = w.total
	}
	if limit := max(w.q.Limit, 0); len(entries) > limit {
		entries = entries[:limit]
		if limit > 0 {
			page.Next = entries[limit-1].key()
		}
	}
	page.Conversations = make([]store.Conversation, len(entries))
	for i, e := range entries {
		page.Conversations[i] = e.row
	}
	return page
}
