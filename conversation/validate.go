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
	"unicode/utf8"
)

// Bounds of settings. They keep a hostile Defaults from becoming a hostile row.
const (
	maxToolName    = 64 // of the name the model sees (rule C3)
	maxTools       = 512
	maxServers     = 64
	maxSettings    = 1 << 20   // bytes of all settings of a conversation or a run
	maxSettingJSON = 256 << 10 // bytes of one JSON value inside settings
	maxIterations  = 1000
	maxHeaders     = 64
	maxHeader      = 16 << 10 // bytes of one header's value
	maxURL         = 4 << 10  // bytes
)

var (
	aliasPattern  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]{0,7}$`)
	headerPattern = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$") // a token of HTTP
)

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
	if size := s.size(); size > maxSettings {
		f.add(path, "must be at most %d bytes together, has %d", maxSettings, size)
		return
	}
	f.runes(path+".model", s.Model)
	if t := s.Temperature; t != nil && (math.IsNaN(*t) || *t < 0 || *t > 2) {
		f.add(path+".temperature", "must be between 0 and 2")
	}
	if s.MaxTokens < 0 {
		f.add(path+".max_tokens", "must be at least 1")
	}
	if s.MaxIterations < 0 || s.MaxIterations > maxIterations {
		f.add(path+".max_iterations", "must be between 1 and %d", maxIterations)
	}
	if given(s.OutputSchema) {
		f.answerSchema(path+".output_schema", s.OutputSchema)
	}
	validateServers(f, path+".mcp_servers", s.MCPServers)
	validateTools(f, path+".tools", s.Tools)
	for _, key := range slices.Sorted(maps.Keys(s.Extra)) {
		before := len(f.errs)
		f.runes(path+".extra", key)
		if len(f.errs) == before {
			f.json(path+".extra."+key, s.Extra[key], maxSettingJSON)
		}
	}
}

// size is about what the settings take in a row.
func (s *Settings) size() int {
	n := len(s.Model) + len(s.OutputSchema) + sizeOf(s.Tools)
	for i := range s.MCPServers {
		server := &s.MCPServers[i]
		n += partOverhead + len(server.Alias) + len(server.URL) + len(server.Description) + sizeOf(server.Tools)
		for name, secret := range server.Headers {
			n += len(name) + len(secret.Reveal())
		}
	}
	for key, value := range s.Extra {
		n += len(key) + len(value)
	}
	return n
}

func sizeOf(tools []Tool) int {
	n := 0
	for i := range tools {
		n += partOverhead + len(tools[i].Name) + len(tools[i].Description) + len(tools[i].InputSchema)
	}
	return n
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
		if reason := textFault(server.URL, maxURL); reason != "" {
			f.add(at+".url", "%s", reason)
		} else if server.URL != "" {
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
		value := headers[name].Reveal()
		switch {
		case !headerPattern.MatchString(name):
			f.add(path, "has a name that is no header name")
		case value == Redacted:
			// What a read shows was sent back: storing it would break the server silently.
			f.add(path+"."+name, "is the placeholder that stands for a secret, not the secret")
		case strings.ContainsAny(value, "\r\n"):
			f.add(path+"."+name, "must be one line")
		default:
			f.text(path+"."+name, value, maxHeader)
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
		wire := utf8.RuneCountInString(server.Alias) + 1 + utf8.RuneCountInString(tool.Name)
		switch {
		case trim(tool.Name) == "":
			f.add(at+".name", "must not be empty")
		case wire > maxToolName:
			f.add(at+".name", "must be at most %d characters together with the alias and a dash, has %d", maxToolName, wire)
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
		case trim(tool.Name) == "":
			f.add(at+".name", "must not be empty")
		case strings.Contains(tool.Name, "-"):
			f.add(at+".name", "must not contain a dash, which marks the tools of MCP servers")
		case utf8.RuneCountInString(tool.Name) > maxToolName:
			f.add(at+".name", "must be at most %d characters, has %d", maxToolName, utf8.RuneCountInString(tool.Name))
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
	if given(t.InputSchema) {
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
