package conversation

import (
	"context"
	"errors"

	"github.com/parley-go/parley/store"
)

// checkAgainstLog checks tool outputs against the calls that wait for them, and
// finds the right word for those that fit none (rule R5).
func (e *Engine) checkAgainstLog(ctx context.Context, scope store.Scope, row *store.Conversation, pending []ToolCall, outputs []ToolOutput) error {
	bad := matchOutputs(pending, outputs)
	if bad == nil {
		return nil
	}
	calls, err := e.latestCalls(ctx, scope, row)
	if err != nil {
		return err
	}
	for _, id := range bad.Unexpected {
		call, known := calls[id]
		if !known {
			return &ToolCallError{ToolCallID: id, Reason: ErrUnknownToolCall}
		}
		if _, _, server := cutWireName(call.Name); server {
			return &ToolCallError{ToolCallID: id, Reason: ErrNotClientTool}
		}
	}
	return bad // those left are of this turn's clients, and have their output already
}

// latestCalls returns the calls of the latest turn of the assistant, by id: of
// its messages behind the user's message that they answer.
func (e *Engine) latestCalls(ctx context.Context, scope store.Scope, row *store.Conversation) (map[string]ToolCall, error) {
	calls, spoken := make(map[string]ToolCall), false
	err := e.backwards(ctx, scope, row, row.Version, func(m *Message, parts []Part) bool {
		if m.Role == RoleUser && spoken {
			return false
		}
		for i := range parts {
			if p := &parts[i]; m.Role == RoleAssistant && p.Type == PartToolCall {
				calls[p.ToolCallID] = ToolCall{ID: p.ToolCallID, Name: p.Name, Arguments: p.Arguments}
			}
		}
		spoken = spoken || m.Role == RoleAssistant
		return true
	})
	if err == nil && !spoken {
		err = ErrNoAssistantTurn
	}
	return calls, err
}

// scanPage is how many messages a walk to the last question reads at once.
const scanPage = 50

// backwards walks the log from a version down, until fn is done.
func (e *Engine) backwards(ctx context.Context, scope store.Scope, row *store.Conversation, from int64, fn func(*Message, []Part) bool) error {
	q := &store.MessageQuery{Before: from + 1, Limit: scanPage, Desc: true}
	for from > 0 {
		page, err := e.store.Messages(ctx, scope, row.ID, q)
		if err != nil {
			return err
		}
		messages, err := toMessages(row.ID, page.Messages)
		if err != nil {
			return err
		}
		for i := range messages {
			parts, err := messages[i].Content.Parts()
			if err != nil {
				return err
			}
			if !fn(&messages[i], parts) {
				return nil
			}
		}
		if len(messages) < scanPage {
			return nil
		}
		q.Before = messages[len(messages)-1].Seq
	}
	return nil
}

// stateAt finds out which calls waited for outputs at a version, and the
// preview of the log up to it.
func (e *Engine) stateAt(ctx context.Context, scope store.Scope, row *store.Conversation, at int64) (pending []byte, text string, err error) {
	if at == row.Version {
		return row.Pending, row.Preview, nil
	}
	answered := make(map[string]bool)
	var open []ToolCall
	settled := false // behind the last turn of the assistant
	err = e.backwards(ctx, scope, row, at, func(m *Message, parts []Part) bool {
		if text == "" && (m.Role == RoleUser || m.Role == RoleAssistant) {
			text = preview(textOf(parts))
		}
		for i := range parts {
			switch {
			case parts[i].Type == PartToolResult:
				answered[parts[i].ToolCallID] = true
			case parts[i].Type == PartToolCall && !settled && !answered[parts[i].ToolCallID]:
				open = append(open, ToolCall{ID: parts[i].ToolCallID, Name: parts[i].Name, Arguments: parts[i].Arguments})
			}
		}
		settled = settled || m.Role == RoleUser
		return !settled || text == ""
	})
	if err != nil {
		return nil, "", err
	}
	pending, err = encodePending(open)
	return pending, text, err
}

// errBrokenLedger: a log would hold a call with no output, or with two.
var errBrokenLedger = errors.New("tool calls and outputs do not match")

// ledger follows the tool calls of a log: each is answered once, and before
// anybody else speaks (rule R5).
type ledger struct {
	open []ToolCall
}

// take goes one message further, or says what does not fit.
func (l *ledger) take(role Role, parts []Part) error {
	for i := range parts {
		p := &parts[i]
		switch p.Type {
		case PartToolCall:
			if role != RoleAssistant || l.isOpen(p.ToolCallID, parts[:i]) {
				return errBrokenLedger
			}
		case PartToolResult:
			if role != RoleTool || !l.answer(p.ToolCallID) {
				return errBrokenLedger
			}
		default:
			if role == RoleTool {
				return errBrokenLedger
			}
		}
	}
	if role != RoleTool && len(l.open) > 0 {
		return errBrokenLedger
	}
	for i := range parts {
		if parts[i].Type == PartToolCall {
			l.open = append(l.open, ToolCall{ID: parts[i].ToolCallID, Name: parts[i].Name, Arguments: parts[i].Arguments})
		}
	}
	return nil
}

// isOpen reports whether a call of that id waits already, or is among the parts.
func (l *ledger) isOpen(id string, parts []Part) bool {
	for i := range l.open {
		if l.open[i].ID == id {
			return true
		}
	}
	for i := range parts {
		if parts[i].Type == PartToolCall && parts[i].ToolCallID == id {
			return true
		}
	}
	return false
}

func (l *ledger) answer(id string) bool {
	for i := range l.open {
		if l.open[i].ID == id {
			l.open = append(l.open[:i:i], l.open[i+1:]...)
			return true
		}
	}
	return false
}
