package conversation

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Bounds of settings. They keep a hostile Defaults from becoming a hostile row.
const (
	maxToolName    = 64 // of the name the model sees (rule C3)
	maxTools       = 512
	maxServers     = 64
	maxSettingJSON = 256 << 10 // bytes of one JSON value inside settings
	maxModelName   = 200
	maxIterations  = 1000
	maxHeaders     = 64
)

var aliasPattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]{0,7}$`)

// Validate checks the defaults as creation does (rule C3). The error is
// FieldErrors with paths below "defaults".
func (d *Defaults) Validate() error {
	var f faults
	d.validate(&f, "defaults", DefaultMaxMessageBytes)
	return f.err()
}

// Validate checks the override as a turn does. The error is FieldErrors with
// paths below "override".
func (o *Override) Validate() error {
	var f faults
	(*Settings)(o).validate(&f, "override")
	return f.err()
}

func (d *Defaults) validate(f *faults, path string, maxPrompt int) {
	f.text(path+".system_prompt", d.SystemPrompt, maxPrompt)
	d.Settings.validate(f, path)
}

func (s *Settings) validate(f *faults, path string) {
	f.runes(path+".model", s.Model, maxModelName)
	if t := s.Temperature; t != nil && (math.IsNaN(*t) || *t < 0 || *t > 2) {
		f.add(path+".temperature", "must be between 0 and 2")
	}
	if s.MaxTokens < 0 {
		f.add(path+".max_tokens", "must be at least 1")
	}
	if s.MaxIterations < 0 || s.MaxIterations > maxIterations {
		f.add(path+".max_iterations", "must be between 1 and %d", maxIterations)
	}
	if s.OutputSchema != nil {
		f.schema(path+".output_schema", s.OutputSchema)
	}
	validateServers(f, path+".mcp_servers", s.MCPServers)
	validateTools(f, path+".tools", s.Tools)
	for _, key := range slices.Sorted(maps.Keys(s.Extra)) {
		f.runes(path+".extra", key, maxModelName)
		f.json(path+".extra."+key, s.Extra[key], maxSettingJSON)
	}
}

func validateServers(f *faults, path string, servers []MCPServer) {
	if len(servers) > maxServers {
		f.add(path, "must have at most %d entries", maxServers)
		return
	}
	seen := make(map[string]bool, len(servers))
	for i := range servers {
		server := &servers[i]
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !aliasPattern.MatchString(server.Alias):
			f.add(at+".alias", "must be a letter followed by up to 7 letters or digits")
		case seen[server.Alias]:
			f.add(at+".alias", "is used by another server")
		}
		seen[server.Alias] = true
		if server.URL != "" {
			if u, err := url.Parse(server.URL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
				f.add(at+".url", "must be an absolute http or https URL")
			}
		}
		f.text(at+".description", server.Description, maxSettingJSON)
		validateHeaders(f, at+".headers", server.Headers)
		validateServerTools(f, at, server)
	}
}

func validateHeaders(f *faults, path string, headers map[string]Secret) {
	if len(headers) > maxHeaders {
		f.add(path, "must have at most %d entries", maxHeaders)
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		switch {
		case name == "" || strings.ContainsAny(name, " \t\r\n:\x00"):
			f.add(path, "has a name that is no header name")
		case value.Reveal() == Redacted:
			// What a read shows was sent back: storing it would break the server silently.
			f.add(path+"."+name, "is the placeholder that stands for a secret, not the secret")
		case strings.ContainsAny(value.Reveal(), "\r\n\x00"):
			f.add(path+"."+name, "must be one line")
		}
	}
}

func validateServerTools(f *faults, path string, server *MCPServer) {
	if len(server.Tools) > maxTools {
		f.add(path+".tools", "must have at most %d entries", maxTools)
		return
	}
	seen := make(map[string]bool, len(server.Tools))
	for i := range server.Tools {
		tool := &server.Tools[i]
		at := fmt.Sprintf("%s.tools[%d]", path, i)
		wire := len(server.Alias) + 1 + len(tool.Name)
		switch {
		case tool.Name == "":
			f.add(at+".name", "must not be empty")
		case wire > maxToolName:
			f.add(at+".name", "makes %s-%s, which has %d characters; %d are allowed", server.Alias, tool.Name, wire, maxToolName)
		case seen[tool.Name]:
			f.add(at+".name", "is used by another tool of the server")
		}
		seen[tool.Name] = true
		tool.validate(f, at)
	}
}

func validateTools(f *faults, path string, tools []Tool) {
	if len(tools) > maxTools {
		f.add(path, "must have at most %d entries", maxTools)
		return
	}
	seen := make(map[string]bool, len(tools))
	for i := range tools {
		tool := &tools[i]
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case tool.Name == "":
			f.add(at+".name", "must not be empty")
		case strings.Contains(tool.Name, "-"):
			f.add(at+".name", "must not contain a dash, which marks the tools of MCP servers")
		case len(tool.Name) > maxToolName:
			f.add(at+".name", "must be at most %d characters, has %d", maxToolName, len(tool.Name))
		case seen[tool.Name]:
			f.add(at+".name", "is used by another tool")
		}
		seen[tool.Name] = true
		tool.validate(f, at)
	}
}

func (t *Tool) validate(f *faults, path string) {
	f.text(path+".name", t.Name, 0)
	f.text(path+".description", t.Description, maxSettingJSON)
	if t.InputSchema != nil {
		f.schema(path+".input_schema", t.InputSchema)
	}
}

// json checks that raw is one JSON value in UTF-8.
func (f *faults) json(path string, raw json.RawMessage, limit int) bool {
	if reason := textFault(string(raw), limit); reason != "" {
		f.add(path, "%s", reason)
		return false
	}
	if !json.Valid(raw) {
		f.add(path, "must be valid JSON")
		return false
	}
	return true
}

// schema checks that raw is a JSON Schema that can be used as it stands:
// references must stay inside it, since nothing is ever fetched.
func (f *faults) schema(path string, raw json.RawMessage) {
	if !f.json(path, raw, maxSettingJSON) {
		return
	}
	if _, err := compileSchema(raw); err != nil {
		f.add(path, "must be a valid JSON Schema: %v", err)
	}
}

func compileSchema(raw json.RawMessage) (*jsonschema.Resolved, error) {
	var schema jsonschema.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		return nil, err
	}
	return schema.Resolve(nil)
}
