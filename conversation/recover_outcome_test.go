package conversation_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// lost are the ways in which the answer to a write gets lost.
func lost() map[string]func() hook {
	return map[string]func() hook{
		"nothing was done":            func() hook { return hook{before: times(1, store.ErrOutcomeUnknown)} },
		"it was done":                 func() hook { return hook{after: times(1, store.ErrOutcomeUnknown)} },
		"done, then three times lost": func() hook { return hook{after: times(3, store.ErrOutcomeUnknown)} },
		"done, then unreachable": func() hook {
			return hook{after: times(1, store.ErrOutcomeUnknown), before: onSecond(store.ErrUnavailable)}
		},
	}
}

// onSecond makes a hook that strikes the second time only.
func onSecond(err error) func(context.Context) error {
	first, next := times(1, err), times(1, err)
	return func(ctx context.Context) error {
		if first(ctx) != nil {
			return nil //nolint:nilerr // the first one is let through
		}
		return next(ctx)
	}
}

func TestV7_AStartWhoseAnswerIsLostIsResolved(t *testing.T) {
	t.Parallel()
	for name, h := range lost() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tampered(memstore.New(nil))
				f := setupOn(t, s, calls("ask"), nil)
				id := f.create("ask")
				s.on("StartRun", h())
				run := f.start(id, conversation.TurnRequest{Text: "hi", ExpectedVersion: conversation.At(0)})
				require.False(t, run.Replayed, "it is this call's run")
				require.Equal(t, conversation.RunRequiresAction, f.wait(run.ID).Status)
				require.Equal(t, []string{"user: hi", "assistant: [ask ask]"}, f.lines(id))

				// The turn begins with the calls that wait, whatever happened on the way.
				s.on("StartRun", h())
				run = f.run(id, conversation.TurnRequest{Text: "forget it", AbandonPending: true})
				require.Equal(t, 1, run.Attempt)
				require.Equal(t, []string{
					"user: hi", "assistant: [ask ask]", "tool: [ask failed abandoned: the user went on without it]",
					"user: forget it", "assistant: [ask ask]",
				}, f.lines(id))
				runs, err := f.engine.Runs(f.ctx, alice, id, conversation.RunQuery{})
				require.NoError(t, err)
				require.Len(t, runs.Runs, 2)
			})
		})
	}
}

// When it stays unknown the caller is told so, and the key finds the truth.
func TestV7_AStartThatStaysUnknown(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]hook{
		"done":     {after: func(context.Context) error { return store.ErrOutcomeUnknown }},
		"not done": {before: func(context.Context) error { return store.ErrOutcomeUnknown }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tampered(memstore.New(nil))
				f := setupOn(t, s, says("hello"), nil)
				id := f.create()
				req := conversation.TurnRequest{Text: "hi", Key: "k", ExpectedVersion: conversation.At(0)}
				s.on("StartRun", h)
				_, err := f.engine.StartRun(f.ctx, alice, id, req)
				require.ErrorIs(t, err, conversation.ErrOutcomeUnknown)
				require.True(t, conversation.SafeToRepeat(err))
				require.Equal(t, conversation.Stats{}, f.engine.Stats(), "the slot was given back")
				_, err = f.engine.RunTurn(f.ctx, alice, id, req)
				require.ErrorIs(t, err, conversation.ErrOutcomeUnknown)
				s.off("StartRun")
				run, err := f.engine.RunTurn(f.ctx, alice, id, req)
				require.NoError(t, err)
				require.Equal(t, conversation.RunCompleted, run.Status)
				require.Equal(t, name == "done", run.Replayed)
				require.Equal(t, []string{"user: hi", "assistant: hello"}, f.lines(id))
				runs, err := f.engine.Runs(f.ctx, alice, id, conversation.RunQuery{})
				require.NoError(t, err)
				require.Len(t, runs.Runs, 1)
			})
		})
	}
}

func TestV7_AFinishWhoseAnswerIsLostIsResolved(t *testing.T) {
	t.Parallel()
	for name, h := range lost() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tampered(memstore.New(nil))
				f := setupOn(t, s, says("hello"), nil)
				id := f.create()
				s.on("FinishRun", h())
				run := f.start(id, conversation.TurnRequest{Text: "hi"})
				live := follow(t, f, run.ID)
				ended := f.wait(run.ID)
				require.Equal(t, conversation.RunCompleted, ended.Status)
				require.Equal(t, 1, ended.Attempt)
				require.NoError(t, live.err())
				wellFormed(t, live.events())
				require.Equal(t, []string{"user: hi", "assistant: hello"}, f.lines(id))
				requireSame(t, live.events(), f.replay(run.ID, conversation.Cursor{}))
			})
		})
	}
}

// A store that is away for a while when a run ends costs no answer, as long as
// the lease lasts.
func TestV7_AFinishWaitsForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		f := setupOn(t, s, says("hello"), nil)
		id := f.create()
		s.on("FinishRun", hook{before: func(context.Context) error { return store.ErrUnavailable }})
		run := f.say(id, "hi")
		time.Sleep(20 * time.Second) // longer than the lease, which is renewed
		require.Equal(t, conversation.RunRunning, f.look(run.ID).Status)
		s.off("FinishRun")
		require.Equal(t, 1, f.wait(run.ID).Attempt)

		// A write that takes too long is repeated as well.
		s.on("FinishRun", hook{before: times(1, context.DeadlineExceeded)})
		require.Equal(t, 1, f.run(id, conversation.TurnRequest{Text: "again"}).Attempt)
		require.Len(t, f.log(id), 4)
	})
}

func TestV7_AStopWhoseAnswerIsLostIsResolved(t *testing.T) {
	t.Parallel()
	for name, h := range lost() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tampered(memstore.New(nil))
				p := newPuppet()
				f := setupOn(t, s, p, nil)
				id := f.create()
				run := f.say(id, "hi")
				require.NoError(t, p.next(t).Text("half"))
				s.on("RequestStop", h())
				res := f.stop(run.ID)
				require.True(t, res.Stopped)
				require.Equal(t, conversation.RunStopped, res.Run.Status)
				require.Equal(t, []string{"user: hi", "assistant: half (incomplete)"}, f.lines(id))
			})
		})
	}
}

func TestV7_ACreationWhoseAnswerIsLostIsResolved(t *testing.T) {
	t.Parallel()
	for name, h := range lost() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tampered(memstore.New(nil))
				f := setupOn(t, s, says("hello"), nil)
				s.on("CreateConversation", h())
				id := f.create()
				require.NotEqual(t, uuid.Nil, id)
				page, err := f.engine.List(f.ctx, alice, conversation.Query{})
				require.NoError(t, err)
				require.Len(t, page.Conversations, 1)
			})
		})
	}
}

func TestV7_AForkIsRepeatedByItsID(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	params := conversation.ForkParams{ID: uuid.New()}
	first, err := f.engine.Fork(f.ctx, alice, id, params)
	require.NoError(t, err)
	require.Equal(t, params.ID, first.ID)
	f.run(id, conversation.TurnRequest{Text: "the parent goes on"})
	again, err := f.engine.Fork(f.ctx, alice, id, params)
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = f.engine.Fork(f.ctx, bob, first.ID, params)
	require.ErrorIs(t, err, conversation.ErrNotFound)
}

// The answer to a write of events is lost, and more events come before it is
// asked for again: whoever reads elsewhere must still see all of them.
func TestV7_EventsWhoseStoringWasNotAnswered(t *testing.T) {
	t.Parallel()
	for name, h := range lost() {
		for _, more := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := tampered(memstore.New(nil))
					p := newPuppet()
					f := setupOn(t, s, p, nil)
					g := setupOn(t, s.Store, newPuppet(), nil)
					run := f.say(f.create(), "hi")
					a := p.next(t)
					here, there := follow(t, f, run.ID), follow(t, g, run.ID)
					time.Sleep(time.Second)
					s.on("AppendEvents", h())
					for range 10 {
						require.NoError(t, a.Text("word "))
						time.Sleep(30 * time.Millisecond)
					}
					if more {
						time.Sleep(time.Second)
						synctest.Wait()
						require.Equal(t, numbers(here.events()), numbers(there.events()), "storing goes on")
						require.NoError(t, a.Text("last"))
					}
					a.finish(nil)
					require.NoError(t, here.err())
					require.NoError(t, there.err())
					wellFormed(t, there.events())
					require.Equal(t, numbers(here.events()), numbers(there.events()))
					require.Equal(t, textOf(here.events()), textOf(there.events()))
					require.Equal(t, textOf(here.events()), textOf(g.replay(run.ID, conversation.Cursor{})))
					require.Equal(t, textOf(here.events()), *g.wait(run.ID).FinalText)
				})
			})
		}
	}
}

// The run ends while the last write of events is unanswered.
func TestV7_EventsUnansweredAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		p := newPuppet()
		f := setupOn(t, s, p, nil)
		g := setupOn(t, s.Store, newPuppet(), nil)
		run := f.say(f.create(), "hi")
		a := p.next(t)
		there := follow(t, g, run.ID)
		s.on("AppendEvents", hook{after: func(context.Context) error { return store.ErrOutcomeUnknown }})
		for i := range 5 {
			require.NoError(t, a.Textf("%d ", i))
			time.Sleep(150 * time.Millisecond)
		}
		s.on("Marks", hook{before: times(3, store.ErrUnavailable)})
		a.finish(nil)
		f.wait(run.ID)
		require.NoError(t, there.err())
		wellFormed(t, there.events())
		require.Equal(t, "0 1 2 3 4 ", textOf(there.events()))
		require.Equal(t, "0 1 2 3 4 ", textOf(g.replay(run.ID, conversation.Cursor{})))
	})
}
