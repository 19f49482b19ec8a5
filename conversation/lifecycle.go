package conversation

import (
	"context"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Get returns a conversation with its current version, deleted ones too. Needs
// PermRead.
func (e *Engine) Get(ctx context.Context, caller Caller, id uuid.UUID, view View) (*Conversation, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	view, scope := caller.in(view)
	row, err := e.store.GetConversation(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	c, err := toConversation(row, caller, view)
	if err != nil || row.LastRunID == uuid.Nil {
		return c, err
	}
	last, err := e.store.GetRun(ctx, scope, row.LastRunID)
	if err != nil {
		return nil, err
	}
	run, err := toRun(last)
	if err != nil {
		return nil, err
	}
	c.RenderedSystemPrompt = &run.SystemPrompt
	return c, nil
}

// List returns a page of the caller's conversations (rules Q1 to Q4). Needs
// PermRead.
func (e *Engine) List(ctx context.Context, caller Caller, q Query) (*Page, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	view, scope := caller.in(q.View)
	query, page, err := q.listQuery()
	if err != nil {
		return nil, err
	}
	rows, err := e.store.ListConversations(ctx, scope, query)
	if err != nil {
		return nil, err
	}
	page.ViewingAs, page.Total, page.HasMore = view, rows.Total, rows.Next != nil
	if rows.Next != nil {
		page.Next = encodeCursor(listCursor{
			Kind: cursorList, Sort: query.Sort, Activity: rows.Next.ActivityAt, Title: rows.Next.Title, ID: rows.Next.ID,
		})
	}
	for i := range rows.Conversations {
		c, err := toConversation(&rows.Conversations[i], caller, view)
		if err != nil {
			return nil, err
		}
		page.Conversations = append(page.Conversations, c)
	}
	return page, nil
}

// update changes a row and tells those who follow it.
func (e *Engine) update(ctx context.Context, caller Caller, id uuid.UUID, u *store.ConversationUpdate) (*Conversation, error) {
	row, err := e.store.UpdateConversation(ctx, caller.scope(), id, u)
	if err != nil {
		return nil, err
	}
	e.changed(caller.Tenant, id)
	return toConversation(row, caller, ViewParticipant)
}

// Promote turns a fast conversation into a standard one (rule L2). It is one
// way, keeps the log, and does nothing to a standard one. Needs PermWrite.
func (e *Engine) Promote(ctx context.Context, caller Caller, id uuid.UUID) (*Conversation, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	mode := string(ModeStandard)
	return e.update(ctx, caller, id, &store.ConversationUpdate{Mode: &mode})
}

// Participant is a person to take into a conversation.
type Participant struct {
	UserID    string
	Name      string
	AvatarURL string
}

// AddParticipant lets another user of the tenant see and use the conversation,
// and lists them in its directory (rules A2, L4). Adding one again updates the
// name and picture. Mentioning a person, or quoting one as an author, gives no
// access; this does. Needs PermWrite.
func (e *Engine) AddParticipant(ctx context.Context, caller Caller, id uuid.UUID, p Participant) (*Conversation, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	var f faults
	if trim(p.UserID) == "" {
		f.add("user_id", "must not be empty")
	}
	f.runes("user_id", p.UserID)
	f.runes("name", p.Name)
	f.text("avatar_url", p.AvatarURL, maxPartName)
	if err := f.err(); err != nil {
		if _, missing := e.store.GetConversation(ctx, caller.scope(), id); missing != nil {
			return nil, missing
		}
		return nil, err
	}
	return e.update(ctx, caller, id, &store.ConversationUpdate{Participants: []store.Participant{
		{UserID: p.UserID, Name: p.Name, AvatarURL: p.AvatarURL, Member: true},
	}})
}

// Delete hides a conversation from lists, ends its runs and refuses new turns;
// it can still be read, and restored (rule L6). Deleting it again changes
// nothing. Needs PermWrite.
func (e *Engine) Delete(ctx context.Context, caller Caller, id uuid.UUID) (*Conversation, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	result := errorResult(CodeDeleted, "the conversation was deleted")
	row, ended, err := e.store.DeleteConversation(ctx, caller.scope(), id, result)
	if err != nil {
		return nil, err
	}
	e.fenced(ended)
	e.changed(caller.Tenant, id)
	return toConversation(row, caller, ViewParticipant)
}

// fenced tells the attempts at runs that they were ended from outside.
func (e *Engine) fenced(runs []store.RunRef) {
	for _, ref := range runs {
		if a := e.held(ref.RunID); a != nil {
			a.signal(ErrLeaseLost)
		}
		e.hint(store.HintControl, ref.Tenant, ref.ConversationID, ref.RunID)
		e.hint(store.HintRun, ref.Tenant, ref.ConversationID, ref.RunID)
	}
}

// Restore undoes Delete. Runs that it ended stay ended. Needs PermWrite.
func (e *Engine) Restore(ctx context.Context, caller Caller, id uuid.UUID) (*Conversation, error) {
	if err := caller.may(PermWrite); err != nil {
		return nil, err
	}
	row, err := e.store.RestoreConversation(ctx, caller.scope(), id)
	if err != nil {
		return nil, err
	}
	e.changed(caller.Tenant, id)
	return toConversation(row, caller, ViewParticipant)
}

// PurgeCounts says what a purge erased.
type PurgeCounts = store.PurgeCounts

// Purge erases a conversation, deleted or not, and everything in it, for good.
// A run that is still going is refused whatever it writes. Needs PermWrite.
func (e *Engine) Purge(ctx context.Context, caller Caller, id uuid.UUID) (PurgeCounts, error) {
	if err := caller.may(PermWrite); err != nil {
		return PurgeCounts{}, err
	}
	if _, err := e.store.GetConversation(ctx, caller.scope(), id); err != nil {
		return PurgeCounts{}, err
	}
	counts, err := e.store.Purge(ctx, store.PurgeTarget{Tenant: caller.Tenant, ConversationID: id})
	if err != nil {
		return counts, err
	}
	e.purged(caller.Tenant, id)
	if counts.Conversations == 0 { // somebody else was first
		return counts, ErrNotFound
	}
	return counts, nil
}

// PurgeUser erases everything a user of the caller's tenant owns, and the user
// from the directories of others' conversations. For the user, and for
// administrators. Needs PermWrite.
func (e *Engine) PurgeUser(ctx context.Context, caller Caller, user string) (PurgeCounts, error) {
	if err := caller.may(PermWrite); err != nil {
		return PurgeCounts{}, err
	}
	if user == "" || user != caller.User && !caller.Admin {
		return PurgeCounts{}, ErrForbidden
	}
	var f faults
	f.text("user", user, 0)
	if err := f.err(); err != nil {
		return PurgeCounts{}, err
	}
	counts, err := e.store.Purge(ctx, store.PurgeTarget{Tenant: caller.Tenant, Owner: user})
	e.purged(caller.Tenant, uuid.Nil)
	return counts, err
}

// PurgeTenant erases everything of the caller's tenant. For administrators.
// Needs PermWrite.
func (e *Engine) PurgeTenant(ctx context.Context, caller Caller) (PurgeCounts, error) {
	if err := caller.may(PermWrite); err != nil {
		return PurgeCounts{}, err
	}
	if !caller.Admin {
		return PurgeCounts{}, ErrForbidden
	}
	counts, err := e.store.Purge(ctx, store.PurgeTarget{Tenant: caller.Tenant})
	e.purged(caller.Tenant, uuid.Nil)
	return counts, err
}

// purged makes the engine look again at the runs it holds and the readers it
// serves in the tenant: some of what they look at may be gone.
func (e *Engine) purged(tenant string, conversation uuid.UUID) {
	e.fixed.drop(tenant, conversation)
	e.mu.Lock()
	var held []*attempt
	for _, a := range e.attempts {
		if a.key.Tenant == tenant && (conversation == uuid.Nil || a.key.ConversationID == conversation) {
			held = append(held, a)
		}
	}
	e.mu.Unlock()
	if conversation != uuid.Nil {
		for _, a := range held {
			a.signal(ErrLeaseLost)
		}
		e.changed(tenant, conversation)
	}
	poke(e.wakeWatch)
	e.hint(store.HintControl, tenant, conversation, uuid.Nil)
}
