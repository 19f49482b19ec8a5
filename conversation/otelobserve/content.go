package otelobserve

import (
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/parley-go/parley/conversation"
)

// message and part are what the conventions take messages for, as JSON.
type message struct {
	Role   string `json:"role"`
	Parts  []part `json:"parts"`
	Finish string `json:"finish_reason,omitempty"`
}

type part struct {
	Type     string          `json:"type"`
	Content  string          `json:"content,omitempty"`
	ID       string          `json:"id,omitempty"`
	Name     string          `json:"name,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
}

// contentOfBegin is the prompt and the input of a run.
func contentOfBegin(r *conversation.Run) []attribute.KeyValue {
	input := message{Role: "user", Parts: messageParts(r.Input.Parts)}
	if len(r.Input.Outputs) > 0 {
		input.Role = "tool"
		for _, o := range r.Input.Outputs {
			response := json.RawMessage(encode(messageParts(o.Parts)))
			input.Parts = append(input.Parts, part{Type: "tool_call_response", ID: o.ToolCallID, Response: response})
		}
	}
	attrs := []attribute.KeyValue{semconv.GenAIInputMessagesKey.String(encode([]message{input}))}
	if r.SystemPrompt != "" {
		attrs = append(attrs, semconv.GenAISystemInstructionsKey.String(encode([]part{{Type: "text", Content: r.SystemPrompt}})))
	}
	return attrs
}

// contentOfEnd is the answer of a run that has one.
func contentOfEnd(r *conversation.Run) []attribute.KeyValue {
	answer := message{Role: "assistant", Finish: "stop"}
	switch {
	case r.FinalText != nil:
		answer.Parts = []part{{Type: "text", Content: *r.FinalText}}
	case r.FinalStructured != nil:
		answer.Parts = []part{{Type: "text", Content: string(r.FinalStructured)}}
	default:
		return nil
	}
	return []attribute.KeyValue{semconv.GenAIOutputMessagesKey.String(encode([]message{answer}))}
}

// messageParts puts parts into the conventions' form: text as it is, of
// anything else that it was there.
func messageParts(parts []conversation.Part) []part {
	out := make([]part, len(parts))
	for i := range parts {
		switch p := &parts[i]; p.Type {
		case conversation.PartText, conversation.PartReasoning:
			out[i] = part{Type: string(p.Type), Content: p.Text}
		case conversation.PartStructured:
			out[i] = part{Type: "text", Content: string(p.Value)}
		default:
			out[i] = part{Type: string(p.Type), Name: p.Name}
		}
	}
	return out
}

// encode cannot fail: it is given strings, and JSON that was checked.
func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
