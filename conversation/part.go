package conversation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// PartType says what a Part is.
type PartType string

// The types of parts.
const (
	PartText       PartType = "text"
	PartReasoning  PartType = "reasoning"
	PartToolCall   PartType = "tool_call"
	PartToolResult PartType = "tool_result"
	PartFile       PartType = "file"
	PartStructured PartType = "structured"
	PartDataFrame  PartType = "data_frame"
)

// Part is one piece of a message. Which fields count depends on Type.
type Part struct {
	Type PartType

	Text string // text, reasoning

	ToolCallID string          // tool_call, tool_result
	Name       string          // tool_call: the tool's wire name; file and data_frame: its name
	Arguments  json.RawMessage // tool_call: JSON
	IsError    bool            // tool_result
	Parts      []Part          // tool_result

	FileRef   string // file
	MediaType string // file

	Value json.RawMessage // structured: JSON
}

// Text makes a text part.
func Text(s string) Part { return Part{Type: PartText, Text: s} }

// Reasoning makes a part of a model's reasoning.
func Reasoning(s string) Part { return Part{Type: PartReasoning, Text: s} }

// File makes a part that refers to a file of the conversation.
func File(ref, mediaType, name string) Part {
	return Part{Type: PartFile, FileRef: ref, MediaType: mediaType, Name: name}
}

// DataFrame makes a part that refers to a data frame of the conversation.
func DataFrame(name string) Part { return Part{Type: PartDataFrame, Name: name} }

// Structured makes a part with a JSON value.
func Structured(value json.RawMessage) Part { return Part{Type: PartStructured, Value: value} }

// ToolCall is a model's request to call a tool.
type ToolCall struct {
	ID        string          `json:"tool_call_id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// Part returns the call as a part of a message.
func (c ToolCall) Part() Part {
	return Part{Type: PartToolCall, ToolCallID: c.ID, Name: c.Name, Arguments: c.Arguments}
}

// ToolOutput is the answer to a pending tool call.
type ToolOutput struct {
	ToolCallID string
	Parts      []Part // text, file, structured and data_frame parts
	IsError    bool   // the tool failed, and Parts say how
}

// Part returns the output as a part of a message.
func (o ToolOutput) Part() Part {
	return Part{Type: PartToolResult, ToolCallID: o.ToolCallID, IsError: o.IsError, Parts: o.Parts}
}

// MarshalJSON encodes the fields that the type has, and always those.
func (p Part) MarshalJSON() ([]byte, error) {
	switch p.Type {
	case PartText, PartReasoning:
		return json.Marshal(struct {
			Type PartType `json:"type"`
			Text string   `json:"text"`
		}{p.Type, p.Text})
	case PartToolCall:
		return json.Marshal(struct {
			Type PartType        `json:"type"`
			ID   string          `json:"tool_call_id"`
			Name string          `json:"name"`
			Args json.RawMessage `json:"arguments"`
		}{p.Type, p.ToolCallID, p.Name, orEmptyObject(p.Arguments)})
	case PartToolResult:
		parts := p.Parts
		if parts == nil {
			parts = []Part{}
		}
		return json.Marshal(struct {
			Type    PartType `json:"type"`
			ID      string   `json:"tool_call_id"`
			IsError bool     `json:"is_error"`
			Parts   []Part   `json:"parts"`
		}{p.Type, p.ToolCallID, p.IsError, parts})
	case PartFile:
		return json.Marshal(struct {
			Type      PartType `json:"type"`
			FileRef   string   `json:"file_ref"`
			MediaType string   `json:"media_type"`
			Name      string   `json:"name"`
		}{p.Type, p.FileRef, p.MediaType, p.Name})
	case PartStructured:
		return json.Marshal(struct {
			Type  PartType        `json:"type"`
			Value json.RawMessage `json:"value"`
		}{p.Type, p.Value})
	case PartDataFrame:
		return json.Marshal(struct {
			Type PartType `json:"type"`
			Name string   `json:"name"`
		}{p.Type, p.Name})
	}
	return nil, fmt.Errorf("part of unknown type %q", string(p.Type))
}

// UnmarshalJSON decodes what MarshalJSON encodes.
func (p *Part) UnmarshalJSON(data []byte) error {
	var w struct {
		Type      PartType        `json:"type"`
		Text      string          `json:"text"`
		ID        string          `json:"tool_call_id"`
		Name      string          `json:"name"`
		Args      json.RawMessage `json:"arguments"`
		IsError   bool            `json:"is_error"`
		Parts     []Part          `json:"parts"`
		FileRef   string          `json:"file_ref"`
		MediaType string          `json:"media_type"`
		Value     json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*p = Part{
		Type: w.Type, Text: w.Text, ToolCallID: w.ID, Name: w.Name, Arguments: w.Args, IsError: w.IsError,
		Parts: w.Parts, FileRef: w.FileRef, MediaType: w.MediaType, Value: w.Value,
	}
	return nil
}

// cloneParts returns parts that share nothing with these.
func cloneParts(parts []Part) []Part {
	parts = slices.Clone(parts)
	for i := range parts {
		p := &parts[i]
		p.Arguments, p.Value, p.Parts = slices.Clone(p.Arguments), slices.Clone(p.Value), cloneParts(p.Parts)
	}
	return parts
}

// Content is the parts of a message, kept as the JSON they are stored in, so
// that a page of messages is served without decoding or encoding any of them.
// It never changes and may be shared.
type Content struct {
	raw json.RawMessage
}

// NewContent encodes parts. It fails with FieldErrors on a part that cannot be
// stored: of unknown type, without what its type needs, with JSON that is none,
// or with text that has NUL or is not UTF-8.
func NewContent(parts ...Part) (Content, error) {
	var f faults
	for i := range parts {
		checkOutputPart(&f, fmt.Sprintf("parts[%d]", i), &parts[i], 0)
	}
	if err := f.err(); err != nil {
		return Content{}, err
	}
	if parts == nil {
		parts = []Part{}
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		return Content{}, err
	}
	return Content{raw: raw}, nil
}

// Parts decodes the parts, anew at each call.
func (c Content) Parts() ([]Part, error) {
	if len(c.raw) == 0 {
		return nil, nil
	}
	var parts []Part
	if err := json.Unmarshal(c.raw, &parts); err != nil {
		return nil, fmt.Errorf("message content: %w", err)
	}
	return parts, nil
}

// Text returns the text parts, one after the other.
func (c Content) Text() string {
	parts, err := c.Parts()
	if err != nil {
		return ""
	}
	return textOf(parts)
}

// MarshalJSON returns the stored bytes.
func (c Content) MarshalJSON() ([]byte, error) {
	if len(c.raw) == 0 {
		return []byte("[]"), nil
	}
	return c.raw, nil
}

// UnmarshalJSON keeps the bytes.
func (c *Content) UnmarshalJSON(data []byte) error {
	c.raw = append(json.RawMessage(nil), data...)
	return nil
}

func textOf(parts []Part) string {
	if len(parts) == 1 && parts[0].Type == PartText {
		return parts[0].Text
	}
	var b strings.Builder
	for i := range parts {
		if parts[i].Type == PartText {
			b.WriteString(parts[i].Text)
		}
	}
	return b.String()
}

func orEmptyObject(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}
