package conversation_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// ended is a context that has ended: a shutdown with it hands over at once.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestR9_ShutdownLetsRunsFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		done := make(chan error, 1)
		go func() { done <- f.engine.Shutdown(t.Context()) }()
		synctest.Wait()

		_, err := f.engine.StartRun(f.ctx, alice, f.create(), conversation.TurnRequest{Text: "late"})
		require.ErrorIs(t, err, conversation.ErrNotRunning, "no work is taken")
		require.ErrorIs(t, f.engine.Check(f.ctx), conversation.ErrNotRunning)
		require.NoError(t, a.ctx.Err())
		require.NoError(t, a.Text("the whole answer"))
		a.finish(nil)
		require.NoError(t, <-done)
		require.Equal(t, conversation.RunCompleted, f.look(run.ID).Status)
		require.Equal(t, []string{"user: hi", "assistant: the whole answer"}, f.lines(id))
	})
}

func TestR9_ShutdownInTheMiddleOfAStreamHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		q := newPuppet()
		// The second engine looks for work seldom: it is told.
		g := f.join(q, &conversation.Config{ClaimInterval: time.Hour})
		synctest.Wait()
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		here, there := follow(t, f, run.ID), follow(t, g, run.ID)
		require.NoError(t, a.Text("half of "))

		began := time.Now()
		require.NoError(t, f.engine.Shutdown(ended()))
		require.ErrorIs(t, context.Cause(a.ctx), conversation.ErrShutdown)
		require.ErrorIs(t, a.Text("too late"), conversation.ErrTurnOver)
		require.ErrorIs(t, here.err(), conversation.ErrNotRunning, "readers can resume elsewhere")
		require.Equal(t, "half of ", textOf(here.events()))

		b := q.next(t)
		require.Less(t, time.Since(began), 100*time.Millisecond)
		require.Equal(t, 2, b.Attempt())
		require.Equal(t, "hi", b.InputText())
		require.NoError(t, b.Text("an answer"))
		b.finish(nil)
		require.Equal(t, conversation.RunCompleted, g.wait(run.ID).Status)
		require.NoError(t, there.err())
		wellFormed(t, there.events())
		require.Equal(t, []conversation.EventType{
			conversation.EventRunStarted, conversation.EventTextDelta, conversation.EventRunRestarted, conversation.EventTextDelta,
			conversation.EventMessageAppended, conversation.EventMessageAppended, conversation.EventRunCompleted,
		}, types(there.events()))
		require.Equal(t, "an answer", textOf(there.events()))

		// Who was reading in the engine that is gone goes on in the other.
		rest := g.replay(run.ID, lastOf(here.events()).Cursor())
		require.Equal(t, conversation.EventRunRestarted, rest[0].Type)
		require.EqualValues(t, 2, rest[0].From, "the number of the last event stored before it")
		require.Equal(t, "an answer", textOf(rest))
		require.Equal(t, []string{"user: hi", "assistant: an answer"}, g.lines(id))
	})
}

func TestR9_ShutdownFailsWhatMayNotBeTriedAgain(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{MaxAttempts: 1})
	id := f.create()
	run := f.say(id, "hi")
	p.next(t)
	require.NoError(t, f.engine.Shutdown(ended()))
	got := f.look(run.ID)
	require.Equal(t, conversation.RunFailed, got.Status)
	require.Equal(t, conversation.CodeInterrupted, got.Error.Code)
	require.Empty(t, f.log(id))
}

func TestR9_ShutdownSaysHowManyRespondersIgnoreIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		engine, err := conversation.New(memstore.New(nil), conversation.ResponderFunc(
			func(context.Context, *conversation.Turn) error { <-release; return nil },
		), nil)
		require.NoError(t, err)
		require.NoError(t, engine.Start(t.Context()))
		f := &fixture{t: t, ctx: t.Context(), engine: engine, caller: alice}
		f.say(f.create(), "one")
		f.say(f.create(), "two")
		began := time.Now()
		require.ErrorContains(t, engine.Shutdown(ended()), "2 responders")
		require.Equal(t, time.Second, time.Since(began))
		close(release)
		synctest.Wait()
		require.Equal(t, conversation.Stats{}, engine.Stats())
	})
}

// A start whose write is under way when the runs are handed over is handed over too.
func TestR9_StartInTheMiddleOfShutdownIsHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		f := setupOn(t, s, newPuppet(), nil)
		id := f.create()
		slow := make(chan struct{})
		s.on("StartRun", hook{before: func(context.Context) error { <-slow; return nil }})
		var run *conversation.Run
		started := make(chan error, 1)
		go func() {
			var err error
			run, err = f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi"})
			started <- err
		}()
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- f.engine.Shutdown(ended()) }()
		synctest.Wait()
		close(slow)
		require.NoError(t, <-started)
		require.NoError(t, <-down)
		require.Equal(t, conversation.RunPending, f.look(run.ID).Status)

		g := f.join(says("hello"), nil)
		require.Equal(t, conversation.RunCompleted, g.wait(run.ID).Status)
		require.Equal(t, []string{"user: hi", "assistant: hello"}, g.lines(id))
	})
}

// A claim whose answer is under way takes over nothing.
func TestR9_ClaimInTheMiddleOfShutdownIsHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		f := setupOn(t, s.Store, newPuppet(), nil)
		id := f.create()
		run := f.say(id, "hi")
		slow := make(chan struct{})
		s.on("Claim", hook{after: func(context.Context) error { <-slow; return nil }})
		g := setupOn(t, s, says("never said"), nil)
		synctest.Wait()
		require.NoError(t, f.engine.Shutdown(ended()))
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- g.engine.Shutdown(ended()) }()
		synctest.Wait()
		close(slow)
		require.NoError(t, <-down)
		require.Equal(t, conversation.RunPending, f.look(run.ID).Status)
		require.Empty(t, f.log(id))
	})
}

func TestR9_ShutdownWaitsForTitles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, says("hello"), &conversation.Config{Titler: conversation.TitlerFunc(
			func(ctx context.Context, _ *conversation.TitleRequest) (string, error) {
				select {
				case <-time.After(5 * time.Second):
					return "a title", nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			})})
		id := f.create()
		f.run(id, conversation.TurnRequest{Text: "hi"})
		require.NoError(t, f.engine.Shutdown(t.Context()))
		require.Equal(t, "a title", f.get(id).Title)
	})
}

func TestR9_ShutdownDoesNotWaitForATitlerThatIgnoresIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		engine, err := conversation.New(memstore.New(nil), says("hello"), &conversation.Config{Titler: conversation.TitlerFunc(
			func(context.Context, *conversation.TitleRequest) (string, error) { <-release; return "", nil },
		)})
		require.NoError(t, err)
		require.NoError(t, engine.Start(t.Context()))
		f := &fixture{t: t, ctx: t.Context(), engine: engine, caller: alice}
		f.run(f.create(), conversation.TurnRequest{Text: "hi"})
		require.ErrorContains(t, engine.Shutdown(ended()), "1 responders or titlers")
		close(release)
	})
}

func TestR9_StartAndShutdownHappenOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	require.Error(t, f.engine.Start(f.ctx))
	require.NoError(t, f.engine.Shutdown(f.ctx))
	require.NoError(t, f.engine.Shutdown(f.ctx))
	require.Error(t, f.engine.Start(f.ctx))
}

// An engine that was never started answers reads, and waits for nothing.
func TestR9_BeforeStartNothingRuns(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hi")
	p.next(t)

	idle, err := conversation.New(f.store, p, nil)
	require.NoError(t, err)
	require.ErrorIs(t, idle.Check(f.ctx), conversation.ErrNotRunning)
	_, err = idle.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi"})
	require.ErrorIs(t, err, conversation.ErrNotRunning)
	_, err = idle.RunTurn(f.ctx, alice, id, conversation.TurnRequest{Text: "hi"})
	require.ErrorIs(t, err, conversation.ErrNotRunning)
	_, err = idle.Wait(f.ctx, alice, run.ID)
	require.ErrorIs(t, err, conversation.ErrNotRunning)
	got, err := idle.Run(f.ctx, alice, run.ID, conversation.ViewParticipant)
	require.NoError(t, err)
	require.Equal(t, conversation.RunRunning, got.Status)
	for _, open := range []func() (*conversation.Stream, error){
		func() (*conversation.Stream, error) {
			return idle.Events(f.ctx, alice, run.ID, conversation.Cursor{}, conversation.ViewParticipant)
		},
		func() (*conversation.Stream, error) {
			return idle.Follow(f.ctx, alice, id, conversation.Cursor{}, conversation.ViewParticipant)
		},
	} {
		s, err := open()
		require.NoError(t, err)
		for err == nil {
			_, err = s.Next(f.ctx)
		}
		require.ErrorIs(t, err, conversation.ErrNotRunning)
		s.Close()
	}
	require.NoError(t, idle.Shutdown(f.ctx))
}
