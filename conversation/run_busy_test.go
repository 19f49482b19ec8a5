package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func TestR4_RejectNamesTheActiveRun(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	g := f.join(newPuppet(), nil)
	id := f.create()
	run := f.say(id, "hi")
	a := p.next(t)
	for _, at := range []*fixture{f, g} {
		for _, busy := range []conversation.BusyPolicy{"", conversation.BusyReject} {
			_, err := at.engine.StartRun(at.ctx, alice, id, conversation.TurnRequest{Text: "again", OnBusy: busy})
			var active *conversation.RunActiveError
			require.ErrorAs(t, err, &active)
			require.ErrorIs(t, err, conversation.ErrRunActive)
			require.Equal(t, run.ID, active.RunID)
		}
	}
	a.finish(nil)
	f.wait(run.ID)
	f.say(id, "again")
	p.next(t).finish(nil)
}

// Across engines too a conversation has one active run.
func TestR4_OneActiveRunAcrossEngines(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	g := f.join(p, nil)
	id := f.create()
	errs := together(16, func(i int) error {
		at := []*fixture{f, g}[i%2]
		_, err := at.engine.StartRun(at.ctx, alice, id, conversation.TurnRequest{Text: fmt.Sprint(i)})
		return err
	})
	started := 0
	for _, err := range errs {
		if err == nil {
			started++
			continue
		}
		require.ErrorIs(t, err, conversation.ErrRunActive)
	}
	require.Equal(t, 1, started)
	p.next(t).finish(nil)
}

func TestR4_EnqueuedTurnsRunInOrderFromTheHeadOfTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(p, nil)
		id := f.create()
		runs := []*conversation.Run{f.say(id, "0")}
		for i := 1; i < 6; i++ {
			at := []*fixture{f, g}[i%2]
			run := at.start(id, conversation.TurnRequest{Text: fmt.Sprint(i), OnBusy: conversation.BusyEnqueue})
			require.True(t, run.Queued)
			require.Equal(t, conversation.RunPending, run.Status)
			runs = append(runs, run)
		}
		for i := range runs {
			a := p.next(t)
			require.Equal(t, fmt.Sprint(i), a.InputText())
			require.EqualValues(t, 2*i, a.Version())
			require.Len(t, collect(t, a), 2*i, "it sees what came before it")
			require.NoError(t, a.Text("answer "+a.InputText()))
			synctest.Wait()
			require.Empty(t, p.acts, "one at a time")
			a.finish(nil)
			ended := f.wait(runs[i].ID)
			require.Equal(t, conversation.RunCompleted, ended.Status)
			require.EqualValues(t, 2*i, ended.BaseVersion)
			require.False(t, ended.Queued)
		}
		require.Len(t, f.log(id), 12)
	})
}

func collect(t *testing.T, a *act) []conversation.Message {
	t.Helper()
	var all []conversation.Message
	for m, err := range a.History(a.ctx, conversation.HistoryOptions{}) {
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

// Whatever becomes of the one before, the queued turn has its own end.
func TestR4_AQueuedTurnWhosePredecessorEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(f *fixture, a *act, run *conversation.Run)
		before []string
	}{
		"completes":   {func(_ *fixture, a *act, _ *conversation.Run) { a.finish(nil) }, []string{"user: first", "assistant: text"}},
		"fails":       {func(_ *fixture, a *act, _ *conversation.Run) { a.finish(errors.New("no")) }, nil},
		"is stopped":  {func(f *fixture, _ *act, run *conversation.Run) { f.stop(run.ID) }, []string{"user: first", "assistant: text (incomplete)"}},
		"times out":   {func(f *fixture, _ *act, run *conversation.Run) { f.wait(run.ID) }, nil},
		"is replaced": {func(f *fixture, _ *act, _ *conversation.Run) { require.NoError(f.t, f.engine.Shutdown(ended())) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, q := newPuppet(), newPuppet()
				f := setup(t, p, &conversation.Config{RunTimeout: time.Minute})
				g := f.join(q, &conversation.Config{MaxAttempts: 1})
				id := f.create()
				run := f.say(id, "first")
				a := p.next(t)
				require.NoError(t, a.Text("text"))
				queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue})
				c.end(f, a, run)
				var b *act
				select { // whichever engine is first
				case b = <-p.acts:
				case b = <-q.acts:
				}
				require.Equal(t, "second", b.InputText())
				require.NoError(t, b.Text("done"))
				b.finish(nil)
				require.Equal(t, conversation.RunCompleted, g.wait(queued.ID).Status)
				require.Equal(t, append(c.before, "user: second", "assistant: done"), g.lines(id))
			})
		})
	}
}

func TestR4_AQueuedTurnWhosePredecessorPausesWaitsForTheOutputs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		id := f.create("ask")
		run := f.say(id, "first")
		a := p.next(t)
		queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue})
		_, err := a.ToolCall(conversation.ToolCall{ID: "c", Name: "ask"})
		require.NoError(t, err)
		a.finish(nil)
		require.Equal(t, conversation.RunRequiresAction, f.wait(run.ID).Status)
		time.Sleep(time.Minute)
		require.True(t, f.look(queued.ID).Queued)
		require.Empty(t, p.acts)

		answers := f.start(id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{output("c", "42")}})
		b := p.next(t)
		require.Empty(t, b.InputText())
		require.NoError(t, b.Text("it is 42"))
		b.finish(nil)
		require.Equal(t, conversation.RunCompleted, f.wait(answers.ID).Status)
		d := p.next(t)
		require.Equal(t, "second", d.InputText())
		d.finish(nil)
		f.wait(queued.ID)
		require.Equal(t, []string{"user: first", "assistant: [ask c]", "tool: [c 42]", "assistant: it is 42", "user: second"}, f.lines(id))
	})
}

// A queued turn that abandons what is pending need not wait for it.
func TestR4_AQueuedTurnThatAbandonsDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		id := f.create("ask")
		f.say(id, "first")
		a := p.next(t)
		queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue, AbandonPending: true})
		_, err := a.ToolCall(conversation.ToolCall{ID: "c", Name: "ask"})
		require.NoError(t, err)
		a.finish(nil)
		p.next(t).finish(nil)
		require.Equal(t, conversation.RunCompleted, f.wait(queued.ID).Status)
		require.Equal(t, []string{
			"user: first", "assistant: [ask c]", "tool: [c failed abandoned: the user went on without it]", "user: second",
		}, f.lines(id))
	})
}

func TestR4_AQueuedTurnDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, &conversation.Config{QueueTimeout: time.Minute})
		id := f.create()
		f.say(id, "first")
		a := p.next(t)
		queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue})
		live := follow(t, f, queued.ID)
		began := time.Now()
		require.NoError(t, live.err())
		require.InDelta(t, time.Minute, time.Since(began), float64(3*time.Second))
		got := f.look(queued.ID)
		require.Equal(t, conversation.RunTimedOut, got.Status)
		require.Equal(t, conversation.CodeQueueTimeout, got.Error.Code)
		a.finish(nil)
	})
}

func TestR4_InterruptStopsTheActiveRunAndComesNext(t *testing.T) {
	t.Parallel()
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprintf("elsewhere %t", elsewhere), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPuppet()
				f := setup(t, p, nil)
				at := f
				if elsewhere {
					at = f.join(p, nil)
				}
				synctest.Wait()
				id := f.create()
				first := f.say(id, "first")
				a := p.next(t)
				require.NoError(t, a.Text("half"))
				waiting := f.start(id, conversation.TurnRequest{Text: "waiting", OnBusy: conversation.BusyEnqueue})
				began := time.Now()
				front := at.start(id, conversation.TurnRequest{Text: "now", OnBusy: conversation.BusyInterrupt})
				b := p.next(t)
				require.Less(t, time.Since(began), time.Second)
				require.Equal(t, "now", b.InputText(), "before those in the queue")
				require.ErrorIs(t, context.Cause(a.ctx), conversation.ErrStopped)
				require.Equal(t, conversation.RunStopped, f.wait(first.ID).Status)
				b.finish(nil)
				require.Equal(t, conversation.RunCompleted, f.wait(front.ID).Status)
				p.next(t).finish(nil)
				f.wait(waiting.ID)
				require.Equal(t, []string{"user: first", "assistant: half (incomplete)", "user: now", "user: waiting"}, f.lines(id))
			})
		})
	}
}

func TestR4_OnAFreeConversationEveryPolicyStartsAtOnce(t *testing.T) {
	t.Parallel()
	for _, busy := range []conversation.BusyPolicy{
		conversation.BusyReject, conversation.BusyRace, conversation.BusyEnqueue, conversation.BusyInterrupt,
	} {
		f := setup(t, says("x"), nil)
		run := f.start(f.create(), conversation.TurnRequest{Text: "hi", OnBusy: busy})
		require.False(t, run.Queued)
		require.Equal(t, conversation.RunRunning, run.Status)
		require.Equal(t, conversation.RunCompleted, f.wait(run.ID).Status)
	}
}
