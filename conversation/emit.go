package conversation

import (
	"encoding/json"
	"fmt"
)

// Text adds to the answer's text. Deltas are shown to readers at once; put
// together they are exactly the text (rule S2). Bytes of a character that a
// delta cuts apart are held back until the rest comes.
func (t *Turn) Text(delta string) error { return t.delta(EventTextDelta, delta) }

// Textf adds formatted text.
func (t *Turn) Textf(format string, args ...any) error { return t.Text(fmt.Sprintf(format, args...)) }

// Reasoning adds to the model's reasoning.
func (t *Turn) Reasoning(delta string) error { return t.delta(EventReasoningDelta, delta) }

func (t *Turn) delta(typ EventType, delta string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ErrTurnOver
	}
	kind := PartText
	if typ == EventReasoningDelta {
		kind = PartReasoning
	}
	shown, err := t.draft.write(kind, delta)
	if err != nil {
		return err
	}
	if shown != "" {
		t.publish(typ, EventData{Delta: shown})
	}
	return nil
}

// ToolCall records a call that the model makes. A call of one of the client's
// tools pauses the run: Respond should return once it has said what belongs to
// the same answer. A call of an MCP server's tool is answered with ToolResult.
// The name must be in the settings, else *UndeclaredToolError. An empty id gets
// one. It returns the call as recorded.
func (t *Turn) ToolCall(call ToolCall) (ToolCall, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ToolCall{}, ErrTurnOver
	}
	client := t.run.Effective.clientTool(call.Name)
	if !client && !t.run.Effective.serverTool(call.Name) {
		return ToolCall{}, &UndeclaredToolError{Name: call.Name}
	}
	if call.ID == "" {
		call.ID = "call_" + t.a.e.cfg.NewID().String()
	}
	call.Arguments = orEmptyObject(call.Arguments)
	if err := t.draft.call(call, client); err != nil {
		return ToolCall{}, err
	}
	t.publish(EventToolCall, EventData{Call: &call, Client: client})
	return call, nil
}

// ToolResult records the result of an MCP server's tool that this turn called.
func (t *Turn) ToolResult(output ToolOutput) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ErrTurnOver
	}
	if err := t.draft.result(output); err != nil {
		return err
	}
	part := output.Part()
	t.publish(EventToolResult, EventData{Result: &part})
	return nil
}

// Structured gives the structured answer. It must fit the output schema of the
// settings; the last one given counts.
func (t *Turn) Structured(value json.RawMessage) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ErrTurnOver
	}
	if err := t.fits(value); err != nil {
		return err
	}
	t.draft.structured = append(json.RawMessage(nil), value...)
	return nil
}

// fits checks a structured answer.
func (t *Turn) fits(value json.RawMessage) error {
	var f faults
	if !f.json("structured", value, t.a.e.cfg.MaxMessageBytes) {
		return &RunError{Code: CodeSchema, Message: f.err().Error()}
	}
	settings := t.run.Effective
	if !settings.wantsStructured() {
		return nil
	}
	if err := fitsSchema(settings.OutputSchema, value); err != nil {
		return &RunError{Code: CodeSchema, Message: "the answer does not fit the output schema: " + schemaReason(err)}
	}
	return nil
}

// Emit adds a whole part: text, reasoning, a file or a data frame.
func (t *Turn) Emit(part Part) error {
	switch part.Type {
	case PartText:
		return t.Text(part.Text)
	case PartReasoning:
		return t.Reasoning(part.Text)
	case PartStructured:
		return t.Structured(part.Value)
	case PartToolCall:
		_, err := t.ToolCall(ToolCall{ID: part.ToolCallID, Name: part.Name, Arguments: part.Arguments})
		return err
	case PartToolResult:
		return t.ToolResult(ToolOutput{ToolCallID: part.ToolCallID, Parts: part.Parts, IsError: part.IsError})
	case PartFile, PartDataFrame:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ErrTurnOver
	}
	return t.draft.add(part)
}

// Message emits a whole message of the assistant: its parts in order, as if
// emitted one by one, in a message of their own.
func (t *Turn) Message(parts ...Part) error {
	t.breakMessage()
	for _, p := range parts {
		if err := t.Emit(p); err != nil {
			return err
		}
	}
	t.breakMessage()
	return nil
}

func (t *Turn) breakMessage() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over {
		t.draft.breakMessage()
	}
}

// Status shows readers a line about what is going on. It is no part of the log.
func (t *Turn) Status(line string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ErrTurnOver
	}
	if reason := textFault(line, maxStatus); reason != "" {
		return &RunError{Code: CodeInvalidOutput, Message: "a status line " + reason}
	}
	t.publish(EventStatus, EventData{Status: line})
	return nil
}

// maxStatus bounds a status line, in bytes: it is a line.
const maxStatus = 4 << 10

// Usage adds to the tokens that the run has used. A zero total is the sum of
// the other two.
func (t *Turn) Usage(u Usage) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return ErrTurnOver
	}
	if u.PromptTokens < 0 || u.CompletionTokens < 0 || u.TotalTokens < 0 {
		return &RunError{Code: CodeInvalidOutput, Message: "usage must not be negative"}
	}
	if u.TotalTokens == 0 {
		u.TotalTokens = u.PromptTokens + u.CompletionTokens
	}
	t.usage.PromptTokens += u.PromptTokens
	t.usage.CompletionTokens += u.CompletionTokens
	t.usage.TotalTokens += u.TotalTokens
	sum := t.usage
	t.publish(EventUsage, EventData{Usage: &sum})
	return nil
}
