package agent_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func TestFail_TellsTheClientWhy(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	for line, want := range map[string]string{"/fail the disk is full": "the disk is full", "/fail": "failed as you asked"} {
		run := tb.run(conversation.TurnRequest{Text: line})
		require.Equal(t, conversation.RunFailed, run.Status)
		require.Equal(t, &conversation.RunError{Code: conversation.CodeResponder, Message: want}, run.Error)
	}
	require.Empty(t, tb.messages())
}

func TestPanic_FailsTheRunOnly(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	run := tb.run(conversation.TurnRequest{Text: "/panic"})

	require.Equal(t, conversation.RunFailed, run.Status)
	require.Equal(t, conversation.CodePanic, run.Error.Code)
	require.Equal(t, "0", tb.says("/history"))
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Be nice.\nAlways.", setup(t, nil, conversation.Defaults{SystemPrompt: "Be nice.\nAlways."}).says("/prompt"))
	require.Equal(t, "There is no system prompt.", setup(t, nil, conversation.Defaults{}).says("/prompt"))
}

func TestConfig_IsEffectiveAndKeepsSecrets(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{Settings: conversation.Settings{
		Model: "small", MaxTokens: 100,
		MCPServers: []conversation.MCPServer{{Alias: "wiki", Headers: map[string]conversation.Secret{"Authorization": "hush"}}},
	}})
	run := tb.run(conversation.TurnRequest{Text: "/config", Override: &conversation.Override{Model: "large", Temperature: ptr(0.5)}})

	require.JSONEq(t, `{"model": "large", "temperature": 0.5, "max_tokens": 100,
		"mcp_servers": [{"alias": "wiki", "headers": {"Authorization": "[redacted]"}}]}`, *run.FinalText)
	require.JSONEq(t, `{}`, setup(t, nil, conversation.Defaults{}).says("/config"))
}

func TestHistory_CountsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	require.Equal(t, "0", tb.says("/history"))
	require.Equal(t, "2", tb.says("/history"))
	messages := make([]conversation.Message, 100)
	content, err := conversation.NewContent(conversation.Text("x"))
	require.NoError(t, err)
	for i := range messages {
		messages[i] = conversation.Message{Role: conversation.RoleUser, Content: content}
	}
	for range 3 {
		_, err := tb.engine.Append(t.Context(), ada, tb.conv.ID, conversation.AppendParams{Messages: messages})
		require.NoError(t, err)
	}
	require.Equal(t, "304", tb.says("/history"))
}

func TestJSON_AnswersStructured(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}`)
	for _, tt := range []struct {
		line   string
		schema json.RawMessage
		want   string // "" when the run is to fail
	}{
		{`/json {"n": 1}`, nil, `{"n": 1}`},
		{`/json [1, "two"]`, nil, `[1, "two"]`},
		{`/json {"n": 1}`, schema, `{"n": 1}`},
		{`/json {"n": "one"}`, schema, ""},
		{`/json {"n"`, nil, ""},
		{`hello`, schema, ""},
	} {
		tb := setup(t, nil, conversation.Defaults{Settings: conversation.Settings{OutputSchema: tt.schema}})
		run := tb.run(conversation.TurnRequest{Text: tt.line})
		if tt.want == "" {
			require.Equal(t, conversation.RunFailed, run.Status, tt.line)
			require.Equal(t, conversation.CodeSchema, run.Error.Code, tt.line)
			continue
		}
		require.Equal(t, conversation.RunCompleted, run.Status, tt.line)
		require.JSONEq(t, tt.want, string(run.FinalStructured))
	}
	require.Contains(t, setup(t, nil, conversation.Defaults{}).says("/json"), "missing")
}

func TestHelp_NamesEveryFeature(t *testing.T) {
	t.Parallel()
	tb := setup(t, nil, conversation.Defaults{})
	var names []string
	for _, line := range strings.Split(tb.says("/help"), "\n") {
		if strings.HasPrefix(line, "/") {
			names = append(names, line)
		}
	}
	require.Equal(t, []string{
		"/tool NAME JSON", "/slow N", "/hang", "/fail TEXT", "/panic", "/prompt", "/config", "/history", "/json VALUE", "/help",
	}, names)
	require.Equal(t, "I do not know /dance. /help lists what I understand.", tb.says("/dance with me"))
	require.Equal(t, "I do not know /. /help lists what I understand.", tb.says("/"))
}
