package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

func TestR6_StoppedTextIsKeptAndMarked(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hi")
	a := p.next(t)
	require.NoError(t, a.Text("as far as I g"))
	require.NoError(t, a.Usage(conversation.Usage{PromptTokens: 5, CompletionTokens: 2}))
	res := f.stop(run.ID)
	require.True(t, res.Stopped)
	require.Equal(t, conversation.RunStopped, res.Run.Status)
	require.Equal(t, conversation.CodeStopped, res.Run.Error.Code)
	require.EqualValues(t, 2, res.Run.Version)
	require.EqualValues(t, 7, res.Run.Usage.TotalTokens)
	require.ErrorIs(t, context.Cause(a.ctx), conversation.ErrStopped)
	require.ErrorIs(t, a.Text("ot"), conversation.ErrTurnOver)
	require.Equal(t, []string{"user: hi", "assistant: as far as I g (incomplete)"}, f.lines(id))
	require.False(t, f.log(id)[0].Incomplete)
	c := f.get(id)
	require.Equal(t, conversation.StreamStopped, c.StreamStatus)
	require.Equal(t, "as far as I g", c.LastText)
	events := f.replay(run.ID, conversation.Cursor{})
	require.Equal(t, conversation.EventRunStopped, lastOf(events).Type)
	require.Equal(t, "as far as I g", textOf(events))

	again := f.stop(run.ID)
	require.False(t, again.Stopped, "there was nothing to stop any more")
	require.Equal(t, res.Run, again.Run)
	require.Len(t, f.log(id), 2)
}

func TestR6_StopBeforeAnythingWasWrittenAppendsNothing(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hi")
	p.next(t)
	require.True(t, f.stop(run.ID).Stopped)
	require.Empty(t, f.log(id))
	require.Zero(t, f.look(run.ID).Version)
}

func TestR6_TheHostMayHaveStoppedTextDiscarded(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{OnStop: conversation.StopDiscards})
	id := f.create()
	run := f.say(id, "hi")
	require.NoError(t, p.next(t).Text("half"))
	require.True(t, f.stop(run.ID).Stopped)
	require.Empty(t, f.log(id))
}

func TestR6_StoppingWhatIsOverSaysSo(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	run := f.run(f.create(), conversation.TurnRequest{Text: "hi"})
	res := f.stop(run.ID)
	require.False(t, res.Stopped)
	require.Equal(t, conversation.RunCompleted, res.Run.Status)
	require.Equal(t, "hello", *res.Run.FinalText)
}

func TestR6_AResponderThatIgnoresTheStopChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, said := make(chan struct{}), make(chan error, 3)
		f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
			if err := turn.Text("half"); err != nil {
				return err
			}
			<-release
			said <- turn.Text("the rest")
			_, err := turn.ToolCall(conversation.ToolCall{Name: "ask"})
			said <- err
			said <- turn.Message(conversation.Text("the rest"))
			return nil
		}), nil)
		id := f.create("ask")
		run := f.say(id, "hi")
		synctest.Wait()
		began := time.Now()
		require.Equal(t, conversation.RunStopped, f.stop(run.ID).Run.Status)
		require.Equal(t, began, time.Now(), "nobody waits for it")
		require.Equal(t, []string{"user: hi", "assistant: half (incomplete)"}, f.lines(id))
		require.Equal(t, conversation.Stats{InFlight: 1}, f.engine.Stats())
		close(release)
		for range 3 {
			require.ErrorIs(t, <-said, conversation.ErrTurnOver)
		}
		synctest.Wait()
		require.Equal(t, conversation.Stats{}, f.engine.Stats())
		require.Len(t, f.log(id), 2)
	})
}

// Whatever comes first, the run has one end, and log, run and stream agree on it.
func TestR6_StopRacesWithTheEnd(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	ends := map[conversation.RunStatus]int{}
	for i := range 60 {
		id := f.create()
		run := f.say(id, "hi")
		live := follow(t, f, run.ID)
		a := p.next(t)
		require.NoError(t, a.Text("text"))
		var stops sync.WaitGroup
		results := make([]*conversation.StopResult, 4)
		for j := range results {
			stops.Go(func() {
				var err error
				results[j], err = f.engine.StopRun(f.ctx, alice, run.ID)
				if err != nil {
					panic(err)
				}
			})
		}
		if i%2 == 0 {
			a.finish(nil)
		} else {
			a.finish(errors.New("failed"))
		}
		stops.Wait()
		ended := f.wait(run.ID)
		ends[ended.Status]++
		require.NoError(t, live.err())
		wellFormed(t, live.events())
		require.Equal(t, ended, lastOf(live.events()).Run)
		for _, res := range results {
			require.Equal(t, ended, res.Run)
		}
		switch ended.Status {
		case conversation.RunStopped:
			require.Equal(t, []string{"user: hi", "assistant: text (incomplete)"}, f.lines(id))
		case conversation.RunCompleted:
			require.Equal(t, []string{"user: hi", "assistant: text"}, f.lines(id))
		default:
			require.Equal(t, conversation.RunFailed, ended.Status)
			require.Empty(t, f.log(id))
		}
	}
	t.Log(ends)
}

func TestR6_AQueuedRunIsStoppedAtOnce(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	first := f.say(id, "first")
	a := p.next(t)
	queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue})
	live := follow(t, f, queued.ID)
	res := f.stop(queued.ID)
	require.True(t, res.Stopped)
	require.Equal(t, conversation.RunStopped, res.Run.Status)
	require.NoError(t, live.err())
	require.Equal(t, []conversation.EventType{conversation.EventRunStopped}, types(live.events()))
	a.finish(nil)
	require.Equal(t, conversation.RunCompleted, f.wait(first.ID).Status)
	require.Equal(t, []string{"user: first"}, f.lines(id))
}

func TestR6_StopFromAnotherEngine(t *testing.T) {
	t.Parallel()
	for _, hints := range []bool{true, false} {
		t.Run(fmt.Sprintf("hints %t", hints), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := tampered(memstore.New(nil))
				p := newPuppet()
				f := setupOn(t, s, p, nil)
				if !hints {
					s.mute()
				}
				g := setupOn(t, s.Store, newPuppet(), nil)
				synctest.Wait()
				id := f.create()
				run := f.say(id, "hi")
				require.NoError(t, p.next(t).Text("half"))
				began := time.Now()
				res := g.stop(run.ID)
				require.True(t, res.Stopped)
				require.Equal(t, conversation.RunStopped, res.Run.Status)
				if hints {
					require.Less(t, time.Since(began), 150*time.Millisecond)
				}
				require.Less(t, time.Since(began), time.Second)
				require.Equal(t, []string{"user: hi", "assistant: half (incomplete)"}, g.lines(id))
			})
		})
	}
}

// The process that ran it is dead: what it had stored is kept, by whoever is left.
func TestR6_StopOfARunWhoseProcessDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		id := c.createWith(talkativeDefaults())
		run := c.say(id, "hi")
		a := c.p.next(t)
		a.step()
		require.NoError(t, a.Reasoning("thinking"))
		require.NoError(t, a.Text("people have "))
		require.NoError(t, a.Text("read this"))
		_, err := a.ToolCall(conversation.ToolCall{ID: "s1", Name: "web-search"})
		require.NoError(t, err)
		require.NoError(t, a.Usage(conversation.Usage{TotalTokens: 9}))
		there := follow(t, c.other, run.ID)
		time.Sleep(time.Second)
		c.crash()
		began := time.Now()
		res := c.other.stop(run.ID)
		require.LessOrEqual(t, time.Since(began), lease+2*time.Second)
		require.True(t, res.Stopped)
		require.Equal(t, conversation.RunStopped, res.Run.Status)
		require.EqualValues(t, 9, res.Run.Usage.TotalTokens)
		require.Equal(t, []string{
			"user: hi", "assistant: [reasoning thinking] people have read this [web-search s1] (incomplete)", "tool: [s1 failed stopped]",
		}, c.other.lines(id))
		require.NoError(t, there.err())
		wellFormed(t, there.events())
		require.Equal(t, "people have read this", textOf(there.events()), "S2: what was read stays as it was")
		require.Empty(t, c.q.acts)
	})
}

// Nobody is left to stop it: StopRun does not wait for ever.
func TestR6_StopWithNobodyLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		run := c.say(c.create(), "hi")
		c.p.next(t)
		require.NoError(t, c.other.engine.Shutdown(ended()))
		c.s.on("Claim", hook{before: hang})
		c.s.on("FinishRun", hook{before: hang})
		began := time.Now()
		res := c.stop(run.ID)
		require.True(t, res.Stopped)
		require.False(t, res.Run.Status.Terminal())
		require.True(t, res.Run.StopRequested)
		require.Less(t, time.Since(began), lease+3*time.Second)
		c.s.off("FinishRun")
		c.s.off("Claim")
	})
}

func TestR6_StopWithAContextThatEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := setupCrew(t, conversation.Config{})
		run := c.say(c.create(), "hi")
		c.p.next(t)
		_, err := c.engine.StopRun(ended(), alice, run.ID)
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, c.look(run.ID).StopRequested, "nothing was written")

		c.s.on("FinishRun", hook{before: hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res, err := c.engine.StopRun(ctx, alice, run.ID)
		require.NoError(t, err, "the stop was asked for, and that is what counts")
		require.True(t, res.Stopped)
		c.s.off("FinishRun")
		require.Equal(t, conversation.RunStopped, c.wait(run.ID).Status)
	})
}

func TestR6_StrangersStopNothing(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	run := f.say(f.create(), "hi")
	a := p.next(t)
	for _, who := range []conversation.Caller{bob, mallory, admin} {
		_, err := f.engine.StopRun(f.ctx, who, run.ID)
		require.ErrorIs(t, err, conversation.ErrNotFound)
	}
	require.NoError(t, a.ctx.Err())
	a.finish(nil)
	require.Equal(t, conversation.RunCompleted, f.wait(run.ID).Status)
}
