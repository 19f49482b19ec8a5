package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// This file is the one place where the domain meets the rows of package store:
// what is opaque JSON there is encoded and decoded here, and nowhere else.

// storedServer is an MCPServer with its secrets in the clear: the store must
// keep what the Responder needs. Nothing but the store ever sees it.
type storedServer struct {
	MCPServer
	Headers map[string]string `json:"headers,omitempty"`
}

type storedSettings struct {
	Settings
	MCPServers []storedServer `json:"mcp_servers,omitzero"`
}

func toStoredSettings(s Settings) storedSettings {
	out := storedSettings{Settings: s}
	out.Settings.MCPServers = nil
	if s.MCPServers == nil {
		return out
	}
	out.MCPServers = make([]storedServer, len(s.MCPServers))
	for i, server := range s.MCPServers {
		out.MCPServers[i] = storedServer{MCPServer: server}
		if len(server.Headers) == 0 {
			continue
		}
		out.MCPServers[i].Headers = make(map[string]string, len(server.Headers))
		for name, secret := range server.Headers {
			out.MCPServers[i].Headers[name] = secret.Reveal()
		}
	}
	return out
}

func (s storedSettings) settings() Settings {
	out := s.Settings
	if s.MCPServers == nil {
		return out
	}
	out.MCPServers = make([]MCPServer, len(s.MCPServers))
	for i, server := range s.MCPServers {
		out.MCPServers[i] = server.MCPServer
		if len(server.Headers) == 0 {
			continue
		}
		out.MCPServers[i].Headers = make(map[string]Secret, len(server.Headers))
		for name, secret := range server.Headers {
			out.MCPServers[i].Headers[name] = Secret(secret)
		}
	}
	return out
}

// withoutSecrets returns the settings with Redacted for every header's value.
func withoutSecrets(s Settings) Settings {
	copied := false
	for i := range s.MCPServers {
		if len(s.MCPServers[i].Headers) == 0 {
			continue
		}
		if !copied {
			s.MCPServers, copied = slices.Clone(s.MCPServers), true
		}
		headers := make(map[string]Secret, len(s.MCPServers[i].Headers))
		for name := range s.MCPServers[i].Headers {
			headers[name] = Redacted
		}
		s.MCPServers[i].Headers = headers
	}
	return s
}

type storedDefaults struct {
	SystemPrompt string `json:"system_prompt,omitempty"`
	storedSettings
}

func encodeDefaults(d Defaults) ([]byte, error) {
	return json.Marshal(storedDefaults{d.SystemPrompt, toStoredSettings(d.Settings)})
}

func decodeDefaults(raw []byte) (Defaults, error) {
	var w storedDefaults
	if err := decodeRow(raw, &w, "defaults"); err != nil {
		return Defaults{}, err
	}
	return Defaults{SystemPrompt: w.SystemPrompt, Settings: w.settings()}, nil
}

// runSpec is what a run is to do, as the store keeps it.
type runSpec struct {
	Parts        []Part            `json:"parts,omitempty"`
	Outputs      []storedOutput    `json:"outputs,omitempty"`
	Author       *Author           `json:"author,omitempty"`
	Starter      *Author           `json:"starter,omitempty"` // who started it, where more than an id is known
	Abandon      bool              `json:"abandon,omitempty"`
	Override     *storedSettings   `json:"override,omitempty"`
	Effective    storedSettings    `json:"effective"`
	Origins      map[string]Origin `json:"origins,omitempty"`
	SystemPrompt string            `json:"system_prompt,omitempty"`
	ToolChoice   *ToolChoice       `json:"tool_choice,omitempty"`
	Carried      map[string]string `json:"carried,omitempty"` // for the Observer
}

type storedOutput struct {
	ID      string `json:"id"`
	Parts   []Part `json:"parts,omitempty"`
	IsError bool   `json:"is_error,omitempty"`
}

func (s *runSpec) input() Input {
	in := Input{Parts: s.Parts, Author: s.Author, AbandonPending: s.Abandon}
	for _, o := range s.Outputs {
		in.Outputs = append(in.Outputs, ToolOutput{ToolCallID: o.ID, Parts: o.Parts, IsError: o.IsError})
	}
	return in
}

// runResult is how a run ended, as the store keeps it.
type runResult struct {
	Pending    []ToolCall      `json:"pending,omitempty"`
	Text       *string         `json:"text,omitempty"`
	Structured json.RawMessage `json:"structured,omitempty"`
	Usage      Usage           `json:"usage,omitzero"`
	Error      *RunError       `json:"error,omitempty"`
	Iterations int             `json:"iterations,omitempty"`
}

func encodeResult(r runResult) []byte {
	b, err := json.Marshal(r)
	if err != nil { // its JSON was validated before: keep the run's end, drop the value
		b, _ = json.Marshal(runResult{Usage: r.Usage, Iterations: r.Iterations, Error: &RunError{
			Code: CodeInvalidOutput, Message: "the result could not be encoded"}})
	}
	return b
}

func errorResult(code, message string) []byte {
	return encodeResult(runResult{Error: &RunError{Code: code, Message: message}})
}

// toRun maps a row to the domain.
func toRun(row *store.Run) (*Run, error) {
	task, err := decodeSpec(row)
	if err != nil {
		return nil, err
	}
	return task.run(row)
}

// task is a decoded runSpec: what a run is to do never changes, so it is
// decoded once and shared by whatever needs it.
type task struct {
	input      Input
	starter    *Author
	override   *Override
	effective  Settings
	origins    map[string]Origin
	prompt     string
	toolChoice *ToolChoice
	carried    map[string]string
}

func decodeSpec(row *store.Run) (*task, error) {
	var spec runSpec
	if err := decodeRow(row.Spec, &spec, "run"); err != nil {
		return nil, err
	}
	return spec.task(), nil
}

func (s *runSpec) task() *task {
	t := &task{
		input: s.input(), starter: s.Starter, effective: s.Effective.settings(), origins: s.Origins, prompt: s.SystemPrompt, toolChoice: s.ToolChoice,
		carried: s.Carried,
	}
	if t.origins == nil {
		t.origins = map[string]Origin{}
	}
	if s.Override != nil {
		override := Override(s.Override.settings())
		t.override = &override
	}
	return t
}

// clone returns a task that shares nothing with this one, so that what one
// holder does to it does not reach the others.
func (t *task) clone() *task {
	out := *t
	out.input.Parts, out.input.Outputs = cloneParts(t.input.Parts), slices.Clone(t.input.Outputs)
	for i := range out.input.Outputs {
		out.input.Outputs[i].Parts = cloneParts(out.input.Outputs[i].Parts)
	}
	if t.input.Author != nil {
		author := *t.input.Author
		out.input.Author = &author
	}
	if t.override != nil {
		override := Override(Settings(*t.override).clone())
		out.override = &override
	}
	if t.toolChoice != nil {
		choice := *t.toolChoice
		out.toolChoice = &choice
	}
	out.effective, out.origins = t.effective.clone(), maps.Clone(t.origins)
	return &out
}

// run puts the row's state beside the task. What it returns may be shown: only
// the Responder gets the secrets (rule C4).
func (t *task) run(row *store.Run) (*Run, error) {
	var result runResult
	if row.Result != nil {
		if err := decodeRow(row.Result, &result, "run result"); err != nil {
			return nil, err
		}
	}
	override := t.override
	if override != nil {
		shown := Override(withoutSecrets(Settings(*override)))
		override = &shown
	}
	return &Run{
		ID: row.ID, ConversationID: row.ConversationID, Status: row.Status, Queued: row.Queued, UserID: row.UserID,
		BaseVersion: row.BaseVersion, Version: row.Version, Input: t.input, Override: override, Effective: withoutSecrets(t.effective),
		Origins: t.origins, SystemPrompt: t.prompt, ToolChoice: t.toolChoice,
		PendingToolCalls: result.Pending, FinalText: result.Text, FinalStructured: result.Structured, Usage: result.Usage,
		Error: result.Error, Iterations: result.Iterations, Attempt: row.Attempt, Key: row.Key,
		StopRequested: row.StopRequested, CreatedAt: row.CreatedAt, StartedAt: row.StartedAt, CompletedAt: row.CompletedAt,
	}, nil
}

// toConversation maps a row to what the caller sees of it.
func toConversation(row *store.Conversation, caller Caller, view View) (*Conversation, error) {
	f, err := newFixed(row)
	if err != nil {
		return nil, err
	}
	return f.conversation(row, caller, view)
}

// conversation maps a row whose fixed part is decoded. It may be shown: the
// secrets stay behind (rule C4).
func (f *fixed) conversation(row *store.Conversation, caller Caller, view View) (*Conversation, error) {
	c := &Conversation{
		ID: row.ID, Tenant: row.Tenant, User: row.Owner, Title: row.Title, TitleCustom: row.TitleCustom,
		Mode: Mode(row.Mode), Channel: Channel(row.Channel), Surface: Surface(row.Surface),
		Defaults: Defaults{SystemPrompt: f.defaults.SystemPrompt, Settings: withoutSecrets(f.defaults.Settings.clone())},
		Metadata: slices.Clone(f.row.Metadata), Version: row.Version, ParentID: f.row.ParentID, ParentVersion: f.row.ParentVersion,
		ReadOnly:  readOnly(Channel(row.Channel), Surface(row.Surface), caller),
		ViewingAs: view, StreamStatus: streamStatus(row), LastText: row.Preview, Participants: directory(row),
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt, ActivityAt: row.ActivityAt, DeletedAt: row.DeletedAt,
	}
	if f.agent != nil {
		agent := *f.agent
		c.Agent = &agent
	}
	var err error
	c.PendingToolCalls, err = decodePending(row.Pending)
	return c, err
}

// directory is rule L4: everyone the conversation refers to, and nobody while
// there is a single party.
func directory(row *store.Conversation) map[string]ParticipantProfile {
	members, authors := 0, 0
	for _, p := range row.Participants {
		if p.Member {
			members++
		}
		if p.Author {
			authors++
		}
	}
	profiles := make(map[string]ParticipantProfile)
	if row.Surface != string(SurfaceChannel) && members < 2 && authors < 2 {
		return profiles
	}
	for _, p := range row.Participants {
		// The connector that opened a channel's thread is nobody who takes part in it.
		if p.UserID == row.Owner && !p.Author && members < 2 && row.Surface == string(SurfaceChannel) {
			continue
		}
		profiles[p.UserID] = ParticipantProfile{Name: p.Name, AvatarURL: p.AvatarURL}
	}
	return profiles
}

func encodePending(calls []ToolCall) ([]byte, error) {
	if len(calls) == 0 {
		return nil, nil
	}
	return json.Marshal(calls)
}

func decodePending(raw []byte) ([]ToolCall, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var calls []ToolCall
	err := decodeRow(raw, &calls, "pending tool calls")
	return calls, err
}

// toMessage maps a row; the parts stay as they are stored.
func toMessage(conversationID uuid.UUID, row *store.Message) (Message, error) {
	m := Message{
		ID: row.ID, ConversationID: conversationID, Seq: row.Seq, Role: Role(row.Role), Content: Content{raw: row.Parts},
		RunID: row.RunID, Incomplete: row.Incomplete, CreatedAt: row.CreatedAt,
	}
	if row.Author != nil {
		m.Author = new(Author)
		if err := decodeRow(row.Author, m.Author, "author"); err != nil {
			return Message{}, err
		}
	}
	return m, nil
}

func toMessages(conversationID uuid.UUID, rows []store.Message) ([]Message, error) {
	out := make([]Message, len(rows))
	for i := range rows {
		m, err := toMessage(conversationID, &rows[i])
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	return out, nil
}

// fromMessage maps a message of the domain to a row.
func fromMessage(m *Message) (store.Message, error) {
	row := store.Message{
		ID: m.ID, Role: string(m.Role), RunID: m.RunID, Incomplete: m.Incomplete, Parts: m.Content.raw,
	}
	if m.Author != nil {
		author, err := json.Marshal(m.Author)
		if err != nil {
			return store.Message{}, err
		}
		row.Author = author
	}
	return row, nil
}

func toNudge(row *store.Nudge) *Nudge {
	return &Nudge{
		ID: row.ID, RunID: row.RunID, UserID: row.UserID, Text: row.Text, State: row.State, CreatedAt: row.CreatedAt,
	}
}

// errCorrupt: a row does not decode. It is a fault of the storage or of another
// version of this library, never of a caller.
var errCorrupt = errors.New("stored row cannot be decoded")

func decodeRow(raw []byte, into any, what string) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %s: %w", errCorrupt, what, err)
	}
	return nil
}
