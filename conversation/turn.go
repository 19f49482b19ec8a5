package conversation

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Turn is what a Responder works on: what was asked, what was said before, and
// the way to answer. Its methods are safe for concurrent use; what several
// goroutines emit is kept in the order in which the calls came.
//
// Once the turn is over (the Responder returned, the run was stopped, timed
// out, lost or handed over) every method that emits returns ErrTurnOver.
type Turn struct {
	a     *attempt
	conv  *Conversation
	run   *Run
	input []Message

	people  []store.Participant // in the directory when the attempt began
	several bool                // more than one could have written a message

	mu      sync.Mutex
	over    bool
	draft   draft
	usage   Usage
	step    int
	nudged  map[uuid.UUID]bool // those in the draft
	strayed bool               // the store may have given out nudges that never came
}

// Format writes which turn it is. Printing one must neither show what it holds
// nor read it while it is being written.
func (t *Turn) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "turn of run %s, attempt %d", t.run.ID, t.run.Attempt)
}

// Conversation returns the conversation as it was when the attempt began, seen
// by the user who started the run. Its directory may be missing.
func (t *Turn) Conversation() *Conversation { return t.conv }

// RunID returns the run's id.
func (t *Turn) RunID() uuid.UUID { return t.run.ID }

// UserID returns the user who started the run.
func (t *Turn) UserID() string { return t.run.UserID }

// Attempt returns which try at the run this is, from 1. What an earlier one
// wrote is void; what it did outside may have happened.
func (t *Turn) Attempt() int { return t.run.Attempt }

// Settings returns the effective settings of the run, with the secrets.
func (t *Turn) Settings() Settings { return t.run.Effective }

// Origins returns where each of the effective settings came from.
func (t *Turn) Origins() map[string]Origin { return t.run.Origins }

// SystemPrompt returns the prompt as rendered for this run.
func (t *Turn) SystemPrompt() string { return t.run.SystemPrompt }

// Version returns the version the run started from: the length of its history.
func (t *Turn) Version() int64 { return t.run.BaseVersion }

// Input returns the messages that this turn puts behind the history: the user's
// message, or a tool message with outputs, or both when pending calls were
// abandoned. They have no sequence numbers yet.
func (t *Turn) Input() []Message { return t.input }

// InputText returns the text of the turn's user message, "" if it brings tool outputs.
func (t *Turn) InputText() string { return textOf(t.run.Input.Parts) }

// historyPage is how many messages a page of the history holds.
const historyPage = 100

// HistoryOptions says which part of the history to read, and in which order.
type HistoryOptions struct {
	NewestFirst bool
	Since       int64 // only messages above this version
}

// History reads what was said before this turn, a page at a time, as far as the
// loop goes: a long log costs only what is looked at. The loop ends with the
// first error.
func (t *Turn) History(ctx context.Context, o HistoryOptions) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		q := store.MessageQuery{Limit: historyPage, Desc: o.NewestFirst, After: o.Since, Before: t.run.BaseVersion + 1}
		for {
			page, err := t.page(ctx, &q)
			if err != nil {
				yield(Message{}, err)
				return
			}
			for _, m := range page {
				if !yield(m, nil) {
					return
				}
			}
			if len(page) < q.Limit {
				return
			}
			if last := page[len(page)-1].Seq; o.NewestFirst {
				q.Before = last
			} else {
				q.After = last
			}
		}
	}
}

// Window returns the newest n messages before this turn, oldest first. It does
// not begin with a tool message, whose calls would be outside: such are left out.
func (t *Turn) Window(ctx context.Context, n int) ([]Message, error) {
	if n <= 0 || t.run.BaseVersion == 0 {
		return nil, nil
	}
	q := store.MessageQuery{
		After: max(t.run.BaseVersion-int64(n), 0), Before: t.run.BaseVersion + 1, Limit: n,
	}
	page, err := t.page(ctx, &q)
	if err != nil {
		return nil, err
	}
	for len(page) > 0 && page[0].Role == RoleTool && page[0].Seq > 1 {
		page = page[1:]
	}
	return page, nil
}

func (t *Turn) page(ctx context.Context, q *store.MessageQuery) ([]Message, error) {
	scope := store.Scope{Tenant: t.a.key.Tenant, Wide: true}
	page, err := t.a.e.store.Messages(ctx, scope, t.a.key.ConversationID, q)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return toMessages(t.a.key.ConversationID, page.Messages)
}

// publish shows an event. Callers hold t.mu, which keeps the order.
func (t *Turn) publish(typ EventType, data EventData) {
	t.a.log.publish(t.run.Attempt, typ, data)
	if t.a.observed != nil {
		t.a.observed.event(typ, data)
	}
	poke(t.a.e.wakeFlush)
}

// seal ends the turn: nothing more is taken.
func (t *Turn) seal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over = true
	if rest := t.draft.flushBytes(); rest != "" {
		t.publish(EventTextDelta, EventData{Delta: rest})
	}
}
