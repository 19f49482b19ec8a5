package conversation

import (
	"context"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// recall writes into the draft what an earlier attempt of the run had streamed
// and stored before its process died. It serves a run that was asked to stop:
// what people have read is kept (rule R6), though nobody runs it any more.
func (a *attempt) recall(ctx context.Context) {
	events, err := a.e.storedEvents(ctx, store.Scope{Tenant: a.key.Tenant, Wide: true}, a.key.RunID, 0)
	if err != nil {
		a.e.log.Warn("what a stopped run had said cannot be read", "run", a.key.RunID, "error", err)
		return
	}
	d := &a.turn.draft
	for _, ev := range events {
		// What was stored had been checked: an error can only be the bound on a
		// message, which the first writing met as well.
		switch ev.Type {
		case EventRunRestarted:
			*d = draft{limit: d.limit}
		case EventTextDelta:
			_, _ = d.write(PartText, ev.Delta)
		case EventReasoningDelta:
			_, _ = d.write(PartReasoning, ev.Delta)
		case EventToolCall:
			_ = d.call(*ev.Call, ev.Client)
		case EventToolResult:
			_ = d.result(ToolOutput{ToolCallID: ev.Result.ToolCallID, Parts: ev.Result.Parts, IsError: ev.Result.IsError})
		case EventUsage:
			a.turn.usage = *ev.Usage
		default:
		}
	}
}

// storedEvents reads all stored events of a run behind a number.
func (e *Engine) storedEvents(ctx context.Context, scope store.Scope, run uuid.UUID, after int64) ([]*Event, error) {
	var events []*Event
	for {
		page, err := e.store.ReadEvents(ctx, scope, run, after, feedPacks)
		if err != nil {
			return nil, err
		}
		for i := range page.Packs {
			more, err := decodePack(page.Run.ConversationID, run, &page.Packs[i])
			if err != nil {
				return nil, err
			}
			events = append(events, more...)
			after = page.Packs[i].Last
		}
		if !page.More {
			return events, nil
		}
	}
}
