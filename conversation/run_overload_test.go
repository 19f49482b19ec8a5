package conversation_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

func TestR10_RunsInFlightAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, &conversation.Config{MaxRuns: 3})
		var acts []*act
		for i := range 3 {
			f.say(f.create(), fmt.Sprint(i))
			acts = append(acts, p.next(t))
		}
		require.Equal(t, conversation.Stats{InFlight: 3, Held: 3}, f.engine.Stats())
		id := f.create()
		before := f.get(id)
		at := time.Now()
		_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "one too many"})
		require.ErrorIs(t, err, conversation.ErrOverloaded)
		require.Equal(t, at, time.Now(), "refused at once")
		require.Equal(t, before, f.get(id), "nothing was written")

		acts[0].finish(nil)
		synctest.Wait()
		f.say(id, "now there is room")
		p.next(t).finish(nil)
		for _, a := range acts[1:] {
			a.finish(nil)
		}
		synctest.Wait()
		require.Equal(t, conversation.Stats{}, f.engine.Stats())
	})
}

// An idempotent retry comes before the bound: it takes no slot.
func TestR10_RetryOfAKnownKeyIsNoLoad(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{MaxRuns: 1})
	id := f.create()
	req := conversation.TurnRequest{Text: "hi", Key: "k"}
	first := f.start(id, req)
	again := f.start(id, req)
	require.Equal(t, first.ID, again.ID)
	require.True(t, again.Replayed)
	p.next(t).finish(nil)
	f.wait(first.ID)
}

// While the engine asks the store for abandoned runs, its slots are free for others.
func TestR10_LookingForWorkRefusesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		s.on("Claim", hook{before: hang})
		f := setupOn(t, s, says("hello"), &conversation.Config{MaxRuns: 1})
		synctest.Wait()
		require.Positive(t, s.count("Claim"), "it is asking now")
		require.Zero(t, f.engine.Stats().InFlight)
		require.Equal(t, conversation.RunCompleted, f.run(f.create(), conversation.TurnRequest{Text: "hi"}).Status)
	})
}

// A Responder that outlives its run still costs what it costs.
func TestR10_AResponderThatDoesNotReturnKeepsItsSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := setup(t, conversation.ResponderFunc(func(context.Context, *conversation.Turn) error {
			<-release
			return nil
		}), &conversation.Config{MaxRuns: 1, RunTimeout: time.Minute})
		run := f.run(f.create(), conversation.TurnRequest{Text: "hi"})
		require.Equal(t, conversation.RunTimedOut, run.Status)
		require.Equal(t, conversation.Stats{InFlight: 1}, f.engine.Stats())
		_, err := f.engine.StartRun(f.ctx, alice, f.create(), conversation.TurnRequest{Text: "hi"})
		require.ErrorIs(t, err, conversation.ErrOverloaded)
		close(release)
		synctest.Wait()
		require.Equal(t, conversation.Stats{}, f.engine.Stats())
	})
}

func TestR10_QueuedRunsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{MaxQueued: 2})
	id := f.create()
	f.say(id, "first")
	queued := conversation.TurnRequest{Text: "later", OnBusy: conversation.BusyEnqueue}
	require.True(t, f.start(id, queued).Queued)
	last := f.start(id, queued)
	require.True(t, last.Queued)
	_, err := f.engine.StartRun(f.ctx, alice, id, queued)
	require.ErrorIs(t, err, conversation.ErrOverloaded)
	require.Equal(t, conversation.Stats{InFlight: 1, Held: 1}, f.engine.Stats(), "queued runs hold no slot")

	for range 3 {
		p.next(t).finish(nil)
	}
	require.EqualValues(t, 3, f.wait(last.ID).Version)
	require.Equal(t, []string{"user: first", "user: later", "user: later"}, f.lines(id))
}
