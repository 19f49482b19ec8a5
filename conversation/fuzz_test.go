package conversation_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// FuzzCursor hands anything for a cursor to every list: it is read as what it
// is, or refused as a whole.
func FuzzCursor(f *testing.F) {
	engine, err := conversation.New(memstore.New(nil), says("ok"), nil)
	require.NoError(f, err)
	id := uuid.New()
	_, err = engine.Create(f.Context(), alice, conversation.CreateParams{ID: id, Title: "a"})
	require.NoError(f, err)
	_, err = engine.Append(f.Context(), alice, id, conversation.AppendParams{Messages: []conversation.Message{said("x"), said("y")}})
	require.NoError(f, err)
	for range 2 {
		_, err = engine.Create(f.Context(), alice, conversation.CreateParams{Title: "b"})
		require.NoError(f, err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for _, sort := range []conversation.Sort{"recent", "oldest", "title"} {
		page, err := engine.List(f.Context(), alice, conversation.Query{Sort: sort, Limit: 1})
		require.NoError(f, err)
		f.Add(page.Next)
	}
	page, err := engine.Messages(f.Context(), alice, id, conversation.MessageQuery{Limit: 1})
	require.NoError(f, err)
	f.Add(page.Next)
	for _, seed := range []string{
		"", "x", b64([]byte(`{"k":"r1","c":"2026-01-01T00:00:00Z","i":"` + id.String() + `"}`)), b64([]byte(`{"k":"m1","n":-1}`)),
		b64([]byte(`{"k":"m1","n":9223372036854775807}`)), b64([]byte(`{"k":"l1","s":"title","t":"\u0000","i":"` + id.String() + `"}`)),
		b64([]byte(`{"k":"l1","s":"recent","a":"0000-01-01T00:00:00Z","i":"` + id.String() + `"}`)), b64([]byte(`{"k":"m1","n":1}}`)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		check := func(err error) {
			if err != nil && err != conversation.ErrBadCursor { //nolint:errorlint // the very value
				t.Fatalf("%v", err)
			}
		}
		for _, sort := range []conversation.Sort{"recent", "oldest", "title"} {
			page, err := engine.List(t.Context(), alice, conversation.Query{Sort: sort, Cursor: cursor})
			check(err)
			if err == nil && len(page.Conversations) > 3 {
				t.Fatal("a cursor makes conversations")
			}
		}
		for _, desc := range []bool{false, true} {
			_, err := engine.Messages(t.Context(), alice, id, conversation.MessageQuery{Cursor: cursor, Desc: desc})
			check(err)
		}
		_, err := engine.Runs(t.Context(), alice, id, conversation.RunQuery{Cursor: cursor})
		check(err)
	})
}

// FuzzContent decodes parts from anything: what decodes and can be stored comes
// out of storage as it went in.
func FuzzContent(f *testing.F) {
	for _, seed := range []string{
		`[]`, `null`, `[{"type":"text","text":"a"}]`, `[{"type":"reasoning","text":"\u0000"}]`, `[{"type":"tool_call","tool_call_id":"c","name":"n","arguments":{"a":[1]}}]`,
		`[{"type":"tool_result","tool_call_id":"c","is_error":true,"parts":[{"type":"text","text":"x"},{"type":"data_frame","name":"f"}]}]`,
		`[{"type":"file","file_ref":"r","media_type":"m","name":"n"}]`, `[{"type":"structured","value":{"a":null}}]`, `[{"type":"structured","value":null}]`,
		`[{"type":"poem"}]`, `[{"TYPE":"text","Text":"a"}]`, "[{\"type\":\"text\",\"text\":\"\xff\"}]", `[{"type":"tool_call","tool_call_id":"c","arguments":7}]`, `{`, `7`,
		`[{"type":"tool_result","tool_call_id":"c","parts":[{"type":"tool_result","parts":[]}]}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var content conversation.Content
		if json.Unmarshal(raw, &content) != nil {
			return
		}
		parts, err := content.Parts()
		if err != nil {
			return
		}
		stored, err := conversation.NewContent(parts...)
		if err != nil {
			if !errors.Is(err, conversation.ErrInvalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		first, err := json.Marshal(stored)
		if err != nil || !utf8.Valid(first) || bytes.IndexByte(first, 0) >= 0 {
			t.Fatalf("cannot be stored: %q, %v", first, err)
		}
		again, err := stored.Parts()
		if err != nil {
			t.Fatalf("%q: %v", first, err)
		}
		second, err := conversation.NewContent(again...)
		if err != nil {
			t.Fatalf("%q: %v", first, err)
		}
		if b, err := json.Marshal(second); err != nil || !bytes.Equal(first, b) {
			t.Fatalf("stored %q, then %q, %v", first, b, err)
		}
		if len(parts) != len(again) || stored.Text() != content.Text() {
			t.Fatalf("%q lost something on its way to %q", raw, first)
		}
	})
}

// FuzzSettings decodes defaults and an override from anything. What is found
// right makes a conversation whose defaults are those, and resolves.
func FuzzSettings(f *testing.F) {
	rich, err := json.Marshal(richDefaults())
	require.NoError(f, err)
	for _, seed := range []string{
		`{}`, `null`, `{"tools":[]}`, `{"tools":[{"name":"a"}],"extra":{}}`, `{"output_schema":null}`, `{"output_schema":{"$ref":"#"}}`, `{"temperature":1e400}`,
		`{"temperature":-0,"max_tokens":-1}`, `{"mcp_servers":[{"alias":"a","headers":{"A":"b"}}]}`, `{"mcp_servers":[{"alias":"a","headers":{"A":"[redacted]"}}]}`,
		`{"system_prompt":"\ud800"}`, `{"output_schema":{"anyOf":[{"$ref":"#/anyOf/0"}]}}`, `{"output_schema":{"$defs":{"a":{"items":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"}}`,
		`{"extra":{"a":{"b":[1,2,{"c":null}]}}}`, `{"output_schema":{"$dynamicRef":"#a","$dynamicAnchor":"a"}}`, `{"output_schema":{"properties":{"a":true,"b":false}}}`,
		`{"output_schema":{"$anchor":"a","not":{"$ref":"#a"}}}`, `{"output_schema":{"dependencies":{"a":["b"],"c":{"$ref":"#"}}}}`, `{"output_schema":{"items":[{},{"$ref":"#/items/0"}]}}`,
	} {
		f.Add([]byte(seed), []byte(`{"model":"m","tools":[{"name":"b"}]}`))
	}
	f.Add(rich, []byte(`{"tools":[],"mcp_servers":[],"extra":{}}`))
	engine, err := conversation.New(memstore.New(nil), says("ok"), nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, rawDefaults, rawOverride []byte) {
		var d conversation.Defaults
		var o conversation.Override
		if json.Unmarshal(rawDefaults, &d) != nil || json.Unmarshal(rawOverride, &o) != nil {
			return
		}
		fault, overrideFault := d.Validate(), o.Validate()
		for _, err := range []error{fault, overrideFault} {
			if err != nil && !errors.Is(err, conversation.ErrInvalid) {
				t.Fatalf("%v", err)
			}
		}
		got := conversation.Resolve(d, o)
		if !reflect.DeepEqual(got, conversation.Resolve(conversation.Defaults{Settings: got}, o)) {
			t.Fatal("Resolve is not idempotent")
		}
		if fault == nil && overrideFault == nil {
			both := conversation.Defaults{SystemPrompt: d.SystemPrompt, Settings: got}
			if err := both.Validate(); err != nil && got.OutputSchema != nil {
				// Each is within the bound on all settings; together they may not be.
				if !strings.Contains(err.Error(), "together") {
					t.Fatalf("right and right make wrong: %v", err)
				}
			}
		}
		c, err := engine.Create(t.Context(), alice, conversation.CreateParams{Defaults: d})
		if (err == nil) != (fault == nil) {
			t.Fatalf("Validate says %v, Create %v", fault, err)
		}
		if err != nil {
			return
		}
		a, err := json.Marshal(c.Defaults)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("given %s, stored %s", b, a)
		}
	})
}

// FuzzSchema compiles and applies schemas and values of any kind: it ends, one
// way or another. The engine is what calls the library, so it is the engine
// that must not be taken along.
func FuzzSchema(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"type":"object"}`, `{}`}, {`{"$ref":"#"}`, `1`}, {`{"anyOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"properties":{"x":{"$ref":"#"}}}}}`, `{"x":{"x":1}}`},
		{`{"items":{"$ref":"#"},"uniqueItems":true}`, `[[],[[]]]`}, {`{"multipleOf":0}`, `1`}, {`{"pattern":"^(a+)+$"}`, `"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"`},
		{`{"enum":[1,[2],{"a":null}]}`, `{"a":null}`}, {`{"if":{"$ref":"#/then"},"then":{"else":{"$ref":"#"}}}`, `0`}, {`{"patternProperties":{"":{"$ref":"#"}}}`, `{"":{"":{}}}`},
		{`{"$dynamicAnchor":"a","properties":{"x":{"$dynamicRef":"#a"}}}`, `{"x":{}}`}, {`{"minItems":1.5}`, `[]`}, {`{"properties":{"a":{"$ref":"#/properties/a"}}}`, `{"a":1}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, schema, value []byte) {
		d := settings(conversation.Settings{OutputSchema: schema})
		if d.Validate() != nil || !json.Valid(value) || len(value) > 1<<16 {
			return
		}
		g := setup(t, echo, nil)
		run, err := g.engine.RunTurn(g.ctx, alice, g.createWith(conversation.CreateParams{Defaults: d}), conversation.TurnRequest{
			Parts: []conversation.Part{conversation.Structured(value)},
		})
		if err != nil {
			if errors.Is(err, conversation.ErrInvalid) { // no UTF-8 in it
				return
			}
			t.Fatal(err)
		}
		switch {
		case run.Status == conversation.RunCompleted:
		case run.Error != nil && run.Error.Code == conversation.CodeSchema && utf8.ValidString(run.Error.Message) && len(run.Error.Message) < 3000:
		default:
			t.Fatalf("%s: %+v", run.Status, run.Error)
		}
	})
}

// FuzzMentions finds mentions in anything: they are in it, and can be stored.
func FuzzMentions(f *testing.F) {
	for _, seed := range []string{"", "<@U1>", "<@U1|name>", "<@U1|<@U2>>", "<@U\xff>", "<@U1|\xff>", strings.Repeat("<@U1", 100), strings.Repeat("<@U1>", 100)} {
		f.Add(seed)
	}
	id := regexp.MustCompile(`^U[A-Za-z0-9_.-]{0,63}$`)
	f.Fuzz(func(t *testing.T, text string) {
		found := conversation.Mentions(text)
		if len(found) > 50 {
			t.Fatal("too many")
		}
		for _, m := range found {
			if !strings.Contains(text, "<@"+m[1]) || !id.MatchString(m[1]) || utf8.RuneCountInString(m[2]) > 200 {
				t.Fatalf("%q in %q", m, text)
			}
			if utf8.ValidString(text) && !utf8.ValidString(m[2]) {
				t.Fatalf("%q cut apart", m[2])
			}
		}
	})
}

// FuzzPreview shortens anything to one line that can be stored and found.
func FuzzPreview(f *testing.F) {
	for _, seed := range []string{"", " a  b\nc ", strings.Repeat("\u3042", 600), strings.Repeat(" ", 5000) + "late", strings.Repeat("x", 1599) + "\u3042", "\u2028a\u0085b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := conversation.Preview(text)
		if utf8.RuneCountInString(p) > 200 || strings.ContainsAny(p, "\n\r\t") || strings.HasPrefix(p, " ") {
			t.Fatalf("%q", p)
		}
		if utf8.ValidString(text) && !utf8.ValidString(p) {
			t.Fatalf("%q is cut apart", p)
		}
		if utf8.ValidString(text) && (p == "") != (strings.TrimSpace(text) == "") {
			t.Fatalf("%q has the preview %q", text, p)
		}
		if conversation.Preview(p) != strings.TrimSpace(p) {
			t.Fatalf("%q is not its own preview", p)
		}
	})
}

// FuzzPack reads stored events from anything: it makes events without gaps, or
// says that the row is corrupt.
func FuzzPack(f *testing.F) {
	f.Add([]byte(`{"a":1,"e":[{"t":"text.delta","n":[1,2],"delta":"abc"},{"t":"usage","usage":{}}]}`), int64(1), int64(3))
	f.Add([]byte(`{"a":1,"e":[{"t":"text.delta","n":[-1,9223372036854775807],"delta":"abc"}]}`), int64(1), int64(2))
	f.Add([]byte(`{"e":[]}`), int64(5), int64(-9000000000000000000))
	f.Add([]byte(`{"e":[{"n":[]}]}`), int64(1), int64(0))
	f.Add([]byte(`null`), int64(1), int64(9000000000000000000))
	f.Add([]byte(`{"e":[{"t":"text.delta","n":[1,1,1],"delta":"あ"}]}`), int64(1), int64(3))
	f.Fuzz(func(t *testing.T, body []byte, first, last int64) {
		events, err := conversation.DecodePack(&store.EventPack{First: first, Last: last, Body: body})
		if err != nil {
			if !errors.Is(err, conversation.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		next := first
		for _, e := range events {
			if e.Seq != next || e.FirstSeq != next {
				t.Fatalf("event %d where %d is due", e.Seq, next)
			}
			next++
		}
		if next != last+1 {
			t.Fatalf("%d events from %d to %d", len(events), first, last)
		}
	})
}

// FuzzPackRoundTrip packs deltas however they fall and reads them back, one by
// one and put together.
func FuzzPackRoundTrip(f *testing.F) {
	f.Add("hello world", []byte{0, 1, 2, 250, 3})
	f.Add("\u3042\U0001F600\"\\\u0001<", []byte{1, 1, 1, 0, 0})
	f.Fuzz(func(t *testing.T, text string, plan []byte) {
		if text == "" || !utf8.ValidString(text) {
			return
		}
		runes := []rune(text)
		var events []*conversation.Event
		for i, b := range plan {
			seq := int64(i) + 1
			e := &conversation.Event{Seq: seq, FirstSeq: seq, Attempt: 1}
			delta := string(runes[i%len(runes) : min(i%len(runes)+int(b%4)+1, len(runes))])
			switch b % 5 {
			case 0, 1, 2:
				e.Type, e.EventData = conversation.EventTextDelta, conversation.EventData{Delta: delta}
			case 3:
				e.Type, e.EventData = conversation.EventReasoningDelta, conversation.EventData{Delta: delta}
			default:
				e.Type, e.EventData = conversation.EventStatus, conversation.EventData{Status: delta}
			}
			events = append(events, e)
		}
		if len(events) == 0 {
			return
		}
		pack, err := conversation.EncodePack(events)
		if err != nil {
			t.Fatal(err)
		}
		got, err := conversation.DecodePack(pack)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(events) {
			t.Fatalf("%d events became %d", len(events), len(got))
		}
		for i := range got {
			if got[i].Type != events[i].Type || got[i].Delta != events[i].Delta || got[i].Status != events[i].Status || got[i].Seq != events[i].Seq {
				t.Fatalf("event %d: %+v became %+v", i, events[i].EventData, got[i].EventData)
			}
		}
		short := conversation.Coalesce(got)
		if textOf(short) != textOf(events) || short[0].FirstSeq != 1 || short[len(short)-1].Seq != int64(len(events)) {
			t.Fatal("put together it says something else")
		}
	})
}

// FuzzJSONDepth agrees with a decoder that counts.
func FuzzJSONDepth(f *testing.F) {
	for _, seed := range []string{`{}`, `[[["]"]]]`, `"\\\"["`, `{"a":[{"b":"}"}]}`, `1`, `"\\"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		depth, deepest := 0, 0
		for {
			token, err := dec.Token()
			if err != nil {
				break
			}
			switch token {
			case json.Delim('{'), json.Delim('['):
				depth++
				deepest = max(deepest, depth)
			case json.Delim('}'), json.Delim(']'):
				depth--
			}
		}
		if got := conversation.JSONDepth(raw); got != deepest {
			t.Fatalf("%q: %d, want %d", raw, got, deepest)
		}
	})
}

// echo answers with the structured value it was asked with.
var echo = conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
	parts, err := turn.Input()[0].Content.Parts()
	if err != nil {
		return err
	}
	return turn.Structured(parts[0].Value)
})
