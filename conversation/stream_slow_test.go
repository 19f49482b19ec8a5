package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// read takes the next events of a stream and appends them.
func read(t *testing.T, s *conversation.Stream, to *[]*conversation.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	events, err := s.Next(ctx)
	require.NoError(t, err)
	*to = append(*to, events...)
}

func TestS3_ASlowReaderSlowsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const deltas = 500
		f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
			for i := range deltas {
				if err := turn.Textf("%d ", i); err != nil {
					return err
				}
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}), nil)
		began := time.Now()
		run := f.say(f.create(), "hi")
		fast, slow := follow(t, f, run.ID), f.events(run.ID, conversation.Cursor{})
		var seen []*conversation.Event
		over := make(chan struct{})
		go func() { // one event a second
			defer close(over)
			for e, err := range slow.All(context.Background()) {
				if err != nil {
					return
				}
				seen = append(seen, e)
				time.Sleep(time.Second)
			}
		}()
		require.NoError(t, fast.err())
		require.Less(t, time.Since(began), deltas*10*time.Millisecond+time.Second, "the run and the other reader took their own time")
		wellFormed(t, fast.events())
		<-over
		require.Greater(t, time.Since(began), deltas*time.Second/2)
		wellFormed(t, seen)
		require.Equal(t, textOf(fast.events()), textOf(seen))
		require.Equal(t, types(fast.events()), types(seen))
	})
}

// A reader far behind what is kept in memory finds the rest in the store.
func TestS3_AReaderFarBehindCatchesUpFromTheStore(t *testing.T) {
	t.Parallel()
	const deltas = 10_000
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		run := f.say(f.create(), "hi")
		a := p.next(t)
		behind := f.events(run.ID, conversation.Cursor{})
		var seen []*conversation.Event
		read(t, behind, &seen)
		require.EqualValues(t, 1, lastOf(seen).Seq)
		var want strings.Builder
		for i := range deltas {
			delta := fmt.Sprintf("%d,", i)
			want.WriteString(delta)
			require.NoError(t, a.Text(delta))
			if i%1000 == 999 {
				time.Sleep(200 * time.Millisecond) // some are stored, and leave memory
			}
		}
		late := f.events(run.ID, conversation.Cursor{RunID: run.ID, Seq: 77, Attempt: 1})
		var rest []*conversation.Event
		read(t, late, &rest)
		require.EqualValues(t, 78, rest[0].Seq)

		for lastOf(seen).Seq <= deltas/2 {
			read(t, behind, &seen)
		}
		a.finish(nil)
		f.wait(run.ID)
		for !lastOf(seen).Type.Terminal() {
			read(t, behind, &seen)
		}
		wellFormed(t, seen)
		require.Equal(t, want.String(), textOf(seen))
		require.Len(t, seen, deltas+4)
		for !lastOf(rest).Type.Terminal() {
			read(t, late, &rest)
		}
		wellFormed(t, rest)
		require.Len(t, rest, deltas+4-77)
	})
}

// A store that takes no events for a while costs readers here nothing.
func TestS3_ReadersHereDoNotWaitForTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		s := tampered(f.store)
		s.on("AppendEvents", hook{before: hang})
		g := setupOn(t, s, p, nil)
		run := g.say(g.create(), "hi")
		a := p.next(t)
		here, there := follow(t, g, run.ID), follow(t, f, run.ID)
		for i := range 50 {
			require.NoError(t, a.Textf("%d ", i))
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			require.Len(t, here.events(), i+2)
		}
		require.Empty(t, there.events())
		s.off("AppendEvents")
		a.finish(nil)
		require.NoError(t, here.err())
		require.NoError(t, there.err())
		require.Equal(t, textOf(here.events()), textOf(there.events()))
		wellFormed(t, there.events())
	})
}
