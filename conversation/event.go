package conversation

import (
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"
)

// EventType names a step of a run, or a change of a conversation.
type EventType string

// The types of events. The last five are terminal: one of them ends a run's
// stream.
const (
	EventRunStarted        EventType = "run.started"
	EventRunRestarted      EventType = "run.restarted" // everything the run said before is void
	EventTextDelta         EventType = "text.delta"
	EventReasoningDelta    EventType = "reasoning.delta"
	EventToolCall          EventType = "tool.call"
	EventToolResult        EventType = "tool.result"
	EventStatus            EventType = "status"
	EventUsage             EventType = "usage"
	EventTitleUpdated      EventType = "title.updated"
	EventFileCreated       EventType = "file.created"
	EventDataFrameCreated  EventType = "data_frame.created"
	EventMessageAppended   EventType = "message.appended"
	EventRunCompleted      EventType = "run.completed"
	EventRunRequiresAction EventType = "run.requires_action"
	EventRunFailed         EventType = "run.failed"
	EventRunStopped        EventType = "run.stopped"
	EventRunTimedOut       EventType = "run.timed_out"
)

// Terminal reports whether the event ends a run.
func (t EventType) Terminal() bool {
	switch t {
	case EventRunCompleted, EventRunRequiresAction, EventRunFailed, EventRunStopped, EventRunTimedOut:
		return true
	default:
		return false
	}
}

func terminalEvent(status RunStatus) EventType { return EventType("run." + string(status)) }

// Event is one step of a run as it happens, or a change of a conversation.
// Events are shared by all readers and must not be changed.
type Event struct {
	ConversationID uuid.UUID
	RunID          uuid.UUID // uuid.Nil for a change of the conversation that no run made

	// Seq numbers the events of a run from 1 without gaps (rule S1); 0 for
	// events that belong to no run.
	Seq int64

	// FirstSeq is below Seq when the event stands for several that were read
	// after the run's end: deltas FirstSeq to Seq, put together (rule S5).
	FirstSeq int64

	Attempt int // of the run, from 1
	Type    EventType
	EventData

	// Run is the run with a terminal event, else nil.
	Run *Run

	encoded atomic.Pointer[[]byte]
}

// EventData is what events carry besides their place. Which fields count
// depends on the type.
type EventData struct {
	Delta     string          `json:"delta,omitempty"`  // text.delta, reasoning.delta
	Call      *ToolCall       `json:"call,omitempty"`   // tool.call
	Client    bool            `json:"client,omitempty"` // tool.call: the run pauses for its output
	Result    *Part           `json:"result,omitempty"` // tool.result
	Status    string          `json:"status,omitempty"` // status
	Usage     *Usage          `json:"usage,omitempty"`  // usage: the sum so far
	Nudge     *Nudge          `json:"nudge,omitempty"`  // status: the run has read it
	Title     *string         `json:"title,omitempty"`  // title.updated: "" when cleared
	File      json.RawMessage `json:"file,omitempty"`   // file.created
	Frame     json.RawMessage `json:"frame,omitempty"`  // data_frame.created
	MessageID *uuid.UUID      `json:"message_id,omitempty"`
	MessageNo int64           `json:"sequence_no,omitempty"` // message.appended
	Role      Role            `json:"role,omitempty"`        // message.appended
	From      int64           `json:"from,omitempty"`        // run.restarted: the number it goes on from
}

// Cursor is a place in a run's events. The zero value is before the first.
type Cursor struct {
	RunID   uuid.UUID // which run, in the stream of a conversation
	Seq     int64     // the last event seen
	Attempt int       // of that event; 0 when not known
}

// Cursor returns the place just behind the event.
func (e *Event) Cursor() Cursor { return Cursor{RunID: e.RunID, Seq: e.Seq, Attempt: e.Attempt} }

// MarshalJSON encodes the event on one line, its data beside its place; it is
// done once, however many readers the event has.
func (e *Event) MarshalJSON() ([]byte, error) {
	if b := e.encoded.Load(); b != nil {
		return *b, nil
	}
	b, err := json.Marshal(e.wire())
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.Type, err)
	}
	e.encoded.Store(&b)
	return b, nil
}

// wireEvent is an event as clients read it: flat.
type wireEvent struct {
	Type           EventType  `json:"type"`
	Seq            int64      `json:"seq"`
	FirstSeq       int64      `json:"first_seq,omitempty"`
	RunID          *uuid.UUID `json:"run_id"`
	ConversationID uuid.UUID  `json:"conversation_id"`
	Attempt        int        `json:"attempt,omitempty"`

	Delta      string          `json:"delta,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
	Name       string          `json:"name,omitempty"`
	Arguments  json.RawMessage `json:"arguments,omitempty"`
	Client     *bool           `json:"client,omitempty"`
	IsError    *bool           `json:"is_error,omitempty"`
	Parts      []Part          `json:"parts,omitempty"`
	Status     string          `json:"status,omitempty"`
	Usage      *Usage          `json:"usage,omitempty"`
	Nudge      *Nudge          `json:"nudge,omitempty"`
	Title      *string         `json:"title,omitempty"`
	File       json.RawMessage `json:"file,omitempty"`
	Frame      json.RawMessage `json:"data_frame,omitempty"`
	MessageID  *uuid.UUID      `json:"message_id,omitempty"`
	MessageNo  int64           `json:"sequence_no,omitempty"`
	Role       Role            `json:"role,omitempty"`
	From       *int64          `json:"from,omitempty"`

	Error *RunError `json:"error,omitempty"`
	Run   *Run      `json:"run,omitempty"`
}

func (e *Event) wire() wireEvent {
	w := wireEvent{
		Type: e.Type, Seq: e.Seq, RunID: optionalID(e.RunID), ConversationID: e.ConversationID, Attempt: e.Attempt,
		Delta: e.Delta, Status: e.Status, Usage: e.Usage, Nudge: e.Nudge, Title: e.Title, File: e.File, Frame: e.Frame,
		MessageID: e.MessageID, MessageNo: e.MessageNo, Role: e.Role, Run: e.Run,
	}
	if e.FirstSeq < e.Seq {
		w.FirstSeq = e.FirstSeq
	}
	if e.Type == EventRunRestarted {
		w.From = &e.From
	}
	if c := e.Call; c != nil {
		w.ToolCallID, w.Name, w.Arguments, w.Client = c.ID, c.Name, c.Arguments, &e.Client
	}
	if r := e.Result; r != nil {
		w.ToolCallID, w.IsError, w.Parts = r.ToolCallID, &r.IsError, r.Parts
	}
	if e.Run != nil {
		w.Status, w.Error = string(e.Run.Status), e.Run.Error
	}
	return w
}
