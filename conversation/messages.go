package conversation

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Messages returns a page of the log: messages above Since, in ascending order
// without gaps, and the head they were read at (rule V1). Needs PermRead.
func (e *Engine) Messages(ctx context.Context, caller Caller, id uuid.UUID, q MessageQuery) (*MessagePage, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	_, scope := caller.in(q.View)
	limit := q.Limit
	if limit == 0 {
		limit = defaultMessages
	}
	limit = min(max(limit, 1), MaxMessagePageSize)
	query := &store.MessageQuery{After: max(q.Since, 0), Limit: limit + 1, Desc: q.Desc}
	if q.Cursor != "" {
		var c messageCursor
		if err := decodeCursor(q.Cursor, &c); err != nil {
			return nil, err
		}
		if c.Kind != cursorMessage || c.Desc != q.Desc || c.Seq < 1 {
			return nil, ErrBadCursor
		}
		if q.Desc {
			query.Before = c.Seq
		} else {
			query.After = max(query.After, c.Seq)
		}
	}
	rows, err := e.store.Messages(ctx, scope, id, query)
	if err != nil {
		return nil, err
	}
	page := &MessagePage{Version: rows.Version, HasMore: len(rows.Messages) > limit}
	if page.HasMore {
		rows.Messages = rows.Messages[:limit]
		page.Next = encodeCursor(messageCursor{Kind: cursorMessage, Desc: q.Desc, Seq: rows.Messages[limit-1].Seq})
	}
	page.Messages, err = toMessages(id, rows.Messages)
	return page, err
}

// AppendParams says what to append.
type AppendParams struct {
	// Messages are appended in order, all or none. Role and Content are needed;
	// Author and Incomplete are kept; an ID makes the append repeatable: the same
	// ids again are acknowledged and not written twice. uuid.Nil takes a new one.
	Messages []Message

	// ExpectedVersion is the head the writer saw; nil is the head at that moment.
	ExpectedVersion *int64

	// Race appends though a run is active, which will then fail to land (rule
	// V4). Otherwise that is *RunActiveError.
	Race bool
}

// AppendResult is what an append made.
type AppendResult struct {
	Version  int64     // the head after it
	Messages []Message // as stored
	Replayed bool      // they were there already
}

// maxAppend bounds the messages of one append.
const maxAppend = 100

// Append adds messages to the log without a run, for hosts that keep their own
// loop. Tool calls stay closed by exactly one output: while calls wait, the
// append must begin with their outputs, in a message of the tool role (rule
// R5). Needs PermWrite.
//
// Errors are those of StartRun; what breaks the pairing of calls and outputs is
// a FieldError of the message at fault.
func (e *Engine) Append(ctx context.Context, caller Caller, id uuid.UUID, p AppendParams) (*AppendResult, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	messages := make([]Message, len(p.Messages))
	repeatable := len(p.Messages) > 0 && p.Messages[0].ID != uuid.Nil
	for i, m := range p.Messages {
		if m.ID == uuid.Nil {
			m.ID = e.cfg.NewID()
		}
		messages[i] = Message{ID: m.ID, Role: m.Role, Content: m.Content, Author: m.Author, Incomplete: m.Incomplete}
	}
	for try := 1; ; try++ {
		res, err := e.tryAppend(ctx, caller, id, messages, &p, repeatable)
		if p.ExpectedVersion == nil && errors.Is(err, ErrVersionConflict) && try < maxStartTries && ctx.Err() == nil {
			continue // the pending calls it was checked against may have changed
		}
		return res, err
	}
}

func (e *Engine) tryAppend(ctx context.Context, caller Caller, id uuid.UUID, messages []Message, p *AppendParams, repeatable bool) (*AppendResult, error) {
	row, err := e.store.GetConversation(ctx, caller.scope(), id)
	if err != nil {
		return nil, err
	}
	switch {
	case !row.DeletedAt.IsZero():
		return nil, ErrDeleted
	case readOnly(Channel(row.Channel), Surface(row.Surface), caller):
		return nil, ErrReadOnly
	}
	var f faults
	e.checkMessages(&f, messages)
	invalid := f.err()
	behind := p.ExpectedVersion != nil && *p.ExpectedVersion < row.Version
	switch {
	case p.ExpectedVersion != nil && *p.ExpectedVersion > row.Version, behind && invalid != nil:
		return nil, &VersionConflictError{Expected: *p.ExpectedVersion, Current: row.Version}
	case invalid != nil:
		return nil, invalid
	}
	texts := make([]string, len(messages))
	for i := range messages {
		texts[i] = messages[i].Content.Text()
	}
	tail, err := toTail(messages, texts, row.Participants)
	if err != nil {
		return nil, err
	}
	a := &store.Append{Scope: caller.scope(), ConversationID: id, Expected: p.ExpectedVersion, Race: p.Race, Tail: tail}
	if !behind { // else it is a replay or a conflict: the head never comes back to it
		if err := settle(a, row, messages); err != nil {
			if repeatable {
				return e.replayed(ctx, a, row, p.ExpectedVersion, err)
			}
			return nil, err
		}
	}
	return e.commitAppend(ctx, id, a)
}

// settle follows calls and outputs through the messages, from the calls that
// wait at the head.
func settle(a *store.Append, row *store.Conversation, messages []Message) error {
	pending, err := decodePending(row.Pending)
	if err != nil {
		return err
	}
	book := ledger{open: pending}
	if len(pending) > 0 {
		a.Settles = true
		if a.Expected == nil {
			a.Expected = &row.Version
		}
		if messages[0].Role != RoleTool {
			return ErrToolOutputsPending
		}
	}
	var f faults
	for i := range messages {
		parts, err := messages[i].Content.Parts()
		if err != nil {
			return err
		}
		if book.take(messages[i].Role, parts) != nil {
			f.add(fmt.Sprintf("messages[%d]", i), "leaves a tool call without its one output, or answers one that is not open")
			return f.err()
		}
	}
	a.Pending, err = encodePending(book.open)
	return err
}

// replayed answers an append that does not fit the head: it may be in the log
// already (rule V7). The search goes back from the head, since a lost answer is
// asked for again soon.
func (e *Engine) replayed(ctx context.Context, a *store.Append, row *store.Conversation, expected *int64, cause error) (*AppendResult, error) {
	first, n := int64(0), len(a.Messages)
	q := &store.MessageQuery{Before: row.Version + 1, Limit: MaxMessagePageSize, Desc: true}
	for first == 0 && q.Before > 1 {
		page, err := e.store.Messages(ctx, a.Scope, row.ID, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Messages {
			if page.Messages[i].ID == a.Messages[0].ID {
				first = page.Messages[i].Seq
			}
			q.Before = page.Messages[i].Seq
		}
		if len(page.Messages) < q.Limit {
			break
		}
	}
	if first == 0 || expected != nil && first != *expected+1 {
		return nil, cause
	}
	page, err := e.store.Messages(ctx, a.Scope, row.ID, &store.MessageQuery{After: first - 1, Limit: n})
	if err != nil {
		return nil, err
	}
	if len(page.Messages) < n {
		return nil, cause
	}
	for i := range page.Messages {
		if page.Messages[i].ID != a.Messages[i].ID {
			return nil, cause
		}
	}
	return e.appended(row.ID, &store.AppendResult{Version: first + int64(n) - 1, Messages: page.Messages, Replayed: true})
}

func (e *Engine) commitAppend(ctx context.Context, id uuid.UUID, a *store.Append) (*AppendResult, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	var res *store.AppendResult
	err := e.resolve(ctx, func() (err error) {
		res, err = e.store.Append(ctx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	e.promoted(res.Promoted)
	if !res.Replayed {
		e.changed(a.Scope.Tenant, id)
	}
	return e.appended(id, res)
}

func (e *Engine) appended(id uuid.UUID, res *store.AppendResult) (*AppendResult, error) {
	out := &AppendResult{Version: res.Version, Replayed: res.Replayed}
	var err error
	out.Messages, err = toMessages(id, res.Messages)
	return out, err
}

func (e *Engine) checkMessages(f *faults, messages []Message) {
	if len(messages) == 0 || len(messages) > maxAppend {
		f.add("messages", "must be 1 to %d", maxAppend)
		return
	}
	seen := make(map[uuid.UUID]bool, len(messages))
	for i := range messages {
		m, at := &messages[i], fmt.Sprintf("messages[%d]", i)
		if seen[m.ID] {
			f.add(at+".id", "is used by another message")
		}
		seen[m.ID] = true
		switch m.Role {
		case RoleUser, RoleAssistant, RoleTool, RoleSystem:
		default:
			f.add(at+".role", "must be user, assistant, tool or system")
		}
		e.checkContent(f, at+".parts", m)
		checkAuthor(f, at+".author", m.Author)
	}
}

// checkContent checks a message's parts, and encodes them anew: what is stored
// is what was understood, and nothing beside it.
func (e *Engine) checkContent(f *faults, at string, m *Message) {
	if reason := textFault(string(m.Content.raw), e.cfg.MaxMessageBytes); reason != "" {
		f.add(at, "%s", reason)
		return
	}
	parts, err := m.Content.Parts()
	if err != nil {
		f.add(at, "must be parts of a message")
		return
	}
	if len(parts) == 0 || len(parts) > maxParts {
		f.add(at, "must be 1 to %d", maxParts)
		return
	}
	before := len(f.errs)
	for i := range parts {
		checkOutputPart(f, fmt.Sprintf("%s[%d]", at, i), &parts[i], 0)
	}
	if len(f.errs) > before {
		return
	}
	content, err := NewContent(parts...)
	if err == nil && len(content.raw) > e.cfg.MaxMessageBytes {
		f.add(at, "must be at most %d bytes, has %d", e.cfg.MaxMessageBytes, len(content.raw))
	} else if err != nil {
		f.add(at, "must be parts of a message")
	}
	m.Content = content
}

// Ask is RunTurn with a text for a turn, and returns the text of the answer. It
// is for programs that want nothing else. Needs PermReadWrite.
func (e *Engine) Ask(ctx context.Context, caller Caller, id uuid.UUID, text string) (string, error) {
	run, err := e.RunTurn(ctx, caller, id, TurnRequest{Text: text})
	if err != nil {
		return "", err
	}
	if run.Error != nil {
		return "", run.Error
	}
	if run.FinalText == nil {
		return "", fmt.Errorf("run ended %s without text", run.Status)
	}
	return *run.FinalText, nil
}
