package conversation_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// stream opens the stream of a conversation.
func (f *fixture) stream(id uuid.UUID, after conversation.Cursor) *conversation.Stream {
	f.t.Helper()
	s, err := f.engine.Follow(f.ctx, f.caller, id, after, conversation.ViewParticipant)
	require.NoError(f.t, err)
	f.t.Cleanup(s.Close)
	return s
}

// byRun sorts the events of a conversation's stream by run, and checks rule S1
// on each run that began and ended in it.
func byRun(t *testing.T, events []*conversation.Event) map[uuid.UUID][]*conversation.Event {
	t.Helper()
	runs := make(map[uuid.UUID][]*conversation.Event)
	for _, e := range events {
		if e.RunID != uuid.Nil {
			runs[e.RunID] = append(runs[e.RunID], e)
		}
	}
	return runs
}

func TestS4_AConversationIsFollowedOverItsRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, says("one ", "two"), nil)
		g := f.join(says("one ", "two"), nil)
		id := f.create()
		before := f.run(id, conversation.TurnRequest{Text: "0"})
		streams := []*watcher{watch(t, f.stream(id, conversation.Cursor{})), watch(t, g.stream(id, conversation.Cursor{}))}
		synctest.Wait()
		var runs []uuid.UUID
		for i := range 5 {
			who := []*fixture{f, g}[i%2]
			runs = append(runs, who.run(id, conversation.TurnRequest{Text: fmt.Sprint(i)}).ID)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for _, s := range streams {
			seen := byRun(t, s.events())
			require.NotContains(t, seen, before.ID, "it begins with now")
			require.Len(t, seen, 5)
			last := -1
			for i, run := range runs {
				wellFormed(t, seen[run])
				require.EqualValues(t, 1, seen[run][0].FirstSeq)
				require.Equal(t, "one two", textOf(seen[run]))
				end := indexOf(s.events(), lastOf(seen[run]))
				require.Greater(t, end, last, "run %d ends after the one before", i)
				last = end
			}
			s.stop()
			require.ErrorIs(t, s.err(), context.Canceled)
		}
	})
}

func indexOf(events []*conversation.Event, e *conversation.Event) int {
	for i := range events {
		if events[i] == e {
			return i
		}
	}
	return -1
}

// Who comes in the middle of a run sees what follows, from the newest event on.
func TestS4_FollowBeginsAtTheTail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(newPuppet(), nil)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		require.NoError(t, a.Text("before "))
		time.Sleep(time.Second) // stored by now
		here, there := watch(t, f.stream(id, conversation.Cursor{})), watch(t, g.stream(id, conversation.Cursor{}))
		synctest.Wait()
		require.NoError(t, a.Text("after"))
		a.finish(nil)
		f.wait(run.ID)
		time.Sleep(time.Second)
		synctest.Wait()
		for _, w := range []*watcher{here, there} {
			require.Equal(t, "after", textOf(w.events()))
			require.EqualValues(t, 3, w.events()[0].Seq)
			require.Equal(t, conversation.EventRunCompleted, lastOf(w.events()).Type)
		}
	})
}

// From every event that was seen, the stream resumes with all that follow it.
func TestS4_FollowResumesByCursor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, says("one ", "two"), nil)
		g := f.join(says("x"), nil)
		id := f.create()
		w := watch(t, f.stream(id, conversation.Cursor{}))
		synctest.Wait()
		for i := range 3 {
			f.run(id, conversation.TurnRequest{Text: fmt.Sprint(i)})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		all := w.events()
		for i, e := range all {
			for _, at := range []*fixture{f, g} {
				var got []*conversation.Event
				s := at.stream(id, e.Cursor())
				for i < len(all)-1 && (len(got) == 0 || lastOf(got).Cursor() != lastOf(all).Cursor()) {
					read(t, s, &got)
				}
				s.Close()
				requireSame(t, all[i+1:], got)
			}
		}
	})
}

// requireSame compares what events say, whatever deltas were put together.
func requireSame(t *testing.T, want, got []*conversation.Event) {
	t.Helper()
	say := func(events []*conversation.Event) (out []string) {
		for i, e := range events {
			if e.Delta != "" && i > 0 && events[i-1].Type == e.Type && events[i-1].RunID == e.RunID {
				out[len(out)-1] += e.Delta
				continue
			}
			out = append(out, fmt.Sprintf("%s %s %s", e.RunID, e.Type, e.Delta))
		}
		return out
	}
	require.Equal(t, say(want), say(got))
}

func TestS4_TitlesAreToldToFollowers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, says("hello"), &conversation.Config{Titler: conversation.TitlerFunc(
			func(context.Context, *conversation.TitleRequest) (string, error) { return "derived", nil },
		)})
		g := f.join(says("x"), nil)
		id := f.create()
		here, there := watch(t, f.stream(id, conversation.Cursor{})), watch(t, g.stream(id, conversation.Cursor{}))
		synctest.Wait()
		f.run(id, conversation.TurnRequest{Text: "hi"})
		time.Sleep(time.Second)
		for _, title := range []string{"mine", ""} {
			_, err := f.engine.SetTitle(f.ctx, alice, id, title)
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		for _, w := range []*watcher{here, there} {
			var titles []string
			for _, e := range w.events() {
				if e.Type == conversation.EventTitleUpdated {
					require.Equal(t, uuid.Nil, e.RunID)
					require.Zero(t, e.Seq)
					titles = append(titles, *e.Title)
				}
			}
			require.Equal(t, []string{"derived", "mine", ""}, titles)
		}
	})
}

func TestS4_CursorsThatFitNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, says("x"), nil)
	id, other := f.create(), f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	foreign := f.run(other, conversation.TurnRequest{Text: "hi"})
	for name, c := range map[string]conversation.Cursor{
		"no run":              {Seq: 3},
		"unknown run":         {RunID: uuid.New(), Seq: 1},
		"another one's run":   {RunID: foreign.ID, Seq: 1},
		"negative, of no run": {Seq: -1},
	} {
		_, err := f.engine.Follow(f.ctx, alice, id, c, conversation.ViewParticipant)
		require.ErrorIs(t, err, conversation.ErrBadCursor, name)
		_, err = f.engine.Follow(f.ctx, bob, id, c, conversation.ViewParticipant)
		require.ErrorIs(t, err, conversation.ErrNotFound, name)
	}
}

// A run that waited behind an interrupting one was created before it and comes
// after it.
func TestS4_ResumingBehindAnInterruptFindsTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		id := f.create()
		f.say(id, "1")
		p.next(t)
		queued := f.start(id, conversation.TurnRequest{Text: "2", OnBusy: conversation.BusyEnqueue})
		front := f.start(id, conversation.TurnRequest{Text: "3", OnBusy: conversation.BusyInterrupt})
		a := p.next(t)
		require.Equal(t, "3", a.InputText())
		require.NoError(t, a.Text("three"))
		s := f.stream(id, conversation.Cursor{RunID: front.ID, Seq: 1, Attempt: 1})
		a.finish(nil)
		b := p.next(t)
		require.Equal(t, "2", b.InputText())
		require.NoError(t, b.Text("two"))
		b.finish(nil)
		var seen []*conversation.Event
		for ended := false; !ended; ended = lastOf(seen).RunID == queued.ID && lastOf(seen).Type.Terminal() {
			read(t, s, &seen)
		}
		runs := byRun(t, seen)
		require.Len(t, runs, 2)
		require.Equal(t, "three", textOf(runs[front.ID]))
		require.EqualValues(t, 2, runs[front.ID][0].Seq)
		require.Equal(t, "two", textOf(runs[queued.ID]))
		wellFormed(t, runs[queued.ID])
	})
}

// What one run had to say is not lost because reading another, or the
// conversation, failed for a moment.
func TestS4_AFailedReadLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := tampered(memstore.New(nil))
		p := newPuppet()
		f := setupOn(t, s, p, nil)
		id := f.create()
		stream := f.stream(id, conversation.Cursor{})
		var runs []uuid.UUID
		for i := range 3 {
			runs = append(runs, f.start(id, conversation.TurnRequest{Text: fmt.Sprint(i), OnBusy: conversation.BusyRace}).ID)
			require.NoError(t, p.next(t).Text("text"))
		}
		for _, op := range []string{"GetConversation", "ListRuns", "GetRun", "ReadEvents"} {
			s.on(op, hook{before: times(2, store.ErrUnavailable)})
		}
		var seen []*conversation.Event
		failures := 0
		for len(seen) < 6 {
			events, err := stream.Next(t.Context())
			if err != nil {
				require.ErrorIs(t, err, store.ErrUnavailable)
				failures++
			}
			seen = append(seen, events...)
		}
		require.Positive(t, failures)
		got := byRun(t, seen)
		for _, run := range runs {
			require.Equal(t, []conversation.EventType{conversation.EventRunStarted, conversation.EventTextDelta}, types(got[run]))
		}
	})
}

func TestS4_FollowEndsWhenTheConversationIsPurged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(newPuppet(), nil)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		require.NoError(t, a.Text("text"))
		all := []*watcher{
			watch(t, f.stream(id, conversation.Cursor{})), watch(t, g.stream(id, conversation.Cursor{})),
			follow(t, f, run.ID), follow(t, g, run.ID),
		}
		time.Sleep(time.Second)
		_, err := f.engine.Purge(f.ctx, alice, id)
		require.NoError(t, err)
		for i, w := range all {
			require.ErrorIs(t, w.err(), conversation.ErrNotFound, "reader %d", i)
		}
		require.ErrorIs(t, context.Cause(a.ctx), conversation.ErrLeaseLost)
		require.ErrorIs(t, a.Text("late"), conversation.ErrTurnOver)
	})
}
