package conversation_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func TestR5_ACallThatNobodyDeclared(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"nope", "web", "web-", "other-search", "", "db-drop"} {
		f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
			_, err := turn.ToolCall(conversation.ToolCall{Name: name})
			return err
		}), nil)
		id := f.createWith(conversation.CreateParams{Defaults: conversation.Defaults{Settings: conversation.Settings{
			Tools: []conversation.Tool{{Name: "ask"}},
			MCPServers: []conversation.MCPServer{
				{Alias: "web"}, {Alias: "db", Tools: []conversation.Tool{{Name: "read"}}},
			},
		}}})
		run := f.run(id, conversation.TurnRequest{Text: "hi"})
		require.Equal(t, conversation.RunFailed, run.Status, name)
		require.Equal(t, conversation.CodeUndeclaredTool, run.Error.Code)
		require.Contains(t, run.Error.Message, name)
		require.Empty(t, f.log(id))
	}
}

// A Responder may get over a call that was refused.
func TestR5_CallsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.createWith(talkativeDefaults())
	run := f.say(id, "hi")
	a := p.next(t)
	refused := func(call conversation.ToolCall) error {
		_, err := a.ToolCall(call)
		require.Error(t, err)
		return err
	}
	require.ErrorIs(t, refused(conversation.ToolCall{Name: "nope"}), conversation.ErrUndeclaredTool)
	refused(conversation.ToolCall{Name: "ask", Arguments: json.RawMessage(`{"a":`)})
	refused(conversation.ToolCall{Name: "ask", Arguments: json.RawMessage(`[1]`)})
	refused(conversation.ToolCall{Name: "ask", ID: strings.Repeat("x", 300)})
	refused(conversation.ToolCall{Name: "ask", ID: "a\x00b"})
	call, err := a.ToolCall(conversation.ToolCall{Name: "web-search"})
	require.NoError(t, err)
	require.NotEmpty(t, call.ID, "an empty id gets one")
	require.JSONEq(t, `{}`, string(call.Arguments))
	refused(conversation.ToolCall{ID: call.ID, Name: "web-search"})

	require.ErrorIs(t, a.ToolResult(output("nobody", "x")), conversation.ErrUnknownToolCall)
	require.NoError(t, a.ToolResult(output(call.ID, "found")))
	require.Error(t, a.ToolResult(output(call.ID, "found again")))
	_, err = a.ToolCall(conversation.ToolCall{ID: "c", Name: "ask"})
	require.NoError(t, err)
	require.Error(t, a.ToolResult(output("c", "not mine to say")))
	a.finish(nil)
	ended := f.wait(run.ID)
	require.Equal(t, conversation.RunRequiresAction, ended.Status)
	require.Len(t, ended.PendingToolCalls, 1)
	require.Equal(t, []string{
		"user: hi", "assistant: [web-search " + call.ID + "]", "tool: [" + call.ID + " found]", "assistant: [ask c]",
	}, f.lines(id))
}

// Nothing may come between a client's call and its output but results of the same answer.
func TestR5_AfterAClientCallTheTurnHasToEnd(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	run := f.say(f.createWith(talkativeDefaults()), "hi")
	a := p.next(t)
	for _, name := range []string{"ask", "web-search"} {
		_, err := a.ToolCall(conversation.ToolCall{ID: name, Name: name})
		require.NoError(t, err)
	}
	require.NoError(t, a.Text("in the same message"))
	require.NoError(t, a.ToolResult(output("web-search", "found")))
	require.ErrorIs(t, a.Text("more"), conversation.ErrToolOutputsPending)
	require.ErrorIs(t, a.Message(conversation.Text("more")), conversation.ErrToolOutputsPending)
	_, err := a.Step(a.ctx)
	require.ErrorIs(t, err, conversation.ErrToolOutputsPending)
	a.finish(nil)
	require.Equal(t, conversation.RunRequiresAction, f.wait(run.ID).Status)
}

func TestR5_AServersCallWithoutResultIsClosed(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		_, err := turn.ToolCall(conversation.ToolCall{ID: "s", Name: "web-search"})
		return err
	}), nil)
	id := f.createWith(talkativeDefaults())
	require.Equal(t, conversation.RunCompleted, f.run(id, conversation.TurnRequest{Text: "hi"}).Status)
	require.Equal(t, []string{"user: hi", "assistant: [web-search s]", "tool: [s failed no result was given]"}, f.lines(id))
}

func TestToolChoice(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.createWith(talkativeDefaults())
	choice := &conversation.ToolChoice{Kind: conversation.ToolChoiceTool, Name: "web-search"}
	run := f.start(id, conversation.TurnRequest{Text: "hi", ToolChoice: choice})
	a := p.next(t)
	require.Equal(t, *choice, a.step().ToolChoice, "in the first step")
	require.Equal(t, conversation.ToolChoice{Kind: conversation.ToolChoiceAuto}, a.step().ToolChoice)
	a.finish(nil)
	require.Equal(t, choice, f.wait(run.ID).ToolChoice)
	for _, bad := range []conversation.ToolChoice{
		{}, {Kind: "some"}, {Kind: conversation.ToolChoiceTool}, {Kind: conversation.ToolChoiceTool, Name: "nope"},
		{Kind: conversation.ToolChoiceAny, Name: "ask"},
	} {
		_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", ToolChoice: &bad})
		require.ErrorIs(t, err, conversation.ErrInvalid, "%+v", bad)
	}
	_, err := f.engine.StartRun(f.ctx, alice, f.create(), conversation.TurnRequest{
		Text: "hi", ToolChoice: &conversation.ToolChoice{Kind: conversation.ToolChoiceAny},
	})
	require.ErrorIs(t, err, conversation.ErrInvalid, "there is no tool")
}
