package agent_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// tooled has two tools of the client and a server that offers one.
var tooled = conversation.Defaults{Settings: conversation.Settings{
	Tools:      []conversation.Tool{{Name: "weather"}, {Name: "clock"}},
	MCPServers: []conversation.MCPServer{{Alias: "wiki", Tools: []conversation.Tool{{Name: "find"}}}},
}}

func TestTool_PausesForTheClient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want []string // name and arguments of the calls
	}{
		{`/tool weather {"city": "Rome"}`, []string{"weather", `{"city": "Rome"}`}},
		{`/tool clock`, []string{"clock", `{}`}},
		{"  /tool weather\n{\n\"city\":\n\"/tool\"\n}  ", []string{"weather", `{"city": "/tool"}`}},
		{"/tool weather {\"city\": \"Rome\"}\n/tool clock\n/tool weather {}", []string{"weather", `{"city": "Rome"}`, "clock", `{}`, "weather", `{}`}},
	} {
		tb := setup(t, nil, tooled)
		run := tb.run(conversation.TurnRequest{Text: tt.line})
		require.Equal(t, conversation.RunRequiresAction, run.Status, tt.line)
		require.Len(t, run.PendingToolCalls, len(tt.want)/2)
		for i, call := range run.PendingToolCalls {
			require.Equal(t, tt.want[2*i], call.Name)
			require.JSONEq(t, tt.want[2*i+1], string(call.Arguments))
		}
		require.Positive(t, run.Usage.TotalTokens)
	}
}

func TestTool_SaysWhatIsWrongWithTheLine(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	for line, want := range map[string]string{
		"/tool":                    "the name of a tool is missing",
		"/tool weather Rome":       "the arguments of weather must be a JSON object",
		`/tool weather {"city":`:   "the arguments of weather must be a JSON object",
		"/tool weather [1]":        "the arguments of weather must be a JSON object",
		"/tool weather null":       "the arguments of weather must be a JSON object",
		"/tool weather {} {}":      "one JSON object is enough for weather",
		"/tool weather {}\n/tool ": "the name of a tool is missing",
	} {
		require.Contains(t, tb.says(line), want, line)
	}
}

func TestTool_UndeclaredFailsTheRun(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	for _, name := range []string{"stock", "wiki-write", "mail-send"} {
		run := tb.run(conversation.TurnRequest{Text: "/tool " + name})
		require.Equal(t, conversation.RunFailed, run.Status, name)
		require.Equal(t, conversation.CodeUndeclaredTool, run.Error.Code, name)
	}
}

func TestTool_ServersAreAnsweredByTheAgent(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)

	require.Equal(t, `wiki-find answered: wiki-find was called with {"q":"x"}`, tb.says(`/tool wiki-find {"q":"x"}`))
	roles := []conversation.Role{}
	for _, m := range tb.messages() {
		roles = append(roles, m.Role)
	}
	require.Equal(t, []conversation.Role{
		conversation.RoleUser, conversation.RoleAssistant, conversation.RoleTool, conversation.RoleAssistant,
	}, roles)
}

func TestTool_ClientAndServerTogether(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	run := tb.run(conversation.TurnRequest{Text: "/tool wiki-find {}\n/tool weather {}"})

	require.Equal(t, conversation.RunRequiresAction, run.Status)
	require.Len(t, run.PendingToolCalls, 1)
	require.Equal(t, "weather", run.PendingToolCalls[0].Name)
}

func TestTool_StepsAreBounded(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	run := tb.run(conversation.TurnRequest{Text: "/tool wiki-find", Override: &conversation.Override{MaxIterations: 1}})

	require.Equal(t, conversation.RunFailed, run.Status)
	require.Equal(t, conversation.CodeMaxIterations, run.Error.Code)
}

func TestOutputs_AreTalkedAbout(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	run := tb.run(conversation.TurnRequest{Text: "/tool weather {}\n/tool clock\n/tool clock\n/tool clock"})
	require.Len(t, run.PendingToolCalls, 4)
	id := func(i int) string { return run.PendingToolCalls[i].ID }
	run = tb.run(conversation.TurnRequest{Outputs: []conversation.ToolOutput{
		{ToolCallID: id(0), Parts: []conversation.Part{conversation.Text("21 degrees"), conversation.Structured(json.RawMessage(`{"c":21}`))}},
		{ToolCallID: id(1), IsError: true, Parts: []conversation.Part{conversation.Text("no battery")}},
		{ToolCallID: id(2), Parts: []conversation.Part{conversation.File("f", "text/plain", "times.txt"), conversation.DataFrame("hours")}},
		{ToolCallID: id(3)},
	}})

	require.Equal(t, conversation.RunCompleted, run.Status)
	require.Equal(t, "weather answered: 21 degrees {\"c\":21}\nclock failed: no battery\n"+
		"clock answered: the file times.txt the data frame hours\nclock answered: nothing", *run.FinalText)
}

func TestOutputs_AbandonedCallsGiveWayToTheMessage(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	tb.run(conversation.TurnRequest{Text: "/tool weather {}"})
	run := tb.run(conversation.TurnRequest{Text: "/history", AbandonPending: true})

	require.Equal(t, "2", *run.FinalText)
}

func TestToolChoice_IsObeyed(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, tooled)
	choose := func(c conversation.ToolChoice, o *conversation.Override) *conversation.Run {
		return tb.run(conversation.TurnRequest{Text: "I feel stuck", ToolChoice: &c, Override: o, AbandonPending: true})
	}
	run := choose(conversation.ToolChoice{Kind: conversation.ToolChoiceTool, Name: "clock"}, nil)
	require.Equal(t, "clock", run.PendingToolCalls[0].Name)

	run = choose(conversation.ToolChoice{Kind: conversation.ToolChoiceAny}, nil)
	require.Equal(t, "weather", run.PendingToolCalls[0].Name)

	run = choose(conversation.ToolChoice{Kind: conversation.ToolChoiceAny}, &conversation.Override{Tools: []conversation.Tool{}})
	require.Equal(t, conversation.RunCompleted, run.Status)
	require.Contains(t, *run.FinalText, "wiki-find answered")

	run = choose(conversation.ToolChoice{Kind: conversation.ToolChoiceAuto}, nil)
	require.Equal(t, conversation.RunCompleted, run.Status)
}
