package memstore

import (
	"context"
	"sync"

	"github.com/parley-go/parley/store"
)

// hintsKept is how many hints wait for a listener that is busy. More are
// dropped: a hint carries no truth, and who missed some polls.
const hintsKept = 1024

// listeners are the calls of Listen that run now.
type listeners struct {
	mu  sync.RWMutex
	all map[chan store.Hint]struct{}
}

// Notify implements store.Store.
func (s *Store) Notify(ctx context.Context, hints []store.Hint) error {
	if err := alive(ctx); err != nil {
		return err
	}
	s.listeners.mu.RLock()
	defer s.listeners.mu.RUnlock()
	for listener := range s.listeners.all {
		for _, h := range hints {
			select {
			case listener <- h:
			default:
			}
		}
	}
	return nil
}

// Listen implements store.Store.
func (s *Store) Listen(ctx context.Context, fn func(store.Hint)) error {
	hints := make(chan store.Hint, hintsKept)
	s.listeners.add(hints)
	defer s.listeners.remove(hints)
	for {
		select {
		case <-ctx.Done():
			return nil
		case h := <-hints:
			if ctx.Err() != nil {
				return nil
			}
			fn(h)
		}
	}
}

func (l *listeners) add(ch chan store.Hint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[chan store.Hint]struct{})
	}
	l.all[ch] = struct{}{}
}

func (l *listeners) remove(ch chan store.Hint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, ch)
}
