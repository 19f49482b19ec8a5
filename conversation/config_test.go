package conversation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// TestC1_NothingChangesDefaults: no exported method takes Defaults, or a
// pointer to them, except those that make a conversation.
func TestC1_NothingChangesDefaults(t *testing.T) {
	t.Parallel()
	engine := reflect.TypeFor[*conversation.Engine]()
	var takers []string
	for i := range engine.NumMethod() {
		m := engine.Method(i)
		for j := 1; j < m.Type.NumIn(); j++ {
			if holds(m.Type.In(j), reflect.TypeFor[conversation.Defaults](), map[reflect.Type]bool{}) {
				takers = append(takers, m.Name)
			}
		}
	}
	require.ElementsMatch(t, []string{"Create", "Fork"}, takers)

	// What a turn may say of the settings has no place for a system prompt.
	override := reflect.TypeFor[conversation.Override]()
	for i := range override.NumField() {
		require.NotContains(t, strings.ToLower(override.Field(i).Name), "prompt")
	}
	var o conversation.Override
	require.NoError(t, json.Unmarshal([]byte(`{"system_prompt":"be evil"}`), &o))
	require.Equal(t, conversation.Override{}, o)
}

// holds reports whether a value of type t can have one of type want in it.
// Interfaces and functions hold nothing: what is behind them is the host's.
func holds(t, want reflect.Type, seen map[reflect.Type]bool) bool {
	if t == want {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Chan:
		return holds(t.Elem(), want, seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if holds(t.Field(i).Type, want, seen) {
				return true
			}
		}
	default:
	}
	return false
}

// TestC1_DefaultsStayAsTheyWere through everything that can happen to a
// conversation, and whatever callers and Responders do with what they hold.
func TestC1_DefaultsStayAsTheyWere(t *testing.T) {
	t.Parallel()
	want := richDefaults()
	f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		got := conversation.Defaults{SystemPrompt: turn.SystemPrompt(), Settings: turn.Settings()}
		if turn.InputText() == "plain" && !reflect.DeepEqual(want, got) {
			return &conversation.RunError{Code: "scribbled", Message: fmt.Sprintf("%+v", got)}
		}
		defer func() {
			scribble(got)
			scribble(turn.Conversation().Defaults)
			clear(turn.Origins())
		}()
		return turn.Structured(json.RawMessage(`{}`))
	}), nil)
	given := richDefaults()
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: given, Mode: conversation.ModeFast})
	require.NoError(t, err)
	scribble(given)
	scribble(c.Defaults)
	id := c.ID
	for range 3 {
		run := f.run(id, conversation.TurnRequest{Text: "plain"})
		require.Nil(t, run.Error)
		scribble(settings(run.Effective))
		clear(run.Origins)
		override := conversation.Override(copied(want).Settings)
		run = f.start(id, conversation.TurnRequest{Text: "overridden", Override: &override})
		scribble(settings(run.Effective))
		scribble(settings(conversation.Settings(*run.Override)))
		scribble(settings(conversation.Settings(override)))
		ended := f.wait(run.ID)
		require.Nil(t, ended.Error)
		require.Equal(t, shown(want).Settings, ended.Effective)
		scribble(f.get(id).Defaults)
	}
	for _, change := range []func() error{
		func() error { _, err := f.engine.SetTitle(f.ctx, alice, id, "t"); return err },
		func() error { _, err := f.engine.Promote(f.ctx, alice, id); return err },
		func() error { _, err := f.engine.Delete(f.ctx, alice, id); return err },
		func() error { _, err := f.engine.Restore(f.ctx, alice, id); return err },
	} {
		require.NoError(t, change())
		require.Equal(t, shown(want), f.get(id).Defaults)
	}
}

// scribble overwrites what a Defaults shares with others.
func scribble(d conversation.Defaults) {
	*d.Temperature = 2
	for i := range d.OutputSchema {
		d.OutputSchema[i] = ' '
	}
	for i := range d.Tools {
		d.Tools[i].Name = "scribbled"
		for j := range d.Tools[i].InputSchema {
			d.Tools[i].InputSchema[j] = ' '
		}
	}
	for i := range d.MCPServers {
		clear(d.MCPServers[i].Headers)
		d.MCPServers[i] = conversation.MCPServer{}
	}
	for key := range d.Extra {
		d.Extra[key][0] = ' '
	}
	clear(d.Extra)
}

// richDefaults sets every field.
func richDefaults() conversation.Defaults {
	temperature := 0.5
	return conversation.Defaults{SystemPrompt: "Be kind.", Settings: conversation.Settings{
		Model: "large", Temperature: &temperature, MaxTokens: 100, MaxIterations: 3,
		OutputSchema: json.RawMessage(`{"type":"object"}`),
		MCPServers: []conversation.MCPServer{{
			Alias: "web", URL: "https://tools.example/mcp", Description: "The web", Headers: map[string]conversation.Secret{"Authorization": "Bearer x"},
			Tools: []conversation.Tool{{Name: "search-all", InputSchema: json.RawMessage(`{"type":"object"}`)}},
		}},
		Tools: []conversation.Tool{{Name: "ask", Description: "Ask", InputSchema: json.RawMessage(`{"type":"object"}`), Strict: true}},
		Extra: map[string]json.RawMessage{"seed": json.RawMessage(`7`)},
	}}
}

func TestC3_RichDefaultsAreFine(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{Defaults: richDefaults()})
	require.NoError(t, err)
	require.Equal(t, shown(richDefaults()), c.Defaults)
	require.Equal(t, shown(richDefaults()), f.get(c.ID).Defaults)
}

// paths lists what FieldErrors name, each with a reason, none twice for the same reason.
func paths(t *testing.T, err error) []string {
	t.Helper()
	require.ErrorIs(t, err, conversation.ErrInvalid)
	var all conversation.FieldErrors
	require.ErrorAs(t, err, &all)
	require.NotEmpty(t, all)
	var first *conversation.FieldError
	require.ErrorAs(t, err, &first)
	require.Same(t, all[0], first)
	var out []string
	for _, fault := range all {
		require.NotEmpty(t, fault.Reason)
		require.Less(t, len(fault.Error()), 2000, "an error does not carry the fault itself")
		require.Contains(t, err.Error(), fault.Error())
		out = append(out, fault.Path)
	}
	return out
}

// wrongSettings has every field of Settings wrong, and the paths that say so.
func wrongSettings() (conversation.Settings, []string) {
	nan := math.NaN()
	bad := json.RawMessage(`{"type":1}`)
	return conversation.Settings{
			Model: strings.Repeat("m", 201), Temperature: &nan, MaxTokens: -1, MaxIterations: -1, OutputSchema: bad,
			MCPServers: []conversation.MCPServer{
				{Alias: "has-dash", URL: "ftp://x", Description: "a\x00b", Headers: map[string]conversation.Secret{"A B": "x", "Two": "a\r\nb"}},
				{Alias: "web", Tools: []conversation.Tool{{Name: ""}, {Name: strings.Repeat("t", 61)}, {Name: "twice", InputSchema: bad}, {Name: "twice"}}},
				{Alias: "web", URL: "not a url"},
			},
			Tools: []conversation.Tool{
				{Name: "", Description: "\xff"}, {Name: "a-b"}, {Name: strings.Repeat("t", 65), InputSchema: json.RawMessage(`{`)}, {Name: "same"}, {Name: "same"},
			},
			Extra: map[string]json.RawMessage{"broken": json.RawMessage(`{"a"`), "none": nil},
		}, []string{
			".model", ".temperature", ".max_tokens", ".max_iterations", ".output_schema",
			".mcp_servers[0].alias", ".mcp_servers[0].url", ".mcp_servers[0].description", ".mcp_servers[0].headers", ".mcp_servers[0].headers.Two",
			".mcp_servers[1].tools[0].name", ".mcp_servers[1].tools[1].name", ".mcp_servers[1].tools[2].input_schema", ".mcp_servers[1].tools[3].name",
			".mcp_servers[2].alias", ".mcp_servers[2].url",
			".tools[0].name", ".tools[0].description", ".tools[1].name", ".tools[2].name", ".tools[2].input_schema", ".tools[4].name",
			".extra.broken", ".extra.none",
		}
}

func below(root string, rest []string) []string {
	out := make([]string, len(rest))
	for i, r := range rest {
		out[i] = root + r
	}
	return out
}

// TestC3_EveryFaultIsNamedAndNothingIsWritten has everything wrong at once, at
// each of the four doors.
func TestC3_EveryFaultIsNamedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	settings, wrong := wrongSettings()
	defaults := conversation.Defaults{SystemPrompt: "\xff", Settings: settings}
	inDefaults := append([]string{"defaults.system_prompt"}, below("defaults", wrong)...)

	_, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{
		Title: strings.Repeat("t", 201), AgentID: "a", Agent: &conversation.Agent{ID: "b", Slug: "\x00"}, Defaults: defaults,
		Mode: "slow", Channel: "Slack!", Surface: "moon", Metadata: json.RawMessage(`[]`),
	})
	require.Equal(t, slices.Concat([]string{"name", "agent.id", "agent.slug"}, inDefaults, []string{"mode", "channel", "surface", "metadata"}), paths(t, err))
	page, err := f.engine.List(f.ctx, alice, conversation.Query{Page: 1})
	require.NoError(t, err)
	require.Zero(t, page.Total)

	id := f.create()
	before := f.get(id)
	_, err = f.engine.Fork(f.ctx, alice, id, conversation.ForkParams{AtVersion: conversation.At(1), Title: "\x00", Defaults: &defaults})
	require.Equal(t, append([]string{"at_version", "name"}, inDefaults...), paths(t, err))
	page, err = f.engine.List(f.ctx, alice, conversation.Query{Page: 1})
	require.NoError(t, err)
	require.EqualValues(t, 1, page.Total)

	override := conversation.Override(settings)
	_, err = f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{
		Text: "hi", Override: &override, Key: strings.Repeat("k", 256), OnBusy: "push", Timeout: -1,
		Author: &conversation.Author{Name: "\xff"}, ToolChoice: &conversation.ToolChoice{Kind: "maybe"},
	})
	require.Equal(t, append(below("override", wrong), "client_op_id", "on_busy", "timeout", "author.id", "author.name", "tool_choice.kind"), paths(t, err))
	require.Equal(t, before, f.get(id))
	runs, err := f.engine.Runs(f.ctx, alice, id, conversation.RunQuery{})
	require.NoError(t, err)
	require.Empty(t, runs.Runs)

	// Hosts that check early get the same words.
	require.Equal(t, inDefaults, paths(t, defaults.Validate()))
	require.Equal(t, below("override", wrong), paths(t, override.Validate()))
	fine := richDefaults()
	require.NoError(t, fine.Validate())
	o := conversation.Override(fine.Settings)
	require.NoError(t, o.Validate())
}

func TestC3_Aliases(t *testing.T) {
	t.Parallel()
	for alias, ok := range map[string]bool{
		"a": true, "Z": true, "web": true, "abcdefgh": true, "a1234567": true, "W3": true,
		"": false, "abcdefghi": false, "1a": false, "a-b": false, "a_b": false, "a b": false, " a": false, "a\n": false, "é": false, "a\x00": false,
	} {
		d := settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: alias}}})
		if err := d.Validate(); ok {
			require.NoError(t, err, "%q", alias)
		} else {
			require.Equal(t, []string{"defaults.mcp_servers[0].alias"}, paths(t, err), "%q", alias)
		}
	}
	// Unique over servers, by the exact letters.
	d := settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: "web"}, {Alias: "Web"}, {Alias: "web"}}})
	require.Equal(t, []string{"defaults.mcp_servers[2].alias"}, paths(t, d.Validate()))
}

func settings(s conversation.Settings) conversation.Defaults {
	return conversation.Defaults{Settings: s}
}

// TestC3_NamesTheModelSees are at most 64 characters, alias and dash included.
func TestC3_NamesTheModelSees(t *testing.T) {
	t.Parallel()
	const alias, longest = "abcdefgh", 64 - len("abcdefgh-")
	server := func(name string) conversation.Defaults {
		return settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: alias, Tools: []conversation.Tool{{Name: name}}}}})
	}
	client := func(name string) conversation.Defaults {
		return settings(conversation.Settings{Tools: []conversation.Tool{{Name: name}}})
	}
	for _, c := range []struct {
		d  conversation.Defaults
		at string // "" for fine
	}{
		{server(strings.Repeat("x", longest)), ""},
		{server(strings.Repeat("é", longest)), ""}, // characters, not bytes
		{server(strings.Repeat("x", longest+1)), "defaults.mcp_servers[0].tools[0].name"},
		{server(strings.Repeat("é", longest+1)), "defaults.mcp_servers[0].tools[0].name"},
		{server("with-a-dash"), ""},
		{server(""), "defaults.mcp_servers[0].tools[0].name"},
		{server("  "), "defaults.mcp_servers[0].tools[0].name"},
		{client(strings.Repeat("x", 64)), ""},
		{client(strings.Repeat("é", 64)), ""},
		{client(strings.Repeat("x", 65)), "defaults.tools[0].name"},
		{client(strings.Repeat("x", 1<<19)), "defaults.tools[0].name"},
		{client("with-dash"), "defaults.tools[0].name"},
		{client("-"), "defaults.tools[0].name"},
		{client("\t"), "defaults.tools[0].name"},
	} {
		if err := c.d.Validate(); c.at == "" {
			require.NoError(t, err)
		} else {
			require.Equal(t, []string{c.at}, paths(t, err))
		}
	}
	// The same name may be used by two servers, and by the client beside them.
	d := settings(conversation.Settings{
		MCPServers: []conversation.MCPServer{{Alias: "a", Tools: []conversation.Tool{{Name: "x"}}}, {Alias: "b", Tools: []conversation.Tool{{Name: "x"}}}},
		Tools:      []conversation.Tool{{Name: "x"}},
	})
	require.NoError(t, d.Validate())
}

func TestC3_Numbers(t *testing.T) {
	t.Parallel()
	for value, ok := range map[float64]bool{
		0: true, 1: true, 2: true, math.Copysign(0, -1): true, -0.001: false, 2.001: false, math.Inf(1): false, math.Inf(-1): false,
		math.MaxFloat64: false, math.SmallestNonzeroFloat64: true,
	} {
		d := settings(conversation.Settings{Temperature: &value})
		require.Equal(t, ok, d.Validate() == nil, "temperature %v", value)
	}
	nan := math.NaN()
	d := settings(conversation.Settings{Temperature: &nan})
	require.Error(t, d.Validate())
	for value, ok := range map[int]bool{0: true, 1: true, 1000: true, 1001: false, -1: false, math.MaxInt: false, math.MinInt: false} {
		d := settings(conversation.Settings{MaxIterations: value})
		require.Equal(t, ok, d.Validate() == nil, "max_iterations %d", value)
	}
	for value, ok := range map[int]bool{0: true, 1: true, math.MaxInt: true, -1: false, math.MinInt: false} {
		d := settings(conversation.Settings{MaxTokens: value})
		require.Equal(t, ok, d.Validate() == nil, "max_tokens %d", value)
	}
}

func TestC3_URLs(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"": true, "https://x.example/mcp?a=b": true, "http://127.0.0.1:8080": true,
		"x.example": false, "/mcp": false, "ftp://x.example": false, "https://": false, "https:///path": false, "javascript:alert(1)": false,
		"file:///etc/passwd": false, "https://x.example/\x00": false, "https://x.example/\xff": false, "http://[::1": false,
		"https://x.example/" + strings.Repeat("p", 1<<16): false,
	} {
		d := settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: "a", URL: url}}})
		if err := d.Validate(); ok {
			require.NoError(t, err, "%.40q", url)
		} else {
			require.Equal(t, []string{"defaults.mcp_servers[0].url"}, paths(t, err), "%.40q", url)
		}
	}
}

// TestC3_Headers: a header must be one that can be sent as it is.
func TestC3_Headers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, at string }{
		{"Authorization", "Bearer x", ""}, {"x-api_key.1", "", ""}, {"X", "ütf-8 is let through", ""},
		{"", "x", ".headers"}, {"a b", "x", ".headers"}, {"a:b", "x", ".headers"}, {"a\n", "x", ".headers"}, {"ä", "x", ".headers"}, {"\xff", "x", ".headers"},
		{strings.Repeat("h", 201), "x", ".headers"},
		{"X", "a\nb", ".headers.X"}, {"X", "a\rb", ".headers.X"}, {"X", "a\x00b", ".headers.X"}, {"X", "\xff\xfe", ".headers.X"},
		{"X", strings.Repeat("s", 16<<10+1), ".headers.X"}, {"X", conversation.Redacted, ".headers.X"},
	} {
		d := settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: "a", Headers: map[string]conversation.Secret{c.name: conversation.Secret(c.value)}}}})
		if err := d.Validate(); c.at == "" {
			require.NoError(t, err, "%.40q", c)
		} else {
			require.Equal(t, []string{"defaults.mcp_servers[0]" + c.at}, paths(t, err), "%.40q", c)
		}
	}
	many := map[string]conversation.Secret{}
	for i := range 65 {
		many[fmt.Sprint("H", i)] = "x"
	}
	d := settings(conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: "a", Headers: many}}})
	require.Equal(t, []string{"defaults.mcp_servers[0].headers"}, paths(t, d.Validate()))
}

// TestC3_Bounds: lists and sums have ends, and what is too long is not looked at.
func TestC3_Bounds(t *testing.T) {
	t.Parallel()
	tools := make([]conversation.Tool, 513)
	for i := range tools {
		tools[i].Name = fmt.Sprint("t", i)
	}
	servers := make([]conversation.MCPServer, 65)
	for i := range servers {
		servers[i].Alias = fmt.Sprint("s", i)
	}
	big := json.RawMessage(`"` + strings.Repeat("x", 200<<10) + `"`)
	for _, c := range []struct {
		s  conversation.Settings
		at string
	}{
		{conversation.Settings{Tools: tools[:512]}, ""},
		{conversation.Settings{Tools: tools}, "defaults.tools"},
		{conversation.Settings{MCPServers: servers[:64]}, ""},
		{conversation.Settings{MCPServers: servers}, "defaults.mcp_servers"},
		{conversation.Settings{MCPServers: []conversation.MCPServer{{Alias: "a", Tools: tools}}}, "defaults.mcp_servers[0].tools"},
		{conversation.Settings{Extra: map[string]json.RawMessage{"k": big}}, ""},
		{conversation.Settings{Extra: map[string]json.RawMessage{"k": append(big, big...)}}, "defaults.extra.k"},
		{conversation.Settings{Extra: map[string]json.RawMessage{"a": big, "b": big, "c": big, "d": big, "e": big, "f": big}}, "defaults"},
		{conversation.Settings{Extra: map[string]json.RawMessage{strings.Repeat("k", 201): []byte("1")}}, "defaults.extra"},
		{conversation.Settings{Tools: []conversation.Tool{{Name: strings.Repeat("x", 1<<21)}}}, "defaults"},
	} {
		d := settings(c.s)
		if err := d.Validate(); c.at == "" {
			require.NoError(t, err)
		} else {
			require.Equal(t, []string{c.at}, paths(t, err))
		}
	}
}

func TestConfig_EveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	bad := conversation.Config{
		Lease: -1, RunTimeout: -1, QueueTimeout: -1, MaxRuns: -1, MaxQueued: -1, MaxAttempts: -1, MaxIterations: -1,
		MaxMessageBytes: -1, OnStop: "maybe", FlushInterval: -1, PollInterval: -1, ClaimInterval: -1, EventRetention: -1,
	}
	e, err := conversation.New(memstore.New(nil), says("x"), &bad)
	require.Nil(t, e)
	fields := reflect.TypeFor[conversation.Config]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		switch fields.Field(i).Type.Kind() {
		case reflect.Func, reflect.Interface, reflect.Pointer: // there or not
			require.NotContains(t, err.Error(), "Config."+name)
		default:
			require.ErrorContains(t, err, "Config."+name+" ")
		}
	}
	for _, lease := range []time.Duration{1, 9 * time.Millisecond} {
		_, err = conversation.New(memstore.New(nil), says("x"), &conversation.Config{Lease: lease})
		require.ErrorContains(t, err, "Config.Lease")
	}
	_, err = conversation.New(nil, says("x"), nil)
	require.Error(t, err)
	_, err = conversation.New(memstore.New(nil), nil, nil)
	require.Error(t, err)
}

// TestConfig_TheCallersCopyIsItsOwn: a Config changed after New changes nothing.
func TestConfig_TheCallersCopyIsItsOwn(t *testing.T) {
	t.Parallel()
	cfg := &conversation.Config{MaxMessageBytes: 100}
	f := setup(t, says("ok"), cfg)
	cfg.MaxMessageBytes = 1 << 20
	cfg.RenderPrompt = func(context.Context, *conversation.PromptRequest) (string, error) { panic("not asked for") }
	id := f.create()
	_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: strings.Repeat("x", 101)})
	require.Contains(t, paths(t, err), "content")
	f.run(id, conversation.TurnRequest{Text: "x"})
}
