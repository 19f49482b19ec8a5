package conversation

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Titler derives the title of a conversation from its first completed turn.
type Titler interface {
	// Title returns a title; "" leaves the conversation without one until its
	// next completed turn. It is cut to 200 characters. ctx ends after 30 s.
	Title(ctx context.Context, req *TitleRequest) (string, error)
}

// TitlerFunc makes a Titler of a function.
type TitlerFunc func(ctx context.Context, req *TitleRequest) (string, error)

// Title calls f.
func (f TitlerFunc) Title(ctx context.Context, req *TitleRequest) (string, error) { return f(ctx, req) }

// TitleRequest is what a Titler works from.
type TitleRequest struct {
	Conversation *Conversation // as it was when the run began
	Run          *Run          // what was asked
	Answer       string        // the text of the answer
}

// SetTitle renames a conversation (rule L1). The title is trimmed and has at
// most 200 characters; a blank one is cleared and will be derived again after
// the next completed turn. Needs PermWrite.
func (e *Engine) SetTitle(ctx context.Context, caller Caller, id uuid.UUID, title string) (*Conversation, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	var f faults
	title = trim(title)
	f.runes("title", title)
	if err := f.err(); err != nil {
		if _, missing := e.store.GetConversation(ctx, caller.scope(), id); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	return e.update(ctx, caller, id, &store.ConversationUpdate{Title: &store.TitleUpdate{Title: title}})
}

// deriveTitle asks the Titler in the background. Losing it in a crash costs
// nothing: the next completed turn asks again.
func (e *Engine) deriveTitle(t *Turn) {
	if e.cfg.Titler == nil {
		return
	}
	run := *t.run
	run.Effective = withoutSecrets(run.Effective)
	t.mu.Lock() // a Responder's own goroutines may outlive its turn
	answer := t.draft.text()
	t.mu.Unlock()
	e.mu.Lock()
	e.titling++
	e.mu.Unlock()
	e.work.Go(func() {
		defer func() {
			e.mu.Lock()
			e.titling--
			e.noteIdle()
			e.mu.Unlock()
		}()
		ctx, cancel := context.WithTimeout(e.errands, DefaultTitleTimeout)
		defer cancel()
		title, err := e.askTitler(ctx, &TitleRequest{Conversation: t.conv, Run: &run, Answer: answer})
		if err != nil {
			e.log.Warn("no title was derived", "conversation", t.conv.ID, "error", err)
			return
		}
		title = trim(cutRunes(trim(safeText(title)), maxName))
		if title == "" {
			return
		}
		scope := store.Scope{Tenant: t.conv.Tenant, Wide: true}
		_, err = e.store.UpdateConversation(ctx, scope, t.conv.ID, &store.ConversationUpdate{
			Title: &store.TitleUpdate{Title: title, Derived: true},
		})
		if err != nil {
			e.log.Debug("a derived title was not stored", "conversation", t.conv.ID, "error", err)
			return
		}
		e.changed(t.conv.Tenant, t.conv.ID)
	})
}

func (e *Engine) askTitler(ctx context.Context, req *TitleRequest) (title string, err error) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error("titler panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return e.cfg.Titler.Title(ctx, req)
}

func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
