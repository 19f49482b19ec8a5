package httpadapter

import (
	"net/http"
	"strconv"

	"github.com/parley-go/parley/conversation"
)

// threadMembers writes a conversation in camel case.
func (e *encoder) threadMembers(c *conversation.Conversation) {
	e.id("id", c.ID)
	switch {
	case c.Agent == nil:
		e.null("agentId")
	case numeric(c.Agent.ID):
		e.raw("agentId", []byte(c.Agent.ID))
	default:
		e.text("agentId", c.Agent.ID)
	}
	e.text("userId", c.User)
	e.text("organizationId", c.Tenant)
	e.textOrNull("name", c.Title)
	e.idOrNull("upstreamConversationId", c.ParentID)
	if c.RenderedSystemPrompt == nil {
		e.null("renderedSystemPrompt")
	} else {
		e.text("renderedSystemPrompt", *c.RenderedSystemPrompt)
	}
	e.textOrNull("streamStatus", string(c.StreamStatus))
	e.time("createdAt", c.CreatedAt, milliseconds)
	e.time("updatedAt", c.UpdatedAt, milliseconds)
	e.time("deletedAt", c.DeletedAt, milliseconds)
	if c.Deleted() {
		e.boolean("isDeleted", true)
	}
}

func (e *encoder) threadMessage(m *conversation.Message) {
	e.open()
	e.id("id", m.ID)
	e.text("role", string(m.Role))
	e.parts(m)
	e.time("createdAt", m.CreatedAt, milliseconds)
	e.close()
}

// getThread shows any conversation of the tenant to its administrators.
func (h *Handler) getThread(x *exchange) error {
	if !x.caller.Admin {
		return conversation.ErrForbidden
	}
	q := x.query()
	s := q.text("threadId")
	id, bad := parseID(s)
	switch {
	case s == "":
		q.add("threadId", "is required")
	case bad != nil:
		q.add("threadId", "must be a UUID")
	}
	if err := q.err(); err != nil {
		return err
	}
	c, err := h.engine.Get(x.r.Context(), x.caller, id, conversation.ViewAdmin)
	if err != nil {
		return err
	}
	return x.wholeConversation(c, conversation.ViewAdmin, (*encoder).threadMembers, (*encoder).threadMessage)
}

// numeric reports whether an id is a whole number in its plain form. Systems
// that number their agents read it as one.
func numeric(id string) bool {
	n, err := strconv.ParseInt(id, 10, 53)
	return err == nil && strconv.FormatInt(n, 10) == id
}

func (h *Handler) health(x *exchange) error {
	if err := h.engine.Check(x.r.Context()); err != nil {
		h.opts.Logger.Warn("not healthy", "log_id", x.logID, "error", err)
		return conversation.ErrUnavailable
	}
	return x.json(http.StatusOK, map[string]string{"status": "ok"})
}
