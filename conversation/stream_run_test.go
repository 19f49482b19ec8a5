package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func TestS1_EveryReaderSeesEveryEventOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(newPuppet(), nil)
		run := f.say(f.create(), "hi")
		a := p.next(t)
		readers := []*watcher{follow(t, f, run.ID), follow(t, g, run.ID)}
		var want strings.Builder
		for i := range 300 {
			if i%50 == 0 { // one more reader here, one more there
				readers = append(readers, follow(t, f, run.ID), follow(t, g, run.ID))
			}
			delta := fmt.Sprintf("%d ", i)
			want.WriteString(delta)
			require.NoError(t, a.Text(delta))
			time.Sleep(7 * time.Millisecond)
		}
		a.finish(nil)
		f.wait(run.ID)
		for _, r := range readers {
			require.NoError(t, r.err())
			events := r.events()
			wellFormed(t, events)
			require.Len(t, events, 304, "each event as it was")
			require.EqualValues(t, 1, events[0].Seq)
			require.Equal(t, want.String(), textOf(events))
		}
	})
}

func TestS1_ReadersHereAtOnceOthersSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(newPuppet(), nil)
		run := f.say(f.create(), "hi")
		a := p.next(t)
		here, there := f.events(run.ID, conversation.Cursor{}), g.events(run.ID, conversation.Cursor{})
		until := func(s *conversation.Stream, delta string) time.Duration {
			began := time.Now()
			for {
				events, err := s.Next(t.Context())
				require.NoError(t, err)
				if lastOf(events).Delta == delta {
					return time.Since(began)
				}
			}
		}
		for i := range 40 {
			time.Sleep(time.Duration(i*13) * time.Millisecond)
			delta := fmt.Sprint(i)
			require.NoError(t, a.Text(delta))
			require.Zero(t, until(here, delta), "in the running process at once")
			require.LessOrEqual(t, until(there, delta), 150*time.Millisecond)
		}
		a.finish(nil)
		f.wait(run.ID)
	})
}

// Hints only make it sooner: without them polling finds everything.
func TestS1_OthersSoonWithoutHints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		deaf := tampered(f.store)
		deaf.mute()
		g := setupOn(t, deaf, newPuppet(), nil)
		run := f.say(f.create(), "hi")
		a := p.next(t)
		there := follow(t, g, run.ID)
		require.NoError(t, a.Text("hello"))
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, "hello", textOf(there.events()))
		a.finish(nil)
		require.NoError(t, there.err())
	})
}

func TestS1_ACursorResumesWhereItWas(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	run := f.say(f.create(), "hi")
	a := p.next(t)
	for i := range 20 {
		require.NoError(t, a.Text(fmt.Sprintf("<%d>", i)))
	}
	live := follow(t, f, run.ID)
	for from := range int64(21) {
		s := f.events(run.ID, conversation.Cursor{RunID: run.ID, Seq: from, Attempt: 1})
		events, err := s.Next(f.ctx)
		require.NoError(t, err)
		require.Equal(t, from+1, events[0].FirstSeq)
		s.Close()
	}
	a.finish(nil)
	f.wait(run.ID)
	require.NoError(t, live.err())
	all := live.events()
	for i, e := range all {
		if e.Type.Terminal() {
			break
		}
		got := f.replay(run.ID, e.Cursor())
		require.Equal(t, types(all[i+1:]), types(got))
		require.Equal(t, textOf(all[i+1:]), textOf(got))
	}
	s := f.events(run.ID, lastOf(all).Cursor())
	_, err := s.Next(f.ctx)
	require.ErrorIs(t, err, io.EOF, "who has seen the end has seen it all")
}

func TestS1_CursorsThatFitNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, says("x"), nil)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "hi"})
	open := func(who conversation.Caller, c conversation.Cursor) error {
		_, err := f.engine.Events(f.ctx, who, run.ID, c, conversation.ViewParticipant)
		return err
	}
	require.ErrorIs(t, open(alice, conversation.Cursor{RunID: uuid.New(), Seq: 1}), conversation.ErrBadCursor)
	require.ErrorIs(t, open(alice, conversation.Cursor{Seq: -1}), conversation.ErrBadCursor)
	require.ErrorIs(t, open(bob, conversation.Cursor{RunID: uuid.New(), Seq: 1}), conversation.ErrNotFound)
	require.ErrorIs(t, open(bob, conversation.Cursor{}), conversation.ErrNotFound)
	_, err := f.events(run.ID, conversation.Cursor{Seq: 999}).Next(f.ctx)
	require.ErrorIs(t, err, io.EOF)
}

func TestS2_TheDeltasAreTheText(t *testing.T) {
	t.Parallel()
	text := "Grüße, 世界 👩‍👩‍👧 — naïve “quotes” \u0301 <&> \\ \" \u2028 end"
	for size := 1; size <= 5; size++ {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
				for i := 0; i < len(text); i += size { // in the middle of characters
					if err := turn.Text(text[i:min(i+size, len(text))]); err != nil {
						return err
					}
				}
				return nil
			}), nil)
			id := f.create()
			run := f.start(id, conversation.TurnRequest{Text: "hi"})
			live := follow(t, f, run.ID)
			ended := f.wait(run.ID)
			require.NoError(t, live.err())
			require.Equal(t, text, *ended.FinalText)
			require.Equal(t, text, textOf(live.events()))
			require.Equal(t, text, textOf(f.replay(run.ID, conversation.Cursor{})))
			require.Equal(t, text, f.log(id)[1].Content.Text())
			for _, e := range live.events() {
				require.NotContains(t, e.Delta, "\uFFFD")
			}
		})
	}
}

// A text that ends within a character ends with the mark decoders put there.
func TestS2_TextThatEndsWithinACharacter(t *testing.T) {
	t.Parallel()
	f := setup(t, says("caf", "\xc3"), nil)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "hi"})
	require.Equal(t, "caf\uFFFD", *run.FinalText)
	require.Equal(t, "caf\uFFFD", textOf(f.replay(run.ID, conversation.Cursor{})))
	require.Equal(t, "caf\uFFFD", f.log(id)[1].Content.Text())
}

func TestS2_BytesThatAreNoTextAreRefused(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][]string{
		"invalid": {"a\xffb"}, "nul": {"a\x00b"}, "broken off": {"\xe2\x82", "abc"}, "lone tail": {"\x80"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says(bad...), nil)
			id := f.create()
			run := f.run(id, conversation.TurnRequest{Text: "hi"})
			require.Equal(t, conversation.RunFailed, run.Status)
			require.Equal(t, conversation.CodeInvalidOutput, run.Error.Code)
			require.Empty(t, f.log(id))
		})
	}
}

func TestS1_NextEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	run := f.say(f.create(), "hi")
	a := p.next(t)
	s := f.events(run.ID, conversation.Cursor{})
	_, err := s.Next(f.ctx)
	require.NoError(t, err)
	why := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(f.ctx)
	cancel(why)
	_, err = s.Next(ctx)
	require.ErrorIs(t, err, why)
	require.NoError(t, a.Text("more"))
	events, err := s.Next(f.ctx)
	require.NoError(t, err, "the stream goes on where it was")
	require.Equal(t, "more", textOf(events))
	a.finish(nil)
	f.wait(run.ID)
}
