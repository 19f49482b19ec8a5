//go:build unix

package crashtest_test

import (
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/faultproxy"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/store"
)

// A process that was given up for dead comes back and writes. It is refused.
func TestCrash_LateWriter(t *testing.T) {
	// An engine is stopped for longer than its lease.
	t.Run("stopped", func(t *testing.T) {
		w := newWorld(t, pgtest.Start(t))
		w.setup.Lease = shortLease
		workers := w.employ(2)
		id, run := w.hold(t, workers)
		workers[0].signal(t, syscall.SIGSTOP)
		w.takenOver(t, workers[1], id, run)
		workers[0].signal(t, syscall.SIGCONT)
		w.refused(t, id, run, "run lease was lost: turn is over")
	})
	// The network between an engine and the database carries nothing for longer
	// than the lease, and then delivers what was sent, the end of the run among it.
	t.Run("cut off", func(t *testing.T) {
		w := newWorld(t, pgtest.Start(t))
		w.setup.Lease = shortLease
		network := faultproxy.New(t, w.server.URL())
		workers := []*remote{hire(t, "1"), hire(t, "2")}
		w.begin(workers[1])
		w.setup.URL = network.URL()
		w.begin(workers[0])
		id, run := w.holdFor(t, workers, Script{Words: 8, Gate: true})
		release := network.Hold()
		w.ledger.openGate(t, run.id)
		// The Responder is done before the lease is, and its engine believes to
		// hold the run: the end is on its way.
		eventually(t, func() bool {
			return w.ledger.count(t, `select count(*) from %s.attempt where run_id = $1 and cause = 'done'`, run.id) == 1
		}, "the Responder does not end")
		w.takenOver(t, workers[1], id, run)
		release()
		w.refused(t, id, run, "done")
	})
	// A process that looks at no lease writes straight to the store.
	t.Run("heedless", func(t *testing.T) {
		w := newWorld(t, pgtest.Start(t))
		w.setup.Lease = shortLease
		engine := w.employ(1)[0]
		heedless := hire(t, "heedless")
		w.setup.NoEngine = true
		w.begin(heedless)

		run := accepted{conversation: w.create(), script: Script{Words: 3}}
		run.id = engine.start(t, Turn{Conversation: run.conversation, Script: run.script}).Run
		require.Equal(t, conversation.RunCompleted, engine.wait(t, run.id).Status) // its spec serves as a pattern
		var taken Attempt
		heedless.must(t, "Take", run.id, &taken)
		require.True(t, taken.Failure.none(), taken.Failure.Text)
		var late Attempt
		heedless.must(t, "Write", taken, &late)
		require.True(t, late.Failure.none(), "before the lease is over it may write: %s", late.Failure.Text)

		heedless.signal(t, syscall.SIGSTOP)
		require.Equal(t, conversation.RunCompleted, engine.wait(t, taken.Key.RunID).Status)
		lines := w.log(run.conversation)
		require.Len(t, lines, 4)
		heedless.signal(t, syscall.SIGCONT)
		for _, method := range []string{"Write", "Renew", "Finish", "Release"} {
			late = Attempt{}
			heedless.must(t, method, taken, &late)
			require.True(t, late.Failure.is(store.ErrFenced), "%s of a late writer: %s", method, late.Failure.Text)
		}
		require.Equal(t, lines, w.log(run.conversation))
		row, err := w.store.GetRun(t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, taken.Key.RunID)
		require.NoError(t, err)
		require.Equal(t, store.RunCompleted, row.Status)
	})
}

// hold starts a run on the first worker that does not end by itself.
func (w *world) hold(t *testing.T, workers []*remote) (uuid.UUID, accepted) {
	t.Helper()
	return w.holdFor(t, workers, Script{Words: 10, Hold: 1})
}

// holdFor starts a run on the first worker and waits until the second has seen
// the beginning.
func (w *world) holdFor(t *testing.T, workers []*remote, script Script) (uuid.UUID, accepted) {
	t.Helper()
	run := accepted{conversation: w.create(), script: script}
	run.id = workers[0].start(t, Turn{Conversation: run.conversation, Script: script}).Run
	workers[1].open(t, run.id)(3)
	return run.conversation, run
}

// takenOver waits until the second worker has taken the run over and ended it.
func (w *world) takenOver(t *testing.T, second *remote, id uuid.UUID, run accepted) {
	t.Helper()
	end := second.wait(t, run.id)
	require.Equal(t, conversation.RunCompleted, end.Status)
	require.Equal(t, 2, end.Attempt)
	require.Equal(t, []string{"1 1", "2 2"}, w.ledger.attempts(t, run.id))
	w.oneAnswer(t, id, run)
}

// oneAnswer checks that the log has the second attempt's answer and no other.
func (w *world) oneAnswer(t *testing.T, id uuid.UUID, run accepted) {
	t.Helper()
	require.Equal(t, []line{
		{Role: conversation.RoleUser, Run: run.id, Text: run.script.text()},
		{Role: conversation.RoleAssistant, Run: run.id, Text: run.script.answer(run.id, 2)},
	}, w.log(id))
}

// refused waits until the first worker has noticed that the run is not its own
// any more, and checks that what it did came to nothing.
func (w *world) refused(t *testing.T, id uuid.UUID, run accepted, cause string) {
	t.Helper()
	before, err := w.store.GetRun(t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, run.id)
	require.NoError(t, err)
	eventually(t, func() bool {
		return w.ledger.count(t, `select count(*) from %s.attempt where run_id = $1 and attempt = 1 and cause = $2`, run.id, cause) == 1
	}, "the first Responder does not end because of "+cause)
	w.idle(t)
	after, err := w.store.GetRun(t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, run.id)
	require.NoError(t, err)
	require.Equal(t, before, after)
	w.oneAnswer(t, id, run)
	stream := w.stream(t, run.id)
	stream.wellFormed(t)
	require.Equal(t, run.script.answer(run.id, 2), stream.text())
}

// idle waits until nobody but the test has a statement under way.
func (w *world) idle(t *testing.T) {
	t.Helper()
	quiet := 0
	eventually(t, func() bool {
		var busy int
		require.NoError(t, w.pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity
			where backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid() and query like '%' || $1 || '%'`,
			w.schema).Scan(&busy))
		if quiet++; busy > 0 {
			quiet = 0
		}
		return quiet > 20
	}, "the database does not come to rest")
}

// stream reads the events of a run that is over.
func (w *world) stream(t *testing.T, run uuid.UUID) *Stream {
	t.Helper()
	s, err := w.book.Events(t.Context(), alice, run, conversation.Cursor{}, conversation.ViewParticipant)
	require.NoError(t, err)
	r := &reader{changed: make(chan struct{})}
	r.follow(t.Context(), s)
	return &Stream{Events: r.events, Ended: r.ended, Failure: r.failure}
}
