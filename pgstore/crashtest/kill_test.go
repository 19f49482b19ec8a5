//go:build unix

package crashtest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/store"
)

// shortLease is that of tests that wait for one to end. It leaves room for a
// machine that has other things to do.
const shortLease = 2 * time.Second

// grace is how much longer than the lease it may take until the run of a dead
// process has ended.
const grace = 2 * time.Second

// When the process that runs is killed, another takes the run over, and readers
// elsewhere are told.
func TestCrash_KillProcess(t *testing.T) {
	t.Run("another finishes", func(t *testing.T) {
		w := newWorld(t, pgtest.Start(t))
		w.setup.Lease = shortLease
		id, before, run, s := w.killRunner(t)

		require.Equal(t, []int{2}, s.restarts(), "S1: the restart is announced")
		require.Equal(t, conversation.EventRunCompleted, s.last().Type)
		require.Equal(t, run.script.answer(run.id, 2), s.text())
		after := w.log(id)
		require.Equal(t, before, after[:len(before)], "what was acknowledged stays")
		require.Equal(t, []line{
			{Role: conversation.RoleUser, Run: run.id, Text: run.script.text()},
			{Role: conversation.RoleAssistant, Run: run.id, Text: run.script.answer(run.id, 2)},
		}, after[len(before):])
		made := w.ledger.attempts(t, run.id)
		require.Len(t, made, 2)
		require.Equal(t, "1 1", made[0])
		require.Contains(t, []string{"2 2", "2 3"}, made[1])
	})
	t.Run("no other try", func(t *testing.T) {
		w := newWorld(t, pgtest.Start(t))
		w.setup.Lease, w.setup.MaxAttempts = shortLease, 1
		id, before, run, s := w.killRunner(t)

		require.Equal(t, conversation.EventRunFailed, s.last().Type)
		row, err := w.book.Run(t.Context(), alice, run.id, conversation.ViewParticipant)
		require.NoError(t, err)
		require.Equal(t, conversation.CodeInterrupted, row.Error.Code)
		require.Equal(t, before, w.log(id), "V3: a run that fails appends nothing")
		require.Equal(t, []string{"1 1"}, w.ledger.attempts(t, run.id))
	})
}

// killRunner kills worker 1 in the middle of a run, and of other turns, and
// returns what the others made of it: the conversation, its log before, the run,
// and the stream that worker 3 has read all the time.
func (w *world) killRunner(t *testing.T) (id uuid.UUID, before []line, run accepted, s *Stream) {
	t.Helper()
	workers := w.employ(3)
	id = w.create()
	for range 3 {
		first := workers[0].start(t, Turn{Conversation: id, Script: Script{Words: 5}})
		require.Equal(t, conversation.RunCompleted, workers[1].wait(t, first.Run).Status)
	}
	before = w.log(id)
	require.Len(t, before, 6)

	run = accepted{conversation: id, script: Script{Words: 20, Pause: 10 * time.Millisecond, Hold: 1}}
	run.id = workers[0].start(t, Turn{Conversation: id, Script: run.script}).Run
	others := w.busy(t, workers[0])
	collect := workers[2].open(t, run.id)
	// What a reader elsewhere has seen is stored, so this is the middle of the stream.
	require.Contains(t, run.script.answer(run.id, 1), collect(10).text())

	killed := time.Now()
	workers[0].kill(t)
	acknowledged := others()

	s = collect(whole)
	s.wellFormed(t)
	row, err := w.store.GetRun(t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, run.id)
	require.NoError(t, err)
	took := row.CompletedAt.Sub(killed)
	t.Logf("ended as %s %v after the kill, with a lease of %v", row.Status, took.Round(time.Millisecond), shortLease)
	require.Less(t, took, shortLease+grace)
	w.verifyAcknowledged(t, acknowledged)
	// The conversation is free.
	next := workers[1].start(t, Turn{Conversation: w.create(), Script: Script{Words: 1}})
	require.Equal(t, conversation.RunCompleted, workers[2].wait(t, next.Run).Status)
	return id, before, run, s
}

// busy lets a worker make short turns in conversations of their own until it is
// killed. The function returned waits for that and gives what was acknowledged.
func (w *world) busy(t *testing.T, r *remote) (acknowledged func() []accepted) {
	t.Helper()
	var (
		mu   sync.Mutex
		runs []accepted
		work sync.WaitGroup
	)
	for i, id := range w.creates(6) {
		work.Go(func() {
			for n := 0; ; n++ {
				run := accepted{conversation: id, script: Script{Words: 3, Pause: time.Millisecond}}
				var reply Reply
				turn := Turn{Conversation: id, Script: run.script, Key: fmt.Sprint(i, "-", n)}
				if r.call(t.Context(), "Start", turn, &reply) != nil {
					return
				}
				run.id = reply.Run
				if r.call(t.Context(), "Wait", run.id, &run.end) != nil {
					run.end = Reply{}
				}
				mu.Lock()
				runs = append(runs, run)
				mu.Unlock()
			}
		})
	}
	eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(runs) > 20 }, "the worker makes no turns")
	return func() []accepted { work.Wait(); return runs }
}

// verifyAcknowledged checks that turns whose start, or whose end, was
// acknowledged by a process that died are there, and come to an end.
func (w *world) verifyAcknowledged(t *testing.T, runs []accepted) {
	t.Helper()
	rows := make([]*store.Run, len(runs))
	for i := range runs {
		eventually(t, func() bool {
			var err error
			rows[i], err = w.store.GetRun(t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, runs[i].id)
			require.NoError(t, err)
			return rows[i].Status.Terminal()
		}, "a run whose start was acknowledged comes to no end")
	}
	logs := map[uuid.UUID]map[uuid.UUID][]line{}
	cut := 0
	for i, r := range runs {
		if logs[r.conversation] == nil {
			logs[r.conversation] = map[uuid.UUID][]line{}
			for _, l := range w.log(r.conversation) {
				logs[r.conversation][l.Run] = append(logs[r.conversation][l.Run], l)
			}
		}
		got := logs[r.conversation][r.id]
		if r.end.Status != conversation.RunCompleted {
			cut++
		}
		if rows[i].Status == store.RunCompleted {
			require.Equal(t, []line{
				{Role: conversation.RoleUser, Run: r.id, Text: r.script.text()},
				{Role: conversation.RoleAssistant, Run: r.id, Text: r.script.answer(r.id, rows[i].Attempt)},
			}, got)
			continue
		}
		require.NotEqual(t, conversation.RunCompleted, r.end.Status, "an acknowledged end was taken back")
		require.Equal(t, store.RunFailed, rows[i].Status)
		require.Empty(t, got)
	}
	t.Logf("of %d turns beside it, the kill cut off %d", len(runs), cut)
	require.NotEmpty(t, runs)
}
