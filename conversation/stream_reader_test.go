package conversation_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// watcher reads a stream in a goroutine of its own and keeps what it saw.
type watcher struct {
	t    *testing.T
	stop context.CancelFunc
	over chan struct{}

	mu   sync.Mutex
	seen []*conversation.Event
	end  error
}

// follow reads a run's events from the start.
func follow(t *testing.T, f *fixture, run uuid.UUID) *watcher {
	t.Helper()
	return watch(t, f.events(run, conversation.Cursor{}))
}

// watch reads a stream until it ends, or until the test does.
func watch(t *testing.T, s *conversation.Stream) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{t: t, stop: cancel, over: make(chan struct{})}
	go func() {
		defer close(w.over)
		for e, err := range s.All(ctx) {
			w.mu.Lock()
			if err != nil {
				w.end = err
			} else {
				w.seen = append(w.seen, e)
			}
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() { cancel(); <-w.over })
	return w
}

// events returns what was seen so far.
func (w *watcher) events() []*conversation.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*conversation.Event(nil), w.seen...)
}

// err waits for the end of the stream and returns it.
func (w *watcher) err() error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-w.over:
	case <-ctx.Done():
		require.FailNow(w.t, "the stream did not end")
	}
	return w.end
}
