//go:build unix

package crashtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/pgtest"
)

// PostgreSQL goes down under load, without a word, and comes back: every
// acknowledged write is there, no other is there by half, and the engines go on
// by themselves.
func TestCrash_ServerImmediate(t *testing.T) {
	server := pgtest.New(t) // it waits for the disk, as servers do
	w := newWorld(t, server)
	w.setup.Lease, w.setup.MaxAttempts = time.Second, 100
	workers := w.employ(3)
	load := w.load(t, workers, w.store, 3)
	for range 3 {
		load.advance(t)
		server.Crash(t)
		server.Restart(t)
	}
	load.advance(t)
	load.verify(t)
	w.alive(t, workers)
}

// alive checks that every engine still works, without having been started again.
func (w *world) alive(t *testing.T, workers []*remote) {
	t.Helper()
	for i, r := range workers {
		after := workers[(i+1)%len(workers)].wait(t, r.start(t, Turn{Conversation: w.create(), Script: Script{Words: 1}}).Run)
		require.Equal(t, conversation.RunCompleted, after.Status, "engine %s does not work any more", r.name)
	}
}
