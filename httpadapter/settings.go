package httpadapter

import (
	"encoding/json"

	"github.com/parley-go/parley/conversation"
)

// settings reads what steers a run: the same fields in defaults and override.
func (s *settingsBody) fields() []field {
	return []field{
		text("model", &s.Model),
		number("temperature", &s.Temperature),
		positive("max_tokens", &s.MaxTokens),
		positive("max_iterations", &s.MaxIterations),
		opaque("output_schema", &s.OutputSchema),
		list("mcp_servers", &s.MCPServers, readServer),
		list("tools", &s.Tools, readTool),
		opaqueMap("extra", &s.Extra),
	}
}

type settingsBody struct{ conversation.Settings }

func readServer(d *decoder, path string, v value, s *conversation.MCPServer) {
	d.object(path, v,
		text("alias", &s.Alias),
		text("url", &s.URL),
		text("description", &s.Description),
		nested("headers", func(d *decoder, path string, v value) { s.Headers = readHeaders(d, path, v) }),
		list("tools", &s.Tools, readTool),
	)
}

// readHeaders reads a server's headers. A value at fault is named by its
// header, and never shown: it is a secret.
func readHeaders(d *decoder, path string, v value) map[string]conversation.Secret {
	if v.kind() != kindObject {
		d.add(path, "must be an object")
		return nil
	}
	headers := make(map[string]conversation.Secret)
	v.members(func(name string, m value) bool {
		var s string
		text(name, &s).read(d, member(path, name), m)
		headers[name] = conversation.Secret(s)
		return len(d.faults) < maxFaults
	})
	return headers
}

func readTool(d *decoder, path string, v value, t *conversation.Tool) {
	d.object(path, v,
		text("name", &t.Name),
		text("description", &t.Description),
		opaque("input_schema", &t.InputSchema),
		boolean("strict", &t.Strict),
	)
}

// readDefaults reads the defaults of a conversation.
func readDefaults(d *decoder, path string, v value, into *conversation.Defaults) {
	var s settingsBody
	d.object(path, v, append(s.fields(), text("system_prompt", &into.SystemPrompt))...)
	into.Settings = s.Settings
}

// readOverride reads the override of a run, which has no system prompt.
func readOverride(d *decoder, path string, v value) *conversation.Override {
	var s settingsBody
	d.object(path, v, append(s.fields(), field{name: "system_prompt", null: true, read: func(d *decoder, path string, _ value) {
		d.add(path, "cannot be overridden: it is fixed when the conversation is created; "+
			"create another conversation, or fork this one with new defaults")
	}})...)
	o := conversation.Override(s.Settings)
	return &o
}

// metadata is opaque, and null is none.
func metadata(into *json.RawMessage) field { return opaque("metadata", into) }
