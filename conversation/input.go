package conversation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// TurnRequest is what a caller asks of a conversation. Give Text or Parts for a
// user's message, or Outputs to answer pending tool calls.
type TurnRequest struct {
	Text    string // a message of one text part
	Parts   []Part // text, file, data_frame and structured parts
	Outputs []ToolOutput

	// ExpectedVersion is the head the caller saw; the turn starts from no other
	// (rule V2). Nil is the head at that moment.
	ExpectedVersion *int64

	Override *Override // nil inherits everything

	// Key makes the turn repeatable: the same key with the same payload returns
	// the run of the first call, whatever became of it (rule R3). At most 255 bytes.
	Key string

	OnBusy         BusyPolicy // "" is BusyReject
	AbandonPending bool       // a message that gives pending calls an error for an output
	ToolChoice     *ToolChoice

	// Author is who wrote the message on the other side of a channel; for
	// connectors, and for the only member of a conversation.
	Author *Author

	// Timeout is the time the run may take, if less than Config.RunTimeout.
	Timeout time.Duration
}

// At returns a pointer to a version, for TurnRequest.ExpectedVersion.
func At(version int64) *int64 { return &version }

// Bounds of a turn.
const (
	maxKey      = 255
	maxParts    = 256
	maxOutputs  = 256
	maxPartName = 1024
	maxCallID   = 256
)

// parts returns the user's message as parts.
func (r *TurnRequest) parts() []Part {
	if r.Text != "" {
		return append([]Part{Text(r.Text)}, r.Parts...)
	}
	return r.Parts
}

// check collects what is wrong with the request by itself, whatever state the
// conversation is in.
func (r *TurnRequest) check(f *faults, cfg *Config) {
	switch {
	case len(r.Outputs) > 0:
		if r.Text != "" || len(r.Parts) > 0 {
			f.add("tool_outputs", "cannot come together with a message")
		}
		if r.AbandonPending {
			f.add("abandon_pending", "cannot come together with tool outputs")
		}
		if r.Author != nil {
			f.add("author", "is of a message, and this turn brings tool outputs")
		}
		checkOutputs(f, r.Outputs, cfg.MaxMessageBytes)
	case len(r.parts()) == 0:
		f.add("content", "must not be empty: a turn brings a message or tool outputs")
	default:
		checkUserParts(f, r.parts(), cfg.MaxMessageBytes)
	}
	if r.ExpectedVersion != nil && *r.ExpectedVersion < 0 {
		f.add("expected_version", "must be at least 0")
	}
	if r.Override != nil {
		(*Settings)(r.Override).validate(f, "override")
	}
	f.text("client_op_id", r.Key, maxKey)
	switch r.OnBusy {
	case "", BusyReject, BusyRace, BusyEnqueue, BusyInterrupt:
	default:
		f.add("on_busy", "must be reject, race, enqueue or interrupt")
	}
	if r.Timeout < 0 {
		f.add("timeout", "must not be negative")
	}
	checkAuthor(f, "author", r.Author)
}

func checkAuthor(f *faults, path string, a *Author) {
	if a == nil {
		return
	}
	if trim(a.ID) == "" {
		f.add(path+".id", "must not be empty")
	}
	f.runes(path+".id", a.ID)
	f.runes(path+".name", a.Name)
	f.text(path+".avatar_url", a.AvatarURL, maxPartName)
}

func checkUserParts(f *faults, parts []Part, limit int) {
	if len(parts) > maxParts {
		f.add("input", "must have at most %d parts", maxParts)
		return
	}
	blank, size := true, 0
	for i := range parts {
		p, at := &parts[i], fmt.Sprintf("input[%d]", i)
		if len(parts) == 1 && p.Type == PartText {
			at = "content"
		}
		size += partOverhead + len(p.Text) + len(p.Value)
		switch p.Type {
		case PartText:
			f.text(at, p.Text, limit)
			blank = blank && trim(p.Text) == ""
		case PartFile, PartDataFrame, PartStructured:
			checkOutputPart(f, at, p, limit)
			blank = false
		case PartReasoning, PartToolCall, PartToolResult:
			f.add(at+".type", "%s is not for a user to say", p.Type)
		default:
			f.add(at+".type", "is unknown")
		}
	}
	if blank {
		f.add("content", "must not be blank")
	}
	if size > limit {
		f.add("input", "must be at most %d bytes", limit)
	}
}

func checkOutputs(f *faults, outputs []ToolOutput, limit int) {
	if len(outputs) > maxOutputs {
		f.add("tool_outputs", "must have at most %d entries", maxOutputs)
		return
	}
	size := 0
	for i := range outputs {
		for j := range outputs[i].Parts {
			p := &outputs[i].Parts[j]
			size += partOverhead + len(p.Text) + len(p.Value)
		}
		at := fmt.Sprintf("tool_outputs[%d]", i)
		if outputs[i].ToolCallID == "" {
			f.add(at+".tool_call_id", "must not be empty")
		}
		f.text(at+".tool_call_id", outputs[i].ToolCallID, maxCallID)
		checkResultParts(f, at+".content", outputs[i].Parts, limit)
	}
	if size > limit { // they become one message
		f.add("tool_outputs", "must be at most %d bytes together", limit)
	}
}

// checkResultParts checks what a tool gave back.
func checkResultParts(f *faults, path string, parts []Part, limit int) {
	if len(parts) > maxParts {
		f.add(path, "must have at most %d parts", maxParts)
		return
	}
	for i := range parts {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch parts[i].Type {
		case PartText, PartFile, PartDataFrame, PartStructured:
			checkOutputPart(f, at, &parts[i], limit)
		default:
			f.add(at+".type", "cannot be in a tool's output")
		}
	}
}

// checkOutputPart checks any part for what could not be stored. A limit of 0
// leaves sizes to the caller.
func checkOutputPart(f *faults, at string, p *Part, limit int) {
	switch p.Type {
	case PartText, PartReasoning:
		f.text(at+".text", p.Text, limit)
	case PartFile:
		if p.FileRef == "" {
			f.add(at+".file_ref", "must not be empty")
		}
		f.text(at+".file_ref", p.FileRef, maxPartName)
		f.text(at+".media_type", p.MediaType, maxPartName)
		f.text(at+".name", p.Name, maxPartName)
	case PartDataFrame:
		if p.Name == "" {
			f.add(at+".name", "must not be empty")
		}
		f.text(at+".name", p.Name, maxPartName)
	case PartStructured:
		f.json(at+".value", p.Value, limit)
	case PartToolCall:
		if p.ToolCallID == "" {
			f.add(at+".tool_call_id", "must not be empty")
		}
		f.text(at+".tool_call_id", p.ToolCallID, maxCallID)
		f.text(at+".name", p.Name, maxPartName)
		if f.json(at+".arguments", orEmptyObject(p.Arguments), limit) && !isObject(p.Arguments) {
			f.add(at+".arguments", "must be a JSON object")
		}
	case PartToolResult:
		if p.ToolCallID == "" {
			f.add(at+".tool_call_id", "must not be empty")
		}
		f.text(at+".tool_call_id", p.ToolCallID, maxCallID)
		checkResultParts(f, at+".parts", p.Parts, limit)
	default:
		f.add(at+".type", "is unknown")
	}
}

func isObject(raw json.RawMessage) bool {
	return len(raw) == 0 || strings.HasPrefix(trim(string(raw)), "{")
}

// fingerprint is what tells two payloads under one key apart (rule R3): what
// the turn says and how it is to be answered, not when it may start.
func (r *TurnRequest) fingerprint() string {
	var override *storedSettings
	if r.Override != nil {
		s := toStoredSettings(Settings(*r.Override))
		override = &s
	}
	in := Input{Parts: r.parts(), Outputs: r.Outputs, Author: r.Author, AbandonPending: r.AbandonPending}
	raw, err := json.Marshal(struct {
		Input    Input
		Override *storedSettings
		Choice   *ToolChoice
		Timeout  time.Duration
	}{in, override, r.ToolChoice, r.Timeout})
	if err != nil {
		return "" // its JSON is broken: like no payload that was ever accepted
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// matchOutputs checks that there is one output for each pending call, no more
// and no fewer (rule R5).
func matchOutputs(pending []ToolCall, outputs []ToolOutput) *ToolOutputsError {
	open := make(map[string]bool, len(pending))
	for _, c := range pending {
		open[c.ID] = true
	}
	var bad ToolOutputsError
	for _, o := range outputs {
		if !open[o.ToolCallID] {
			bad.Unexpected = append(bad.Unexpected, o.ToolCallID)
			continue
		}
		delete(open, o.ToolCallID)
	}
	for _, c := range pending {
		if open[c.ID] {
			bad.Missing = append(bad.Missing, c.ID)
		}
	}
	if bad.Missing == nil && bad.Unexpected == nil {
		return nil
	}
	return &bad
}
