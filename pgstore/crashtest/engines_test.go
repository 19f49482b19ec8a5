//go:build unix

package crashtest_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/store"
)

// Engines in processes of their own work on one database: each run is executed
// once, one at a time, and its stream reads the same everywhere.
func TestCrash_TwoEngines(t *testing.T) {
	t.Run("hints", func(t *testing.T) { crowd(t, newWorld(t, pgtest.Start(t)), 2, 200) })
	t.Run("polling only", func(t *testing.T) {
		w := newWorld(t, pgtest.Start(t))
		w.setup.Quiet = true
		crowd(t, w, 2, 200)
	})
	t.Run("behind PgBouncer", func(t *testing.T) {
		server := pgtest.New(t, "fsync=off")
		w := newWorld(t, server)
		w.setup.URL = server.Bouncer(t, "postgres", 4) // fewer than the workers' connections, so they take turns
		crowd(t, w, 2, 200)
	})
}

func TestCrash_EightEngines(t *testing.T) {
	crowd(t, newWorld(t, pgtest.Start(t)), 8, 400)
}

// policies are how the turns of a conversation meet.
var policies = []conversation.BusyPolicy{
	conversation.BusyReject, conversation.BusyEnqueue, conversation.BusyRace, conversation.BusyInterrupt,
}

// accepted is a run that was started.
type accepted struct {
	id           uuid.UUID
	conversation uuid.UUID
	policy       conversation.BusyPolicy
	script       Script
	end          Reply
	stream       *Stream
}

// crowd starts turns from all of several engines and reads each of their streams
// in a process that did not start it.
func crowd(t *testing.T, w *world, engines, turns int) {
	t.Helper()
	const each = 5 // conversations of a policy
	workers := w.employ(engines)
	ids := map[conversation.BusyPolicy][]uuid.UUID{}
	for _, p := range policies {
		ids[p] = w.creates(each)
	}
	twoActive := w.watchdog(sqlTwoActive, ids[conversation.BusyRace])

	var (
		mu   sync.Mutex
		runs []accepted
		next atomic.Int64
		work sync.WaitGroup
	)
	for range 24 {
		work.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= turns || t.Failed() {
					return
				}
				// Turns that follow each other meet in one conversation.
				p := policies[n%len(policies)]
				at := n / len(policies) / 10 % each
				run := accepted{conversation: ids[p][at], policy: p, script: Script{Words: 3 + n%5, Pause: 2 * time.Millisecond}}
				if run.follow(t, workers[n%engines], workers[(n+1)%engines], fmt.Sprint(n)) {
					mu.Lock()
					runs = append(runs, run)
					mu.Unlock()
				}
			}
		})
	}
	work.Wait()
	require.False(t, t.Failed())
	require.Len(t, runs, turns)
	require.Empty(t, twoActive(), "R4: two active runs in one conversation")

	ended := map[conversation.RunStatus]int{}
	for i := range runs {
		ended[runs[i].end.Status]++
		runs[i].verify(t)
	}
	t.Logf("%d engines, %d turns: %v", engines, turns, ended)
	require.GreaterOrEqual(t, ended[conversation.RunCompleted], turns/len(policies))
	require.NotZero(t, ended[conversation.RunFailed], "no race was lost, so none was run")
	require.NotZero(t, ended[conversation.RunStopped], "nobody was interrupted")
	for _, p := range policies {
		for _, id := range ids[p] {
			w.verifyLog(id, p, runs)
		}
	}
	require.Zero(t, w.ledger.count(t, `select count(*) from (select run_id from %s.attempt group by run_id having count(*) > 1) twice`),
		"a run was executed more than once")
	require.Zero(t, w.ledger.count(t, `select count(*) from %s.clash where conversation_id = any($1)`,
		append(ids[conversation.BusyReject], ids[conversation.BusyEnqueue]...)), "two Responders worked in one conversation")
	w.verifySpread(engines)
}

// follow starts the turn at one worker, follows it at another and waits for its
// end. It reports whether that went well.
func (r *accepted) follow(t *testing.T, starter, reader *remote, key string) bool {
	t.Helper()
	turn := Turn{Conversation: r.conversation, Script: r.script, Key: key, Busy: r.policy}
	var started Reply
	for {
		if err := starter.call(t.Context(), "Start", turn, &started); !assert.NoError(t, err) {
			return false
		}
		if started.Failure.none() {
			break
		}
		// A busy conversation takes no turn: a client waits and asks again.
		busy := r.policy == conversation.BusyReject && started.Failure.is(store.ErrRunActive)
		if !assert.True(t, busy, started.Failure.Text) || !pause(t.Context(), 2*poll) {
			return false
		}
		started = Reply{}
	}
	r.id = started.Run
	var id int
	if err := reader.call(t.Context(), "Open", r.id, &id); !assert.NoError(t, err) {
		return false
	}
	r.stream = &Stream{}
	if err := reader.call(t.Context(), "Collect", Collect{Reader: id, Events: whole}, r.stream); !assert.NoError(t, err) {
		return false
	}
	err := reader.call(t.Context(), "Wait", r.id, &r.end)
	return assert.NoError(t, err) && assert.True(t, r.end.Failure.none(), r.end.Failure.Text)
}

// verify checks what was seen of the run.
func (r *accepted) verify(t *testing.T) {
	t.Helper()
	r.stream.wellFormed(t)
	require.Empty(t, r.stream.restarts(), "nobody died")
	require.LessOrEqual(t, r.end.Attempt, 1)
	require.EqualValues(t, "run."+r.end.Status, r.stream.last().Type)
	whole := r.script.answer(r.id, 1)
	switch r.end.Status {
	case conversation.RunCompleted:
		require.Equal(t, whole, r.stream.text(), "S2: the deltas are the text")
		require.Equal(t, whole, r.end.Text)
	case conversation.RunFailed:
		require.Equal(t, conversation.BusyRace, r.policy)
		require.Equal(t, conversation.CodeConcurrentAppend, r.end.Code)
		require.Equal(t, whole, r.stream.text())
	case conversation.RunStopped:
		require.Equal(t, conversation.BusyInterrupt, r.policy)
		require.True(t, len(r.stream.text()) <= len(whole) && whole[:len(r.stream.text())] == r.stream.text(), "a part of the answer")
	default:
		require.Fail(t, "unexpected end", r.end.Status)
	}
}

// verifyLog checks that a conversation's log has the turns that landed, each of
// them once and whole, one behind the other, and no others.
func (w *world) verifyLog(id uuid.UUID, policy conversation.BusyPolicy, runs []accepted) {
	w.t.Helper()
	lines := w.log(id)
	at := map[uuid.UUID]int{} // where a run's messages begin
	for i := 0; i < len(lines); i += 2 {
		require.Less(w.t, i+1, len(lines), "V3: half a turn")
		user, assistant := lines[i], lines[i+1]
		require.Equal(w.t, conversation.RoleUser, user.Role)
		require.Equal(w.t, conversation.RoleAssistant, assistant.Role)
		require.Equal(w.t, user.Run, assistant.Run)
		require.NotContains(w.t, at, user.Run, "a turn landed twice")
		at[user.Run] = i
	}
	for _, r := range runs {
		if r.conversation != id {
			continue
		}
		i, landed := at[r.id]
		delete(at, r.id)
		switch text := r.stream.text(); {
		case r.end.Status == conversation.RunCompleted, r.end.Status == conversation.RunStopped && text != "":
			require.True(w.t, landed, "an acknowledged turn is missing")
			require.Equal(w.t, r.script.text(), lines[i].Text)
			require.Equal(w.t, text, lines[i+1].Text)
			require.Equal(w.t, r.end.Status == conversation.RunStopped, lines[i+1].Incomplete)
			require.EqualValues(w.t, i+2, r.end.Version)
		default:
			require.False(w.t, landed, "a turn that did not land is in the log")
		}
	}
	require.Empty(w.t, at, "the log has turns that nobody started")
	if policy == conversation.BusyRace {
		return
	}
	for _, r := range w.runs(id) {
		require.NotEqual(w.t, store.RunFailed, r.Status)
	}
}

// verifySpread checks that every engine had a part in the work.
func (w *world) verifySpread(engines int) {
	w.t.Helper()
	var shares []string
	rows, err := w.pool.Query(context.Background(), "select worker || ': ' || count(*) from "+w.schema+".attempt group by worker order by worker")
	require.NoError(w.t, err)
	shares = collect[string](w.t, rows)
	w.t.Log("runs by engine:", shares)
	require.Len(w.t, shares, engines)
}
