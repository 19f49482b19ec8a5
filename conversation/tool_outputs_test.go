package conversation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// paused is a conversation whose run waits for the outputs of these calls.
func (f *fixture) paused(tools ...string) uuid.UUID {
	f.t.Helper()
	id := f.createWith(conversation.CreateParams{Defaults: conversation.Defaults{Settings: conversation.Settings{
		Tools: []conversation.Tool{{Name: "a"}, {Name: "b"}, {Name: "c"}}, MCPServers: []conversation.MCPServer{{Alias: "web"}},
	}}})
	run := f.run(id, conversation.TurnRequest{Text: "hi"})
	require.Equal(f.t, conversation.RunRequiresAction, run.Status)
	require.Len(f.t, run.PendingToolCalls, len(tools))
	require.Equal(f.t, f.get(id).Version, run.Version)
	require.Equal(f.t, run.PendingToolCalls, f.get(id).PendingToolCalls)
	return id
}

func TestR5_ARunPausesAndGoesOnWithTheOutputs(t *testing.T) {
	t.Parallel()
	f := setup(t, calls("a", "b"), nil)
	id := f.paused("a", "b")
	require.Equal(t, conversation.StreamCompleted, f.get(id).StreamStatus)
	failed := output("b", "no network")
	failed.IsError = true
	run := f.run(id, conversation.TurnRequest{
		Outputs: []conversation.ToolOutput{failed, output("a", "one")}, ExpectedVersion: conversation.At(2),
	})
	require.Equal(t, conversation.RunCompleted, run.Status)
	require.Equal(t, []string{"user: hi", "assistant: [a a] [b b]", "tool: [b failed no network] [a one]", "assistant: done"}, f.lines(id))
	require.Empty(t, f.get(id).PendingToolCalls)
}

func TestR5_OutputsThatDoNotFit(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		for _, name := range []string{"web-search", "a", "b"} {
			if _, err := turn.ToolCall(conversation.ToolCall{ID: name, Name: name}); err != nil {
				return err
			}
		}
		return turn.ToolResult(output("web-search", "found"))
	}), nil)
	id := f.paused("a", "b")
	a, b := output("a", "1"), output("b", "2")
	check := func(at uuid.UUID, outputs ...conversation.ToolOutput) error {
		before := f.get(at)
		_, err := f.engine.StartRun(f.ctx, alice, at, conversation.TurnRequest{Outputs: outputs})
		require.Equal(t, before, f.get(at), "nothing was written")
		return err
	}
	var bad *conversation.ToolOutputsError
	require.ErrorAs(t, check(id, a), &bad)
	require.Equal(t, conversation.ToolOutputsError{Missing: []string{"b"}}, *bad)
	require.ErrorAs(t, check(id, a, b, a), &bad)
	require.Equal(t, conversation.ToolOutputsError{Unexpected: []string{"a"}}, *bad, "twice")
	require.ErrorAs(t, check(id, a, a), &bad)
	require.Equal(t, conversation.ToolOutputsError{Missing: []string{"b"}, Unexpected: []string{"a"}}, *bad)

	var call *conversation.ToolCallError
	err := check(id, a, b, output("nobody", "x"))
	require.ErrorIs(t, err, conversation.ErrUnknownToolCall)
	require.ErrorAs(t, err, &call)
	require.Equal(t, "nobody", call.ToolCallID)
	err = check(id, a, b, output("web-search", "x"))
	require.ErrorIs(t, err, conversation.ErrNotClientTool)
	require.ErrorAs(t, err, &call)
	require.Equal(t, "web-search", call.ToolCallID)

	require.ErrorIs(t, check(f.create(), a), conversation.ErrNoAssistantTurn)
	require.Equal(t, conversation.RunRequiresAction, f.run(id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{a, b}}).Status)
}

// Outputs for calls that have theirs are no longer expected.
func TestR5_OutputsComeOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, calls("a"), nil)
	id := f.paused("a")
	req := conversation.TurnRequest{Outputs: []conversation.ToolOutput{output("a", "1")}}
	f.run(id, req)
	_, err := f.engine.StartRun(f.ctx, alice, id, req)
	var bad *conversation.ToolOutputsError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, []string{"a"}, bad.Unexpected)
	require.Len(t, f.log(id), 4)
}

func TestR5_AMessageWhileCallsArePending(t *testing.T) {
	t.Parallel()
	f := setup(t, calls("a", "b"), nil)
	id := f.paused("a", "b")
	for _, busy := range []conversation.BusyPolicy{conversation.BusyReject, conversation.BusyEnqueue, conversation.BusyRace, conversation.BusyInterrupt} {
		_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "never mind", OnBusy: busy})
		require.ErrorIs(t, err, conversation.ErrToolOutputsPending)
	}
	require.Len(t, f.log(id), 2)
	run := f.run(id, conversation.TurnRequest{Text: "never mind", AbandonPending: true})
	require.Equal(t, conversation.RunRequiresAction, run.Status)
	const gone = "failed abandoned: the user went on without it]"
	require.Equal(t, []string{
		"user: hi", "assistant: [a a] [b b]", "tool: [a " + gone + " [b " + gone, "user: never mind", "assistant: [a a] [b b]",
	}, f.lines(id))
}

// A turn that abandons and fails leaves the calls pending.
func TestR5_AFailedTurnLeavesTheCallsPending(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create("a")
	f.say(id, "hi")
	act := p.next(t)
	_, err := act.ToolCall(conversation.ToolCall{ID: "x", Name: "a"})
	require.NoError(t, err)
	act.finish(nil)
	for _, req := range []conversation.TurnRequest{
		{Text: "never mind", AbandonPending: true},
		{Outputs: []conversation.ToolOutput{output("x", "1")}},
	} {
		require.Eventually(t, func() bool { return f.get(id).StreamStatus != conversation.StreamInProgress }, patience, 1e6)
		run := f.start(id, req)
		p.next(t).finish(errors.New("no"))
		require.Equal(t, conversation.RunFailed, f.wait(run.ID).Status)
		require.Len(t, f.get(id).PendingToolCalls, 1)
		require.Len(t, f.log(id), 2)
	}
}

// Sixteen answers to one pause: one goes on, the others learn what is the matter.
func TestR5_SixteenTurnsWithTheSameOutputs(t *testing.T) {
	t.Parallel()
	f := setup(t, calls("a"), nil)
	id := f.paused("a")
	landed := 0
	for _, err := range together(16, func(int) error {
		_, err := f.engine.RunTurn(f.ctx, alice, id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{output("a", "1")}})
		return err
	}) {
		var bad *conversation.ToolOutputsError
		switch {
		case err == nil:
			landed++
		case errors.As(err, &bad):
			require.Equal(t, []string{"a"}, bad.Unexpected)
		default:
			require.ErrorIs(t, err, conversation.ErrRunActive)
		}
	}
	require.Equal(t, 1, landed)
	require.Equal(t, []string{"user: hi", "assistant: [a a]", "tool: [a 1]", "assistant: done"}, f.lines(id))
}

func TestR5_EveryCallIsClosedOnStop(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.createWith(talkativeDefaults())
	run := f.say(id, "hi")
	a := p.next(t)
	for _, name := range []string{"web-one", "web-two", "ask"} {
		_, err := a.ToolCall(conversation.ToolCall{ID: name, Name: name})
		require.NoError(t, err)
	}
	require.NoError(t, a.ToolResult(output("web-one", "found")))
	f.stop(run.ID)
	require.Equal(t, []string{
		"user: hi", "assistant: [web-one web-one] [web-two web-two] [ask ask] (incomplete)",
		"tool: [web-one found] [web-two failed stopped] [ask failed stopped]",
	}, f.lines(id))
	require.Empty(t, f.get(id).PendingToolCalls, "nothing waits any more")
	var results []string
	for _, e := range f.replay(run.ID, conversation.Cursor{}) {
		if e.Type == conversation.EventToolResult {
			results = append(results, e.Result.ToolCallID)
		}
	}
	require.Equal(t, []string{"web-one", "web-two", "ask"}, results, "readers see every call closed")
	f.say(id, "go on")
	p.next(t).finish(nil)
}

// The conversation is read before the turn is written; what waited then may be
// answered by now, and must not be answered again.
func TestR5_ATurnThatStartsJustAfterTheOutputsLanded(t *testing.T) {
	t.Parallel()
	for _, abandon := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := tampered(memstore.New(nil))
			p := newPuppet()
			f := setupOn(t, s.Store, p, nil)
			// The second engine reads slowly, and knows no conversation yet.
			g := setupOn(t, s, p, nil)
			id := f.create("ask")
			f.say(id, "hi")
			a := p.next(t)
			_, err := a.ToolCall(conversation.ToolCall{ID: "c", Name: "ask"})
			require.NoError(t, err)
			a.finish(nil)
			synctest.Wait()
			answer := f.start(id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{output("c", "42")}})
			a = p.next(t)

			slow := make(chan struct{})
			s.on("GetConversation", hook{after: func(context.Context) error { <-slow; return nil }})
			started := make(chan *conversation.Run, 1)
			go func() {
				started <- g.start(id, conversation.TurnRequest{
					Text: "next", OnBusy: conversation.BusyEnqueue, AbandonPending: abandon,
				})
			}()
			synctest.Wait() // it has read that the call is pending
			a.finish(nil)
			require.Equal(t, conversation.RunCompleted, f.wait(answer.ID).Status)
			close(slow)
			run := <-started
			p.next(t).finish(nil)
			require.Equal(t, conversation.RunCompleted, f.wait(run.ID).Status)
			require.Equal(t, []string{"user: hi", "assistant: [ask c]", "tool: [c 42]", "user: next"}, f.lines(id))
		})
	}
}
