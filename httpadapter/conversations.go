package httpadapter

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

func (h *Handler) getConversation(x *exchange) error {
	q := x.query()
	view := q.view()
	whole := false
	for _, part := range strings.Split(q.text("include"), ",") {
		switch strings.TrimSpace(part) {
		case "":
		case "messages":
			whole = true
		default:
			q.add("include", "must be messages")
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	id, err := x.conversationID(view)
	if err != nil {
		return err
	}
	c, err := h.engine.Get(x.r.Context(), x.caller, id, view)
	if err != nil {
		return err
	}
	tag := etag(c)
	header := x.w.Header()
	header.Set("ETag", tag)
	header.Set("Cache-Control", "private, no-cache")
	if x.notModified(tag) {
		x.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if whole {
		return x.wholeConversation(c, view, (*encoder).conversationMembers, (*encoder).message)
	}
	return x.conversation(http.StatusOK, c)
}

// conversation answers with a conversation.
func (x *exchange) conversation(status int, c *conversation.Conversation) error {
	e := newEncoder(0)
	e.conversation(c)
	return x.encoded(status, e)
}

// change answers with the conversation that an operation gives back.
func (x *exchange) change(do func(id uuid.UUID) (*conversation.Conversation, error)) error {
	id, err := x.conversationID(conversation.ViewParticipant)
	if err != nil {
		return err
	}
	c, err := do(id)
	if err != nil {
		return err
	}
	return x.conversation(http.StatusOK, c)
}

// empty takes no body, or one that says nothing.
func (x *exchange) empty() error {
	return x.body(true, func(d *decoder, v value) { d.object("", v) })
}

func (h *Handler) deleteConversation(x *exchange) error {
	q := x.query()
	purge := q.boolean("purge")
	if err := q.err(); err != nil {
		return err
	}
	if !purge {
		return x.change(func(id uuid.UUID) (*conversation.Conversation, error) {
			return h.engine.Delete(x.r.Context(), x.caller, id)
		})
	}
	id, err := x.conversationID(conversation.ViewParticipant)
	if err != nil {
		return err
	}
	counts, err := h.engine.Purge(x.r.Context(), x.caller, id)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, purgeShape{id, counts.Conversations, counts.Messages, counts.Runs, counts.Events,
		counts.Files, counts.Frames})
}

// purgeShape is what a purge erased.
type purgeShape struct {
	ID            uuid.UUID `json:"id"`
	Conversations int64     `json:"conversations"`
	Messages      int64     `json:"messages"`
	Runs          int64     `json:"runs"`
	Events        int64     `json:"events"`
	Files         int64     `json:"files"`
	Frames        int64     `json:"data_frames"`
}

func (h *Handler) restoreConversation(x *exchange) error {
	if err := x.empty(); err != nil {
		return err
	}
	return x.change(func(id uuid.UUID) (*conversation.Conversation, error) {
		return h.engine.Restore(x.r.Context(), x.caller, id)
	})
}

func (h *Handler) promote(x *exchange) error {
	if err := x.empty(); err != nil {
		return err
	}
	return x.change(func(id uuid.UUID) (*conversation.Conversation, error) {
		return h.engine.Promote(x.r.Context(), x.caller, id)
	})
}

func (h *Handler) setTitle(x *exchange) error {
	var title string
	err := x.body(false, func(d *decoder, v value) {
		d.object("", v, titleFields(&title)...)
		if _, ok := v.member("title"); !ok {
			d.add("title", "must be given; blank clears it")
		}
	})
	if err != nil {
		return err
	}
	return x.change(func(id uuid.UUID) (*conversation.Conversation, error) {
		return h.engine.SetTitle(x.r.Context(), x.caller, id, title)
	})
}

func titleFields(title *string) []field { return []field{text("title", title)} }

// forkFields are those of a fork.
func forkFields(p *conversation.ForkParams) []field {
	return []field{
		integer("at_version", &p.AtVersion),
		text("name", &p.Title),
		nested("defaults", func(d *decoder, path string, v value) {
			p.Defaults = new(conversation.Defaults)
			readDefaults(d, path, v, p.Defaults)
		}),
	}
}

func (h *Handler) fork(x *exchange) error {
	var p conversation.ForkParams
	err := x.body(true, func(d *decoder, v value) {
		d.object("", v, forkFields(&p)...)
		if p.Defaults != nil && d.faults != nil { // Fork will not be asked: say here what else it would say
			d.merge(p.Defaults.Validate())
		}
	})
	if err != nil {
		return err
	}
	id, err := x.conversationID(conversation.ViewParticipant)
	if err != nil {
		return err
	}
	c, err := h.engine.Fork(x.r.Context(), x.caller, id, p)
	if err != nil {
		return err
	}
	x.location(x.resource(c.ID))
	return x.conversation(http.StatusCreated, c)
}
