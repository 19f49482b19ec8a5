package httpadapter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/internal/transcript"
	"github.com/parley-go/parley/memstore"
)

// FuzzScan holds the reading of JSON against encoding/json: what is taken is
// read alike, and what is refused is not JSON, or is refused for a reason.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,-2.5e3,"x\u00e9\\",true,null,{}],"b":{"c":[]}}`, ` [ ] `, `"\ud83d\ude00"`, `{"a":1,"\u0061":2}`, `[[[[]]]]`,
		"{\"\xff\":1}", `{"a" : "]}\"" , "b":0}`, `12`, `{"a":1}{}`, ``, `{"":{"":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := httpadapter.Scan(raw, 4)
		if !utf8.Valid(raw) || !json.Valid(raw) {
			require.Error(t, err)
			return
		}
		if err != nil {
			var faults conversation.FieldErrors
			require.ErrorAs(t, err, &faults)
			for _, fault := range faults {
				require.Contains(t, []string{"is given twice", "is nested deeper than 4"}, fault.Reason)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var want any
		require.NoError(t, dec.Decode(&want))
		require.Equal(t, want, got)
	})
}

// FuzzBodies throws bodies at every decoder. None panics, and what is at fault
// has a path and a reason fit for an answer.
func FuzzBodies(f *testing.F) {
	for _, s := range []string{
		`{"content":"hi","expected_version":3,"tool_choice":{"kind":"specific_tool","mcp_alias":"a","name":"b"},"on_busy":"race"}`,
		`{"payload":{"kind":"tool_outputs","outputs":[{"tool_use_id":"x","content":[{"type":"text","text":"a"},"b"],"is_error":true}]}}`,
		`{"input":[{"type":"structured","value":null},{"type":"file","file_ref":"f"}],"config_override":{"tools":[],"system_prompt":null}}`,
		`{"name":"x","defaults":{"mcp_servers":[{"alias":"a","headers":{"k":"v"},"tools":[{"name":"t","input_schema":true}]}],"extra":{"a":1}}}`,
		`{"at_version":1e0,"defaults":{"temperature":1}}`, `{"user_id":"u"}`, `{"title":null}`, `{"text":""}`, `{"a":1,"a":2}`,
		`{"tool_outputs":[{"tool_call_id":"c","content":{"type":"text"}}],"override":{"max_tokens":0}}`,
	} {
		f.Add(s)
	}
	h, _ := fuzzHandler(f)
	f.Fuzz(func(t *testing.T, body string) {
		_, turn := h.DecodeTurn(body)
		_, create := h.DecodeCreate(body)
		for _, err := range []error{turn, create, h.DecodeSmall(body)} {
			var faults conversation.FieldErrors
			if !errors.As(err, &faults) {
				continue
			}
			require.LessOrEqual(t, len(faults), httpadapter.MaxFaults+8)
			for _, fault := range faults {
				require.NotEmpty(t, fault.Reason)
				require.True(t, utf8.ValidString(fault.Path+fault.Reason))
				require.Less(t, len(fault.Reason), 1000)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "7", "018f0000-0000-7000-8000-000000000000:7", "018f0000-0000-7000-8000-000000000000:7:2", ":", "-1", "x:1", "1:2:3:4"} {
		f.Add(s)
	}
	run := uuid.MustParse("018f0000-0000-7000-8000-000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := httpadapter.ParseCursor(s, uuid.Nil); ok {
			id := httpadapter.EventID(&conversation.Event{RunID: c.RunID, Seq: c.Seq, Attempt: c.Attempt})
			again, ok := httpadapter.ParseCursor(id, uuid.Nil)
			require.True(t, ok)
			require.Equal(t, c, again)
		}
		if c, ok := httpadapter.ParseCursor(s, run); ok {
			require.GreaterOrEqual(t, c.Seq, int64(0))
			require.NotEqual(t, uuid.Nil, c.RunID)
		}
		if v, err := httpadapter.IfMatch(s); err == nil && v != nil {
			require.GreaterOrEqual(t, *v, int64(0))
		}
	})
}

// fuzzHandler makes a handler, with something of alice's to be found.
func fuzzHandler(f testing.TB) (*httpadapter.Handler, *conversation.Engine) {
	f.Helper()
	engine, err := conversation.New(memstore.New(nil), transcript.NewScript(), &conversation.Config{RunTimeout: 20 * time.Millisecond})
	require.NoError(f, err)
	require.NoError(f, engine.Start(context.Background()))
	f.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		require.NoError(f, engine.Shutdown(ctx))
	})
	h, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: transcript.Authenticate})
	require.NoError(f, err)
	return h, engine
}

// FuzzHandler throws requests at the handler: none makes it panic or fail, and
// none of a reader's changes anything.
func FuzzHandler(f *testing.F) {
	alice := conversation.Caller{Tenant: "acme", User: "alice", Permissions: conversation.PermReadWrite, Admin: true}
	ground := func() (*httpadapter.Handler, *conversation.Engine, *conversation.Conversation, uuid.UUID) {
		h, engine := fuzzHandler(f)
		c, err := engine.Create(context.Background(), alice, conversation.CreateParams{AgentID: "a1", Title: "Known"})
		require.NoError(f, err)
		run, err := engine.RunTurn(context.Background(), alice, c.ID, conversation.TurnRequest{Text: "count 20", Key: "k"})
		require.NoError(f, err)
		c, err = engine.Get(context.Background(), alice, c.ID, "")
		require.NoError(f, err)
		return h, engine, c, run.ID
	}
	writers, _, theirs, theirRun := ground()
	readers, readersEngine, known, knownRun := ground()
	routes := writers.Routes()
	for i := range routes {
		e := swept[routes[i].Operation]
		f.Add(uint8(i), "", strings.TrimPrefix(e.query, "?"), e.body, "", uint8(0))
	}
	f.Add(uint8(2), "", "include=messages&view=admin", "", `"2-1"`, uint8(1))
	f.Add(uint8(16), "/conversations/%ff/../x", "after=1%00", "{", "*", uint8(2))
	f.Fuzz(func(t *testing.T, route uint8, path, query, body, tag string, who uint8) {
		rt := routes[int(route)%len(routes)]
		try := func(h *httpadapter.Handler, token string, conv, run uuid.UUID) {
			target := path
			if target == "" {
				target = strings.NewReplacer("{conversation_id}", conv.String(), "{run_id}", run.String(), "{agent_id}", "a1").Replace(rt.Path)
			}
			query := strings.ReplaceAll(query, "threadId=", "threadId="+conv.String())
			u, err := url.ParseRequestURI("/" + strings.TrimPrefix(target, "/"))
			if err != nil {
				return
			}
			u.RawQuery = query
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, rt.Method, "/", strings.NewReader(body))
			r.URL, r.RequestURI = u, u.RequestURI()
			r.Header.Set("Authorization", "Bearer "+token)
			if body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			if tag != "" {
				r.Header = r.Header.Clone()
				for _, name := range []string{"If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID"} {
					r.Header.Set(name, tag)
				}
			}
			answer(t, h, r)
		}
		tokens := []string{"acme.alice", "acme.alice.admin", "acme.bob", "other.eve.admin", "acme.bot.slack", "x"}
		try(writers, tokens[int(who)%len(tokens)], theirs.ID, theirRun)

		try(readers, "acme.alice.readonly", known.ID, knownRun)
		c, err := readersEngine.Get(context.Background(), alice, known.ID, "")
		require.NoError(t, err)
		require.Equal(t, known, c, "a reader changed something")
		page, err := readersEngine.List(context.Background(), alice, conversation.Query{View: conversation.ViewAdmin, Page: 1})
		require.NoError(t, err)
		require.Equal(t, int64(1), page.Total)
	})
}

// answer serves a request that may be broken off, and checks what every answer
// must be.
func answer(t *testing.T, h http.Handler, r *http.Request) {
	t.Helper()
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil {
				require.Equal(t, http.ErrAbortHandler, v)
			}
		}()
		h.ServeHTTP(w, r)
	}()
	if w.Code >= 500 {
		require.Equal(t, 503, w.Code, "%s %s: %s", r.Method, r.URL, w.Body)
		require.Error(t, r.Context().Err(), "%s %s: %s", r.Method, r.URL, w.Body)
	}
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	if strings.HasSuffix(w.Header().Get("Content-Type"), "json") && w.Body.Len() > 0 {
		require.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
	}
}
