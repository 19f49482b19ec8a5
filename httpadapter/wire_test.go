package httpadapter_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
)

// A message goes out as the domain encodes it, whichever fields it has.
func TestMessagesGoOutAsTheDomainEncodesThem(t *testing.T) {
	t.Parallel()
	content, err := conversation.NewContent(
		conversation.Text("a <b> \u2028 \"q\""), conversation.Structured(json.RawMessage(`{"n":[1,2.50]}`)),
		conversation.Part{Type: conversation.PartToolCall, ToolCallID: "c", Name: "t"},
		conversation.ToolOutput{ToolCallID: "c", IsError: true}.Part(), conversation.File("r", "text/plain", "n"),
	)
	require.NoError(t, err)
	at := time.Date(2026, 5, 18, 13, 21, 51, 983952000, time.FixedZone("", 3600))
	for _, m := range []conversation.Message{
		{},
		{ID: uuid.New(), ConversationID: uuid.New(), Seq: 1 << 40, Role: conversation.RoleTool, Content: content, RunID: uuid.New(),
			Author: &conversation.Author{ID: "u", Name: `"<>`, AvatarURL: "https://x"}, Incomplete: true, CreatedAt: at},
	} {
		got, err := httpadapter.EncodeMessage(&m)
		require.NoError(t, err)
		want, err := json.Marshal(m)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
	}
	got, err := httpadapter.EncodeMessage(&conversation.Message{Content: content, CreatedAt: at})
	require.NoError(t, err)
	stored, err := content.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(got), string(stored), "parts are the stored bytes")
	require.Contains(t, string(got), `"2026-05-18T12:21:51.983952Z"`)
}

// The document names exactly the fields that the decoders take.
func TestDocumentNamesTheFieldsThatAreTaken(t *testing.T) {
	t.Parallel()
	raw := setup(t).as("").do("GET", "/openapi.json", nil)
	var doc struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]json.RawMessage }
		}
	}
	require.NoError(t, json.Unmarshal(raw.body, &doc))
	for schema, fields := range httpadapter.Fields() {
		var named []string
		for name := range doc.Components.Schemas[schema].Properties {
			named = append(named, name)
		}
		slices.Sort(named)
		slices.Sort(fields)
		require.Equal(t, fields, named, schema)
	}
}

// Every code of the table of errors is shown by a test.
func TestEveryCodeIsShown(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	files, err := filepath.Glob("testdata/transcripts/*.txtar")
	require.NoError(t, err)
	for _, file := range append(files, "faults_test.go") {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		shown.Write(raw)
	}
	for _, code := range httpadapter.Codes() {
		if code == "request_timeout" {
			continue // TestSlowLoris, by its status
		}
		require.Contains(t, shown.String(), `"`+code+`"`)
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header string
		want   int64
	}{{`"7"`, 7}, {`"0"`, 0}, {` "12-1779110511983952" `, 12}} {
		v, err := httpadapter.IfMatch(tt.header)
		require.NoError(t, err, tt.header)
		require.Equal(t, tt.want, *v)
	}
	for _, none := range [][]string{nil, {"*"}} {
		v, err := httpadapter.IfMatch(none...)
		require.NoError(t, err)
		require.Nil(t, v)
	}
	for _, bad := range [][]string{{"7"}, {`W/"7"`}, {`"-1"`}, {`"7-x"`}, {`"7", "8"`}, {`"7"`, `"7"`}, {`""`}, {`"99999999999999999999"`}, {`"7`}} {
		_, err := httpadapter.IfMatch(bad...)
		require.ErrorIs(t, err, conversation.ErrInvalid, "%q", bad)
	}
}

func TestKeyBound(t *testing.T) {
	t.Parallel()
	alice := setup(t).as("acme.alice")
	id := alice.create(nil)
	fits := strings.Repeat("k", 255)
	alice.do("POST", "/conversations/"+id+"/runs", object{"content": "say x"}, header("Idempotency-Key", fits)).ok(202)
	alice.do("POST", "/conversations/"+id+"/runs", object{"content": "say x", "client_op_id": fits}).ok(200)
	for _, how := range []func() *reply{
		func() *reply {
			return alice.do("POST", "/conversations/"+id+"/runs", object{"content": "say x"}, header("Idempotency-Key", fits+"k"))
		},
		func() *reply {
			return alice.do("POST", "/conversations/"+id+"/runs", object{"content": "say x", "client_op_id": fits + "k"})
		},
	} {
		how().problem(400, "invalid_request")
	}
}

// A long log comes whole, in order, in pieces that fit in memory.
func TestWholeConversationOfManyPages(t *testing.T) {
	t.Parallel()
	s := setup(t)
	alice := s.as("acme.alice")
	id := alice.create(nil)
	caller := conversation.Caller{Tenant: "acme", User: "alice", Permissions: conversation.PermReadWrite}
	content, err := conversation.NewContent(conversation.Text(strings.Repeat("long ", 200)))
	require.NoError(t, err)
	const n = 1300 // more than a page, and more than is gathered before it is sent
	for at := 0; at < n; at += 100 {
		messages := make([]conversation.Message, 100)
		for i := range messages {
			messages[i] = conversation.Message{Role: conversation.RoleUser, Content: content}
		}
		_, err := s.engine.Append(t.Context(), caller, uuid.MustParse(id), conversation.AppendParams{Messages: messages})
		require.NoError(t, err)
	}
	for _, whole := range []object{
		alice.do("GET", "/conversations/"+id+"?include=messages", nil).ok(200),
		s.as("acme.root.admin").do("GET", "/getConversation?threadId="+id, nil).ok(200),
	} {
		messages, ok := whole["messages"].([]any)
		require.True(t, ok)
		require.Len(t, messages, n)
	}
	page := alice.do("GET", "/conversations/"+id+"/messages?limit=100000", nil).ok(200)
	require.Len(t, page["data"], 1000)
}
