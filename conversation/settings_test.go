package conversation_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/parley-go/parley/conversation"
)

// someSettings draws settings that are valid, with each field set or not.
func someSettings() *rapid.Generator[conversation.Settings] {
	return rapid.Custom(func(t *rapid.T) conversation.Settings {
		var s conversation.Settings
		maybe := func(field string) bool { return rapid.Bool().Draw(t, field) }
		if maybe("model") {
			s.Model = rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "model name")
		}
		if maybe("temperature") {
			v := rapid.Float64Range(0, 2).Draw(t, "temperature value")
			s.Temperature = &v
		}
		if maybe("max tokens") {
			s.MaxTokens = rapid.IntRange(1, 1<<40).Draw(t, "tokens")
		}
		if maybe("max iterations") {
			s.MaxIterations = rapid.IntRange(1, 1000).Draw(t, "iterations")
		}
		if maybe("schema") {
			s.OutputSchema = json.RawMessage(rapid.SampledFrom([]string{`{}`, `true`, `{"type":"string"}`, `{"type":"object","required":["a"]}`}).Draw(t, "schema text"))
		}
		if maybe("servers") {
			s.MCPServers = []conversation.MCPServer{}
			for _, alias := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z0-9]{0,7}`), 0, 3, rapid.ID[string]).Draw(t, "aliases") {
				server := conversation.MCPServer{Alias: alias, URL: "https://" + alias + ".example", Tools: someTools(t)}
				if maybe("headers") {
					server.Headers = map[string]conversation.Secret{"Authorization": conversation.Secret(rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "secret"))}
				}
				s.MCPServers = append(s.MCPServers, server)
			}
		}
		if maybe("tools") {
			s.Tools = append([]conversation.Tool{}, someTools(t)...)
		}
		if maybe("extra") {
			s.Extra = map[string]json.RawMessage{}
			for _, key := range rapid.SliceOfN(rapid.StringMatching(`[a-z_. ]{0,6}`), 0, 3).Draw(t, "keys") {
				s.Extra[key] = json.RawMessage(rapid.SampledFrom([]string{`null`, `1`, `"x"`, `[{}]`}).Draw(t, "value"))
			}
		}
		return s
	})
}

func someTools(t *rapid.T) []conversation.Tool {
	var tools []conversation.Tool
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_]{1,12}`), 0, 3, rapid.ID[string]).Draw(t, "tools") {
		tool := conversation.Tool{Name: name, Strict: rapid.Bool().Draw(t, "strict")}
		if rapid.Bool().Draw(t, "described") {
			tool.Description, tool.InputSchema = "does "+name, json.RawMessage(`{"type":"object"}`)
		}
		tools = append(tools, tool)
	}
	return tools
}

func someDefaults(t *rapid.T) conversation.Defaults {
	return conversation.Defaults{
		SystemPrompt: rapid.StringMatching(`[a-z ]{0,10}`).Draw(t, "prompt"), Settings: someSettings().Draw(t, "defaults"),
	}
}

// copied is a deep copy, secrets included.
func copied[T any](v T) T {
	return deepCopy(reflect.ValueOf(v)).Interface().(T)
}

func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(deepCopy(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deepCopy(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for _, key := range v.MapKeys() {
				out.SetMapIndex(key, deepCopy(v.MapIndex(key)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(deepCopy(v.Field(i)))
		}
	default:
		out.Set(v)
	}
	return out
}

// shown is what a read shows of defaults: everything but the secrets.
func shown(d conversation.Defaults) conversation.Defaults {
	d = copied(d)
	for i := range d.MCPServers {
		for name := range d.MCPServers[i].Headers {
			d.MCPServers[i].Headers[name] = conversation.Redacted
		}
	}
	return d
}

// TestC2_EachFieldIsReplacedWholeOrInherited goes through the fields by
// reflection, so that a new one cannot be forgotten.
func TestC2_EachFieldIsReplacedWholeOrInherited(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, o := someDefaults(t), conversation.Override(someSettings().Draw(t, "override"))
		d0, o0 := copied(d), copied(o)
		got, from := conversation.Resolve(d, o), conversation.Origins(d, o)

		def, over, res := reflect.ValueOf(d.Settings), reflect.ValueOf(o), reflect.ValueOf(got)
		origins := 0
		for i := range res.NumField() {
			name, _, _ := strings.Cut(res.Type().Field(i).Tag.Get("json"), ",")
			want, origin := def.Field(i), conversation.FromDefault
			if !over.Field(i).IsZero() {
				want, origin = over.Field(i), conversation.FromOverride
			}
			if !reflect.DeepEqual(want.Interface(), res.Field(i).Interface()) {
				t.Fatalf("%s: got %v, want %v", name, res.Field(i), want)
			}
			if want.IsZero() {
				continue
			}
			origins++
			if from[name] != origin {
				t.Fatalf("%s comes from %q, want %q", name, from[name], origin)
			}
		}
		if len(from) != origins {
			t.Fatalf("origins of fields that are not set: %v", from)
		}
		// Pure: the same again, and the arguments as they were.
		if !reflect.DeepEqual(got, conversation.Resolve(d, o)) || !reflect.DeepEqual(d, d0) || !reflect.DeepEqual(o, o0) {
			t.Fatal("Resolve is not pure")
		}
		// Nothing overridden is the defaults; everything overridden, nothing of them.
		if !reflect.DeepEqual(conversation.Resolve(d, conversation.Override{}), d.Settings) {
			t.Fatal("an empty override changes something")
		}
		if !reflect.DeepEqual(conversation.Resolve(conversation.Defaults{}, o), conversation.Settings(o)) {
			t.Fatal("an override of nothing is not itself")
		}
		// Once resolved, the same override changes nothing.
		if !reflect.DeepEqual(conversation.Resolve(conversation.Defaults{Settings: got}, o), got) {
			t.Fatal("Resolve is not idempotent")
		}
	})
}

// TestC2_ListsAreReplacedNeverMerged says with examples what the property says.
func TestC2_ListsAreReplacedNeverMerged(t *testing.T) {
	t.Parallel()
	d := richDefaults()
	got := conversation.Resolve(d, conversation.Override{Tools: []conversation.Tool{{Name: "other"}}})
	require.Equal(t, []conversation.Tool{{Name: "other"}}, got.Tools)
	require.Equal(t, d.MCPServers, got.MCPServers)

	got = conversation.Resolve(d, conversation.Override{MCPServers: []conversation.MCPServer{{Alias: "web"}}})
	require.Empty(t, got.MCPServers[0].Headers, "secrets of the default with the same alias are not carried over")
	require.Empty(t, got.MCPServers[0].Tools)

	got = conversation.Resolve(d, conversation.Override{
		Tools: []conversation.Tool{}, MCPServers: []conversation.MCPServer{}, Extra: map[string]json.RawMessage{}, OutputSchema: json.RawMessage(`{}`),
	})
	require.Empty(t, got.Tools)
	require.Empty(t, got.MCPServers)
	require.Empty(t, got.Extra)
	require.JSONEq(t, `{}`, string(got.OutputSchema))
	require.Equal(t, d.Model, got.Model)

	require.Equal(t, d.Settings, conversation.Resolve(d, conversation.Override{OutputSchema: json.RawMessage(" null ")}))
	zero := 0.0
	got = conversation.Resolve(d, conversation.Override{Temperature: &zero})
	require.Zero(t, *got.Temperature, "0 is a temperature, not the lack of one")
}

// TestC2_EffectiveSettingsAreRecorded: what is asked, stored, read and handed
// to the Responder is the same, for any settings.
func TestC2_EffectiveSettingsAreRecorded(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	rapid.Check(t, func(rt *rapid.T) {
		d, o := someDefaults(rt), conversation.Override(someSettings().Draw(rt, "override"))
		c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: copied(d)})
		require.NoError(t, err)
		require.Equal(t, shown(d), c.Defaults)
		req := conversation.TurnRequest{Text: "hi"}
		with := rapid.Bool().Draw(rt, "with an override")
		if with {
			given := copied(o)
			req.Override = &given
		} else {
			o = conversation.Override{}
		}
		started, err := f.engine.StartRun(f.ctx, alice, c.ID, req)
		require.NoError(t, err)
		turn := p.next(t)
		require.Equal(t, conversation.Resolve(d, o), turn.Settings())
		require.Equal(t, conversation.Origins(d, o), turn.Origins())
		require.Equal(t, d.SystemPrompt, turn.SystemPrompt())
		turn.finish(&conversation.RunError{Code: "enough", Message: "seen"})
		for _, run := range []*conversation.Run{started, f.wait(started.ID), f.look(started.ID)} {
			require.Equal(t, shown(settings(conversation.Resolve(d, o))).Settings, run.Effective)
			require.Equal(t, conversation.Origins(d, o), run.Origins)
			require.Equal(t, d.SystemPrompt, run.SystemPrompt)
			if with {
				require.Equal(t, shown(settings(conversation.Settings(o))).Settings, conversation.Settings(*run.Override))
			} else {
				require.Nil(t, run.Override)
			}
		}
		require.Equal(t, shown(d), f.get(c.ID).Defaults)
	})
}

// TestC2_ThePromptIsRecordedAsRendered for audit: the text really used, nil
// before any run, that of the latest run after.
func TestC2_ThePromptIsRecordedAsRendered(t *testing.T) {
	t.Parallel()
	var asked *conversation.PromptRequest
	n := 0
	p := newPuppet()
	f := setup(t, p, &conversation.Config{RenderPrompt: func(_ context.Context, req *conversation.PromptRequest) (string, error) {
		asked = req
		n++
		return req.SystemPrompt + strings.Repeat("!", n), nil
	}})
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: conversation.Defaults{SystemPrompt: "Be kind"}})
	require.NoError(t, err)
	require.Nil(t, f.get(c.ID).RenderedSystemPrompt)
	for _, want := range []string{"Be kind!", "Be kind!!"} {
		run := f.start(c.ID, conversation.TurnRequest{Text: "hi", Override: &conversation.Override{Model: "m"}})
		turn := p.next(t)
		require.Equal(t, want, turn.SystemPrompt())
		require.Equal(t, want, run.SystemPrompt)
		require.Equal(t, want, *f.get(c.ID).RenderedSystemPrompt, "while it runs")
		turn.finish(nil)
		require.Equal(t, want, f.wait(run.ID).SystemPrompt)
		require.Equal(t, want, *f.get(c.ID).RenderedSystemPrompt)
		require.Equal(t, "m", asked.Settings.Model)
		require.Equal(t, alice, asked.Caller)
		require.Equal(t, c.ID, asked.Conversation.ID)
	}
	require.Equal(t, "Be kind", f.get(c.ID).Defaults.SystemPrompt, "the template stays")
}

// TestC2_APromptThatCannotBeRenderedStartsNothing.
func TestC2_APromptThatCannotBeRenderedStartsNothing(t *testing.T) {
	t.Parallel()
	errTemplate := &conversation.RunError{Code: "template", Message: "no such variable"}
	for name, render := range map[string]func() (string, error){
		"fails":        func() (string, error) { return "", errTemplate },
		"with NUL":     func() (string, error) { return "a\x00b", nil },
		"with no text": func() (string, error) { return "\xff", nil },
		"huge":         func() (string, error) { return strings.Repeat("x", conversation.DefaultMaxMessageBytes+1), nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), &conversation.Config{RenderPrompt: func(context.Context, *conversation.PromptRequest) (string, error) { return render() }})
			id := f.create()
			before := f.get(id)
			_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi"})
			require.Error(t, err)
			if name == "fails" {
				require.ErrorIs(t, err, errTemplate)
			}
			require.Less(t, len(err.Error()), 500)
			require.Equal(t, before, f.get(id))
		})
	}
}
