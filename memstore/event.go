package memstore

import (
	"context"
	"sort"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// AppendEvents implements store.Store.
func (s *Store) AppendEvents(ctx context.Context, packs []store.EventAppend) ([]error, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	unlock := s.lockEach(len(packs), func(i int) uuid.UUID { return packs[i].Key.ConversationID })
	defer unlock()
	answers := make([]error, len(packs))
	for i := range packs {
		answers[i] = s.addEvents(&packs[i])
	}
	return answers, nil
}

func (s *Store) addEvents(p *store.EventAppend) error {
	r := s.held(p.Key)
	switch {
	case r == nil:
		return store.ErrFenced
	case p.First != r.row.EventSeq+1 || p.Last < p.First:
		if p.Last <= r.row.EventSeq {
			return nil
		}
		return &store.VersionConflictError{Expected: p.First - 1, Current: r.row.EventSeq}
	}
	r.events.push(p.EventPack)
	r.row.EventSeq = p.Last
	return nil
}

// ReadEvents implements store.Store.
func (s *Store) ReadEvents(ctx context.Context, scope store.Scope, run uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	return s.eventsOf(scope, run, after, max(limit, 0))
}

func (s *Store) eventsOf(scope store.Scope, id uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	page := &store.EventPage{}
	err := s.view(scope, id, func(r *run) {
		page.Run = r.row
		n := r.events.n
		from := sort.Search(n, func(i int) bool { return r.events.at(i).Last > after })
		to := n
		if n-from > limit {
			to = from + limit
			page.More = true
		}
		page.Packs = r.events.slice(from, to)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}
