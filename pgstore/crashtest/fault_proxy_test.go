//go:build unix

package crashtest_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/faultproxy"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// weather is what the network does to one request in fifty or so.
var weather = faultproxy.Faults{Cut: 0.02, Swallow: 0.02, Delay: 2 * time.Millisecond}

// Connections are cut, answers lost, requests held up: every call has a result,
// or an error that a caller can act on. One of unknown outcome is made again
// with the same key or the same ids, and nothing is there twice.
func TestCrash_FaultProxy(t *testing.T) {
	w := newWorld(t, pgtest.Start(t))
	network := faultproxy.New(t, w.server.URL())
	w.setup.URL, w.setup.MaxAttempts, w.setup.Lease = network.URL(), 100, shortLease
	workers := w.employ(3)
	far, err := pgstore.New(pgtest.NewPool(t, network.URL(), 4), &pgstore.Options{Schema: w.schema})
	require.NoError(t, err)

	network.Set(weather)
	l := w.load(t, workers, far, 3)
	l.clients.Go(func() { l.pester(t) })
	for range 3 {
		l.advance(t)
		network.CutAll()
		l.advance(t)
		release := network.Hold()
		pause(t.Context(), 300*time.Millisecond)
		release()
	}
	eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.unknown > 3 && l.pestered > 3 }, "no answer is lost")
	l.end()
	network.Set(faultproxy.Faults{})
	l.verify(t)
	w.alive(t, workers)
	t.Logf("of the requests and connections, %+v", network.Counts())
	require.Greater(t, network.Counts().Cuts, int64(20))
	require.Greater(t, network.Counts().Swallows, int64(20))
}

// pester makes conversations, and runs in them that it hands a text and stops.
// It checks by itself what became of them.
func (l *load) pester(t *testing.T) {
	t.Helper()
	for at := 0; !l.over(); at++ {
		id, err := uuid.NewV7()
		if err != nil {
			panic(err) // the system has no random bytes
		}
		if l.insist(t, at, "Create", id) == nil {
			return
		}
		run := l.insist(t, at, "Start", Turn{Conversation: id, Script: Script{Words: 5, Hold: 1000}, Key: "only"})
		if run == nil {
			return
		}
		// Its id is made for each call, so it is not made again: whether it is there
		// once or not at all is all the same.
		var nudge Reply
		if l.workers[at%3].call(t.Context(), "Nudge", run.Run, &nudge) != nil {
			return
		}
		l.note(nudge.Failure)
		stopped := l.insist(t, at+1, "Stop", run.Run)
		if stopped == nil {
			return
		}
		end := l.insist(t, at+2, "Wait", run.Run)
		if end == nil {
			return
		}
		l.mu.Lock()
		l.pestered++
		if end.Status != conversation.RunStopped {
			l.wrong = append(l.wrong, Failure{Text: "a stopped run ended " + string(end.Status)})
		}
		l.mu.Unlock()
		rows, err := l.w.store.ListRuns(t.Context(), store.Scope{Tenant: alice.Tenant, User: alice.User}, id, &store.RunQuery{Limit: 10})
		if err != nil || len(rows) != 1 || rows[0].ID != run.Run {
			l.mu.Lock()
			l.wrong = append(l.wrong, Failure{Text: "a turn was started twice, or not at all"})
			l.mu.Unlock()
		}
	}
}
