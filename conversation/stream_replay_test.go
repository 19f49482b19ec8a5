package conversation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// talkative says everything a Responder can say.
func talkative(ctx context.Context, turn *conversation.Turn) error {
	if _, err := turn.Step(ctx); err != nil {
		return err
	}
	for i := range 10 {
		if err := turn.Reasoning(fmt.Sprintf("hm%d ", i)); err != nil {
			return err
		}
	}
	for i := range 300 {
		if err := turn.Textf("%d ", i); err != nil {
			return err
		}
		<-time.After(3 * time.Millisecond)
	}
	if err := turn.Status("looking it up"); err != nil {
		return err
	}
	call, err := turn.ToolCall(conversation.ToolCall{Name: "web-search", Arguments: json.RawMessage(`{"q":"x"}`)})
	if err != nil {
		return err
	}
	if err := turn.ToolResult(output(call.ID, "found")); err != nil {
		return err
	}
	if _, err := turn.ToolCall(conversation.ToolCall{Name: "web-lost"}); err != nil {
		return err
	}
	if err := turn.Usage(conversation.Usage{PromptTokens: 3, CompletionTokens: 4}); err != nil {
		return err
	}
	if _, err := turn.Step(ctx); err != nil {
		return err
	}
	for i := range 300 {
		if err := turn.Textf("%d.", i); err != nil {
			return err
		}
		<-time.After(3 * time.Millisecond)
	}
	_, err = turn.ToolCall(conversation.ToolCall{ID: "c1", Name: "ask"})
	return err
}

func talkativeDefaults() conversation.CreateParams {
	return conversation.CreateParams{Defaults: conversation.Defaults{Settings: conversation.Settings{
		Tools: []conversation.Tool{{Name: "ask"}}, MCPServers: []conversation.MCPServer{{Alias: "web"}},
	}}}
}

func TestS5_ReplayFromZeroIsShortAndSaysTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, conversation.ResponderFunc(talkative), nil)
		g := f.join(says("x"), nil)
		run := f.start(f.createWith(talkativeDefaults()), conversation.TurnRequest{Text: "hi"})
		live := follow(t, f, run.ID)
		require.NoError(t, live.err())
		all := live.events()
		wellFormed(t, all)
		for _, at := range []*fixture{f, g} {
			again := at.replay(run.ID, conversation.Cursor{})
			require.Less(t, len(again), 30, "%d events are put together", len(all))
			requireSame(t, all, again)
			require.Equal(t, textOf(all), textOf(again))
			require.EqualValues(t, 1, again[0].FirstSeq)
			sameEnd(t, lastOf(all), lastOf(again))

			// From a cursor they are what they were.
			for _, i := range []int{0, 1, 5, 12, 200, len(all) - 3, len(all) - 2} {
				rest := at.replay(run.ID, all[i].Cursor())
				require.Len(t, rest, len(all)-1-i)
				for j, e := range rest {
					sameEvent(t, all[i+1+j], e)
				}
			}
		}
	})
}

func sameEvent(t *testing.T, want, got *conversation.Event) {
	t.Helper()
	a, err := json.Marshal(want)
	require.NoError(t, err)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, string(a), string(b))
}

func sameEnd(t *testing.T, want, got *conversation.Event) {
	t.Helper()
	require.True(t, want.Type.Terminal())
	sameEvent(t, want, got)
}

// After the retention what is left is the log, and it says the same.
func TestS5_EventsAreMadeAnewWhenTheyAreGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, conversation.ResponderFunc(talkative), &conversation.Config{EventRetention: time.Minute})
		id := f.createWith(talkativeDefaults())
		run := f.start(id, conversation.TurnRequest{Text: "hi"})
		live := follow(t, f, run.ID)
		behind := f.events(run.ID, conversation.Cursor{})
		var seen []*conversation.Event
		read(t, behind, &seen)
		require.NoError(t, live.err())
		all := live.events()
		time.Sleep(2 * time.Minute)

		again := f.replay(run.ID, conversation.Cursor{})
		require.Equal(t, textOf(all), textOf(again))
		sameEnd(t, lastOf(all), lastOf(again))
		require.EqualValues(t, 1, again[0].FirstSeq)
		require.Equal(t, conversation.EventRunStarted, again[0].Type)
		var kept []*conversation.Event // what the log keeps of a run's events
		for _, e := range all {
			if e.Type != conversation.EventStatus && e.Type != conversation.EventUsage {
				kept = append(kept, e)
			}
		}
		requireSame(t, kept, again)
		for _, e := range again {
			if e.Type == conversation.EventToolCall {
				require.Equal(t, e.Call.Name == "ask", e.Client)
			}
		}

		// Who resumes in the middle begins again, and is told so.
		for _, i := range []int{0, 5, 200, len(all) - 2} {
			rest := f.replay(run.ID, all[i].Cursor())
			if i < len(all)-2 {
				require.Equal(t, conversation.EventRunRestarted, rest[0].Type)
				require.Equal(t, textOf(all), textOf(rest))
			}
			sameEnd(t, lastOf(all), lastOf(rest))
		}
		for !lastOf(seen).Type.Terminal() { // who is still reading has it in memory
			read(t, behind, &seen)
		}
		require.Equal(t, textOf(all), textOf(seen))
	})
}

// A run that carries outputs is made anew without them: they were not its own.
func TestS5_InputIsNotMadeAnewAsOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 40 {
			names = append(names, fmt.Sprintf("tool%d", i))
		}
		f := setup(t, calls(names...), &conversation.Config{EventRetention: time.Minute})
		id := f.create(names...)
		f.run(id, conversation.TurnRequest{Text: "hi"})
		var outputs []conversation.ToolOutput
		for _, n := range names {
			outputs = append(outputs, output(n, "ok"))
		}
		first := f.run(id, conversation.TurnRequest{Outputs: outputs})
		f.run(id, conversation.TurnRequest{Text: "again"})
		second := f.run(id, conversation.TurnRequest{Text: "drop it", AbandonPending: true})
		for _, run := range []*conversation.Run{first, second} {
			before := f.replay(run.ID, conversation.Cursor{})
			time.Sleep(2 * time.Minute)
			after := f.replay(run.ID, conversation.Cursor{})
			requireSame(t, before, after)
			sameEnd(t, lastOf(before), lastOf(after))
			require.Equal(t, int64(1), after[0].FirstSeq)
		}
	})
}

// While the sweep is half way through a long run's events, a replay must not
// begin in the middle of the text.
func TestS5_HalfSweptEventsAreMadeAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const deltas = 900 // packs of one delta each: the sweep deletes 500 at once
		f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
			for i := range deltas {
				if err := turn.Textf("%d ", i); err != nil {
					return err
				}
				time.Sleep(110 * time.Millisecond)
			}
			return nil
		}), &conversation.Config{EventRetention: time.Minute})
		var want strings.Builder
		for i := range deltas {
			fmt.Fprintf(&want, "%d ", i)
		}
		run := f.run(f.create(), conversation.TurnRequest{Text: "hi"})
		short, long := 0, 0
		for range 200 { // over the sweeps that delete them
			time.Sleep(500 * time.Millisecond)
			events := f.replay(run.ID, conversation.Cursor{})
			require.Equal(t, want.String(), textOf(events))
			require.EqualValues(t, 1, events[0].FirstSeq)
			if len(events) < 6 {
				short++
			} else {
				long++
			}
			rest := f.replay(run.ID, conversation.Cursor{Seq: 700, Attempt: 1})
			if rest[0].Type != conversation.EventRunRestarted {
				require.EqualValues(t, 701, rest[0].FirstSeq)
			} else {
				require.Equal(t, want.String(), textOf(rest))
			}
		}
		require.Positive(t, short)
		require.Positive(t, long)
	})
}
