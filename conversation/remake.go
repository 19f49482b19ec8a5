package conversation

import (
	"context"

	"github.com/parley-go/parley/store"
)

// remake makes the events of a run whose stored ones are gone, from what it
// appended to the log (rule S5). Their numbers end where the terminal event
// follows. A reader that resumes is told to begin again, since nobody knows any
// more how much of the text it has.
func (e *Engine) remake(ctx context.Context, scope store.Scope, row *store.Run, resumed bool) ([]*Event, error) {
	run, err := toRun(row)
	if err != nil {
		return nil, err
	}
	var messages []Message
	if row.Version > row.BaseVersion {
		q := &store.MessageQuery{After: row.BaseVersion, Before: row.Version + 1, Limit: int(row.Version - row.BaseVersion)}
		page, err := e.store.Messages(ctx, scope, row.ConversationID, q)
		if err != nil {
			return nil, err
		}
		if messages, err = toMessages(row.ConversationID, page.Messages); err != nil {
			return nil, err
		}
	}
	var events []*Event
	add := func(t EventType, data EventData) {
		seq := int64(len(events)) + 1
		events = append(events, &Event{
			ConversationID: row.ConversationID, RunID: row.ID, Seq: seq, FirstSeq: seq,
			Attempt: row.Attempt, Type: t, EventData: data,
		})
	}
	if resumed {
		add(EventRunRestarted, EventData{})
	} else {
		add(EventRunStarted, EventData{})
	}
	for i := inputLength(run, messages); i < len(messages); i++ {
		if err := eventsOf(run, &messages[i], add); err != nil {
			return nil, err
		}
	}
	for i := range messages {
		id := messages[i].ID
		add(EventMessageAppended, EventData{MessageID: &id, MessageNo: messages[i].Seq, Role: messages[i].Role})
	}
	// There were at least as many events as there are now. The first stands for
	// those that are missing, so that the numbers reach the terminal event.
	missing := max(row.EventSeq-1-int64(len(events)), 0)
	for i, ev := range events {
		ev.Seq += missing
		if i > 0 {
			ev.FirstSeq += missing
		}
	}
	return events, nil
}

// inputLength is how many of a run's messages it was given: tool outputs, or a
// user's message, before which pending calls may have been abandoned.
func inputLength(run *Run, messages []Message) int {
	for i := range messages {
		if len(run.Input.Outputs) > 0 || messages[i].Role == RoleUser {
			return i + 1
		}
	}
	return 0
}

// eventsOf makes the events that led to a message of the run.
func eventsOf(run *Run, m *Message, add func(EventType, EventData)) error {
	parts, err := m.Content.Parts()
	if err != nil {
		return err
	}
	for i := range parts {
		p := &parts[i]
		switch {
		case m.Role == RoleAssistant && p.Type == PartText:
			add(EventTextDelta, EventData{Delta: p.Text})
		case m.Role == RoleAssistant && p.Type == PartReasoning:
			add(EventReasoningDelta, EventData{Delta: p.Text})
		case m.Role == RoleAssistant && p.Type == PartToolCall:
			add(EventToolCall, EventData{
				Call:   &ToolCall{ID: p.ToolCallID, Name: p.Name, Arguments: p.Arguments},
				Client: run.Effective.clientTool(p.Name),
			})
		case m.Role == RoleTool:
			add(EventToolResult, EventData{Result: p})
		}
	}
	return nil
}
