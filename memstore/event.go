package memstore

import (
	"context"
	"sort"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// eventLog is the packs of one run.
type eventLog struct {
	packs series[store.EventPack]
	gone  int // packs deleted from the front
}

// stored is the number of packs that are there.
func (l *eventLog) stored() int { return l.packs.n - l.gone }

// read returns up to limit packs that reach beyond after, and whether more follow.
func (l *eventLog) read(after int64, limit int) (packs []store.EventPack, more bool) {
	from := l.gone + sort.Search(l.stored(), func(i int) bool { return l.packs.at(l.gone+i).Last > after })
	to := l.packs.n
	if to-from > limit {
		to, more = from+limit, true
	}
	return l.packs.slice(from, to), more
}

// events is the number of events in up to limit packs from the front.
func (l *eventLog) events(limit int) int64 {
	var n int64
	for i := l.gone; i < l.packs.n && i < l.gone+limit; i++ {
		pack := l.packs.at(i)
		n += pack.Last - pack.First + 1
	}
	return n
}

// drop deletes up to limit packs from the front and returns how many.
func (l *eventLog) drop(limit int) int {
	n := min(l.stored(), limit)
	l.gone += n
	if l.stored() == 0 {
		*l = eventLog{}
	}
	return n
}

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
	r.events.packs.push(p.EventPack)
	r.row.EventSeq = p.Last
	return nil
}

// ReadEvents implements store.Store.
func (s *Store) ReadEvents(ctx context.Context, scope store.Scope, id uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	page := &store.EventPage{}
	err := s.view(scope, id, func(r *run) {
		page.Run = r.row
		page.Packs, page.More = r.events.read(after, max(limit, 0))
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}
