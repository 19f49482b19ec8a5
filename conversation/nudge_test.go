package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// nudge hands a text to a run and returns what came back.
func (f *fixture) nudge(run uuid.UUID, text string) *conversation.Nudge {
	f.t.Helper()
	n, err := f.engine.NudgeRun(f.ctx, f.caller, run, text)
	require.NoError(f.t, err)
	return n
}

// nudges lists a run's nudges as "text state".
func (f *fixture) nudges(run uuid.UUID) []string {
	f.t.Helper()
	all, err := f.engine.Nudges(f.ctx, f.caller, run, conversation.ViewParticipant)
	require.NoError(f.t, err)
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.Text + " " + string(n.State)
	}
	return out
}

func TestNudge_AppliedAtTheNextStep(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "count")
	a := p.next(t)
	step, err := a.Step(a.ctx)
	require.NoError(t, err)
	require.Empty(t, step.Nudges)
	require.NoError(t, a.Text("one"))
	require.False(t, a.Nudged())
	n := f.nudge(run.ID, "faster")
	require.Equal(t, conversation.NudgeWaiting, n.State)
	f.nudge(run.ID, "much faster")
	require.True(t, a.Nudged())
	require.Equal(t, []string{"faster waiting", "much faster waiting"}, f.nudges(run.ID))

	step, err = a.Step(a.ctx)
	require.NoError(t, err)
	require.Len(t, step.Nudges, 2)
	require.Equal(t, "faster", step.Nudges[0].Text)
	require.Equal(t, "alice", step.Nudges[0].UserID)
	require.Equal(t, "much faster", step.Nudges[1].Text)
	require.False(t, a.Nudged())
	require.NoError(t, a.Text("a hundred"))
	a.finish(nil)
	f.wait(run.ID)
	require.Equal(t, []string{"user: count", "assistant: one", "user: faster", "user: much faster", "assistant: a hundred"}, f.lines(id))
	require.Equal(t, []string{"faster applied", "much faster applied"}, f.nudges(run.ID))

	var read []string
	for _, e := range f.replay(run.ID, conversation.Cursor{}) {
		if e.Nudge != nil {
			require.Equal(t, conversation.EventStatus, e.Type)
			read = append(read, e.Nudge.Text)
		}
	}
	require.Equal(t, []string{"faster", "much faster"}, read)
}

func TestNudge_EveryOneEndsAppliedOrReturned(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		end  func(f *fixture, a *act, run uuid.UUID)
		want []string
	}{
		"not read":   {func(_ *fixture, a *act, _ uuid.UUID) { a.finish(nil) }, []string{"n returned"}},
		"read, ends": {func(_ *fixture, a *act, _ uuid.UUID) { a.step(); a.finish(nil) }, []string{"n applied"}},
		"read, fails": {func(_ *fixture, a *act, _ uuid.UUID) {
			a.step()
			a.finish(context.Canceled)
		}, []string{"n returned"}},
		"read, stopped": {func(f *fixture, a *act, run uuid.UUID) { a.step(); f.stop(run) }, []string{"n applied"}},
		"stopped":       {func(f *fixture, _ *act, run uuid.UUID) { f.stop(run) }, []string{"n returned"}},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPuppet()
			f := setup(t, p, nil)
			id := f.create()
			run := f.say(id, "hi")
			a := p.next(t)
			require.Equal(t, conversation.NudgeWaiting, f.nudge(run.ID, "n").State)
			c.end(f, a, run.ID)
			f.wait(run.ID)
			require.Equal(t, c.want, f.nudges(run.ID))
			in := strings.Contains(strings.Join(f.lines(id), "\n"), "user: n")
			require.Equal(t, strings.HasSuffix(c.want[0], "applied"), in, "applied means in the log: %q", f.lines(id))
			require.Equal(t, conversation.NudgeReturned, f.nudge(run.ID, "too late").State)
			require.Equal(t, c.want, f.nudges(run.ID), "what came back at once is not kept")
		})
	}
}

// step begins a step that must be granted.
func (a *act) step() *conversation.Step {
	s, err := a.Step(a.ctx)
	if err != nil {
		panic(err)
	}
	return s
}

func (f *fixture) stop(run uuid.UUID) *conversation.StopResult {
	f.t.Helper()
	res, err := f.engine.StopRun(f.ctx, f.caller, run)
	require.NoError(f.t, err)
	return res
}

func TestNudge_AcrossEngines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(newPuppet(), nil)
		synctest.Wait()
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		require.Equal(t, conversation.NudgeWaiting, g.nudge(run.ID, "from elsewhere").State)
		began := time.Now()
		for !a.Nudged() {
			time.Sleep(time.Millisecond)
		}
		require.Less(t, time.Since(began), 50*time.Millisecond, "a hint says so")
		require.Equal(t, "from elsewhere", a.step().Nudges[0].Text)
		a.finish(nil)
		f.wait(run.ID)
		require.Equal(t, []string{"from elsewhere applied"}, g.nudges(run.ID))
	})
}

// Without hints the engine looks by itself.
func TestNudge_AcrossEnginesWithoutHints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		s.on("Notify", hook{before: func(context.Context) error { return store.ErrUnavailable }})
		p := newPuppet()
		f := setupOn(t, s, p, nil)
		g := f.join(newPuppet(), nil)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		g.nudge(run.ID, "n")
		began := time.Now()
		for !a.Nudged() {
			time.Sleep(time.Millisecond)
		}
		require.Less(t, time.Since(began), time.Second)
		a.step()
		a.finish(nil)
		f.wait(run.ID)
		require.Equal(t, []string{"n applied"}, f.nudges(run.ID))
	})
}

// What an attempt had read before its process died, the next one reads again, in its first step.
func TestNudge_AfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		q := newPuppet()
		g := f.join(q, nil)
		synctest.Wait()
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		f.nudge(run.ID, "read")
		a.step()
		f.nudge(run.ID, "unread")
		require.Equal(t, []string{"read taken", "unread waiting"}, f.nudges(run.ID))
		require.NoError(t, f.engine.Shutdown(ended()))

		b := q.next(t)
		require.Equal(t, 2, b.Attempt())
		step := b.step()
		require.Len(t, step.Nudges, 2)
		require.NoError(t, b.Text("done"))
		b.finish(nil)
		g.wait(run.ID)
		require.Equal(t, []string{"user: hi", "user: read", "user: unread", "assistant: done"}, g.lines(id))
		require.Equal(t, []string{"read applied", "unread applied"}, g.nudges(run.ID))
	})
}

// A stop while a step is fetching nudges must not lose those that the store has given out.
func TestNudge_StopInTheMiddleOfTaking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		p := newPuppet()
		f := setupOn(t, s, p, nil)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		require.NoError(t, a.Text("text"))
		f.nudge(run.ID, "n")
		s.on("TakeNudges", hook{after: func(ctx context.Context) error { // given out, and the answer is late
			<-ctx.Done()
			return fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, ctx.Err())
		}})
		stepped := make(chan error, 1)
		go func() { _, err := a.Step(context.Background()); stepped <- err }()
		synctest.Wait()
		require.Equal(t, conversation.RunStopped, f.stop(run.ID).Run.Status)
		require.Error(t, <-stepped)
		require.Equal(t, []string{"n applied"}, f.nudges(run.ID))
		require.Equal(t, []string{"user: hi", "user: n", "assistant: text (incomplete)"}, f.lines(id))
	})
}

// A lost answer costs a nudge a step, and not the run.
func TestV7_NudgesWhoseTakingWasNotAnswered(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]hook{
		"before": {before: times(1, store.ErrOutcomeUnknown)},
		"after":  {after: times(1, store.ErrOutcomeUnknown)},
		"down":   {before: times(1, store.ErrUnavailable)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tampered(memstore.New(nil))
			p := newPuppet()
			f := setupOn(t, s, p, nil)
			id := f.create()
			run := f.say(id, "hi")
			a := p.next(t)
			f.nudge(run.ID, "one")
			s.on("TakeNudges", h)
			require.Empty(t, a.step().Nudges)
			require.True(t, a.Nudged())
			f.nudge(run.ID, "two")
			step := a.step()
			require.Len(t, step.Nudges, 2)
			require.Equal(t, "one", step.Nudges[0].Text)
			require.Equal(t, "two", step.Nudges[1].Text)
			a.finish(nil)
			f.wait(run.ID)
			require.Equal(t, []string{"user: hi", "user: one", "user: two"}, f.lines(id))
			require.Equal(t, []string{"one applied", "two applied"}, f.nudges(run.ID))
		})
	}
}

func TestNudge_RefusedStepsTakeNone(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{MaxIterations: 1})
	id := f.create("ask")
	run := f.say(id, "hi")
	a := p.next(t)
	a.step()
	f.nudge(run.ID, "n")
	_, err := a.Step(a.ctx)
	require.ErrorIs(t, err, conversation.ErrIterationLimit)
	_, err = a.ToolCall(conversation.ToolCall{Name: "ask"})
	require.NoError(t, err)
	_, err = a.Step(a.ctx)
	require.ErrorIs(t, err, conversation.ErrToolOutputsPending)
	a.finish(nil)
	require.Equal(t, conversation.RunRequiresAction, f.wait(run.ID).Status)
	require.Equal(t, []string{"n returned"}, f.nudges(run.ID))
}

func TestNudge_BadTexts(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{MaxMessageBytes: 1000})
	run := f.say(f.create(), "hi")
	p.next(t)
	for name, text := range map[string]string{
		"empty": "", "blank": " \n\t", "huge": strings.Repeat("x", 1001), "invalid": "a\xffb", "nul": "a\x00b",
	} {
		_, err := f.engine.NudgeRun(f.ctx, alice, run.ID, text)
		require.ErrorIs(t, err, conversation.ErrInvalid, name)
		var field *conversation.FieldError
		require.ErrorAs(t, err, &field, name)
		require.Equal(t, "text", field.Path, name)
	}
	require.Empty(t, f.nudges(run.ID))
	for _, stranger := range []conversation.Caller{bob, mallory} {
		_, err := f.engine.NudgeRun(f.ctx, stranger, run.ID, "hello")
		require.ErrorIs(t, err, conversation.ErrNotFound)
	}
}
