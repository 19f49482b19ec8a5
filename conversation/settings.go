package conversation

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
)

// Settings steer a run. The zero value of a field means "not set".
type Settings struct {
	Model         string          `json:"model,omitzero"`
	Temperature   *float64        `json:"temperature,omitzero"`
	MaxTokens     int             `json:"max_tokens,omitzero"`     // tokens a model call may write
	MaxIterations int             `json:"max_iterations,omitzero"` // model calls a run may make; 0 is Config.MaxIterations
	OutputSchema  json.RawMessage `json:"output_schema,omitzero"`  // JSON Schema of the answer; none, null or {} asks for text

	// MCPServers are resolved by the Responder while the run goes on; their
	// calls never pause it.
	MCPServers []MCPServer `json:"mcp_servers,omitzero"`

	// Tools are the client's own: a call of one pauses the run.
	Tools []Tool `json:"tools,omitzero"`

	// Extra holds the host's own keys.
	Extra map[string]json.RawMessage `json:"extra,omitzero"`
}

// Defaults are fixed when a conversation is created, for its life (rule C1).
type Defaults struct {
	SystemPrompt string `json:"system_prompt,omitempty"`
	Settings
}

// Override is a sparse Settings for one run: what it sets replaces the default,
// what it leaves out is inherited. A list that is empty but not nil clears, and
// so do an empty Extra and an OutputSchema of {}. It cannot say a system prompt.
type Override Settings

// MCPServer is a server of tools that the Responder calls by itself.
type MCPServer struct {
	Alias       string            `json:"alias"` // a letter, then up to seven letters or digits
	URL         string            `json:"url,omitempty"`
	Description string            `json:"description,omitempty"`
	Headers     map[string]Secret `json:"headers,omitempty"` // write-only (rule C4): Redacted in what is read
	Tools       []Tool            `json:"tools,omitzero"`    // empty: whatever the server offers
}

// Tool is a function that a model may call.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	InputSchema json.RawMessage `json:"input_schema,omitempty"` // JSON Schema of the arguments
	Strict      bool            `json:"strict,omitempty"`
}

// Secret is a string that shows itself to nobody: printing it, logging it, and
// encoding it as JSON or text give Redacted. Reveal is for the Responder. It is
// no protection from what asks no method: %p and %w, the key of a map, encoding/gob.
//
// What the Engine returns to callers does not have the secrets at all: there
// every header's value is Redacted itself.
type Secret string

// Redacted stands for a Secret wherever one would show.
const Redacted = "[redacted]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns Redacted.
func (s Secret) String() string { return Redacted }

// GoString returns Redacted.
func (s Secret) GoString() string { return Redacted }

// Format writes Redacted for every verb that asks for it.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue returns Redacted.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON encodes Redacted.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText encodes Redacted.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Format prints the override as a struct. Were it left to package fmt, a
// pointer to one inside another struct would be printed, for a verb that does
// not fit pointers, without asking the secrets in it.
func (o Override) Format(f fmt.State, verb rune) {
	type override Override
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), override(o))
}

// Format prints the defaults as a struct, for the reason that Override.Format
// has.
func (d Defaults) Format(f fmt.State, verb rune) {
	type defaults Defaults
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), defaults(d))
}

// Origin says where the value of an effective setting came from.
type Origin string

// The origins.
const (
	FromDefault  Origin = "default"
	FromOverride Origin = "override"
)

// Resolve returns the settings of a run: each field that the override sets
// replaces the default; nothing is ever merged (rule C2). It is pure and shares
// slices with its arguments.
func Resolve(d Defaults, o Override) Settings {
	s, _ := resolve(d.Settings, o)
	return s
}

// Origins returns where each field that Resolve(d, o) sets comes from, by the
// field's name in JSON.
func Origins(d Defaults, o Override) map[string]Origin {
	_, from := resolve(d.Settings, o)
	return from
}

func resolve(s Settings, o Override) (Settings, map[string]Origin) {
	from := make(map[string]Origin)
	pick := func(name string, overridden, set bool) {
		switch {
		case overridden:
			from[name] = FromOverride
		case set:
			from[name] = FromDefault
		}
	}
	pick("model", o.Model != "", s.Model != "")
	if o.Model != "" {
		s.Model = o.Model
	}
	pick("temperature", o.Temperature != nil, s.Temperature != nil)
	if o.Temperature != nil {
		s.Temperature = o.Temperature
	}
	pick("max_tokens", o.MaxTokens != 0, s.MaxTokens != 0)
	if o.MaxTokens != 0 {
		s.MaxTokens = o.MaxTokens
	}
	pick("max_iterations", o.MaxIterations != 0, s.MaxIterations != 0)
	if o.MaxIterations != 0 {
		s.MaxIterations = o.MaxIterations
	}
	pick("output_schema", given(o.OutputSchema), given(s.OutputSchema))
	if given(o.OutputSchema) {
		s.OutputSchema = o.OutputSchema
	} else if !given(s.OutputSchema) {
		s.OutputSchema = nil
	}
	pick("mcp_servers", o.MCPServers != nil, s.MCPServers != nil)
	if o.MCPServers != nil {
		s.MCPServers = o.MCPServers
	}
	pick("tools", o.Tools != nil, s.Tools != nil)
	if o.Tools != nil {
		s.Tools = o.Tools
	}
	pick("extra", o.Extra != nil, s.Extra != nil)
	if o.Extra != nil {
		s.Extra = o.Extra
	}
	return s, from
}

// clone returns settings that share nothing with these.
func (s Settings) clone() Settings {
	if s.Temperature != nil {
		t := *s.Temperature
		s.Temperature = &t
	}
	s.OutputSchema, s.Tools, s.Extra = slices.Clone(s.OutputSchema), cloneTools(s.Tools), maps.Clone(s.Extra)
	for key, value := range s.Extra {
		s.Extra[key] = slices.Clone(value)
	}
	s.MCPServers = slices.Clone(s.MCPServers)
	for i := range s.MCPServers {
		server := &s.MCPServers[i]
		server.Headers, server.Tools = maps.Clone(server.Headers), cloneTools(server.Tools)
	}
	return s
}

func cloneTools(tools []Tool) []Tool {
	tools = slices.Clone(tools)
	for i := range tools {
		tools[i].InputSchema = slices.Clone(tools[i].InputSchema)
	}
	return tools
}

// wantsStructured reports whether the answer must fit a schema.
func (s *Settings) wantsStructured() bool {
	return len(s.OutputSchema) > 0 && given(s.OutputSchema) && !isEmptyObject(s.OutputSchema)
}

// clientTool reports whether the name is one of the client's own tools.
func (s *Settings) clientTool(name string) bool {
	for i := range s.Tools {
		if s.Tools[i].Name == name {
			return true
		}
	}
	return false
}

// serverTool reports whether the wire name alias-tool belongs to a server of
// the settings. It is split at the first dash.
func (s *Settings) serverTool(name string) bool {
	alias, tool, ok := cutWireName(name)
	if !ok {
		return false
	}
	for i := range s.MCPServers {
		server := &s.MCPServers[i]
		if server.Alias != alias {
			continue
		}
		if len(server.Tools) == 0 {
			return true
		}
		for j := range server.Tools {
			if server.Tools[j].Name == tool {
				return true
			}
		}
	}
	return false
}
