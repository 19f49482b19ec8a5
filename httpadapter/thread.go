package httpadapter

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// threadShape is a conversation in camel case, with all its messages behind it.
type threadShape struct {
	ID                     uuid.UUID                  `json:"id"`
	AgentID                any                        `json:"agentId"` // a number where the id is one
	UserID                 string                     `json:"userId"`
	OrganizationID         string                     `json:"organizationId"`
	Name                   *string                    `json:"name"`
	UpstreamConversationID *uuid.UUID                 `json:"upstreamConversationId"`
	RenderedSystemPrompt   *string                    `json:"renderedSystemPrompt"`
	StreamStatus           *conversation.StreamStatus `json:"streamStatus"`
	CreatedAt              milliseconds               `json:"createdAt"`
	UpdatedAt              milliseconds               `json:"updatedAt"`
	DeletedAt              milliseconds               `json:"deletedAt"`
	IsDeleted              bool                       `json:"isDeleted,omitempty"`
}

// milliseconds is a time with three digits of a second, and null for none.
type milliseconds time.Time

func (t milliseconds) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
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
	shape := threadShape{
		ID: c.ID, UserID: c.User, OrganizationID: c.Tenant, Name: optional(c.Title),
		RenderedSystemPrompt: c.RenderedSystemPrompt, StreamStatus: optional(c.StreamStatus),
		CreatedAt: milliseconds(c.CreatedAt), UpdatedAt: milliseconds(c.UpdatedAt), DeletedAt: milliseconds(c.DeletedAt),
		IsDeleted: c.Deleted(),
	}
	if c.Agent != nil {
		shape.AgentID = numberOrText(c.Agent.ID)
	}
	if c.ParentID != uuid.Nil {
		shape.UpstreamConversationID = &c.ParentID
	}
	return x.wholeConversation(shape, c, conversation.ViewAdmin, appendThreadMessage)
}

// numberOrText is a number for an id that is one in its plain form, as systems
// that number their agents send it.
func numberOrText(id string) any {
	n, err := strconv.ParseInt(id, 10, 53)
	if err == nil && strconv.FormatInt(n, 10) == id {
		return n
	}
	return id
}

func appendThreadMessage(b []byte, m *conversation.Message) ([]byte, error) {
	parts, err := m.Content.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b = append(b, `{"id":"`...)
	b = appendID(b, m.ID)
	b = append(b, `","role":`...)
	b = strconv.AppendQuote(b, string(m.Role))
	b = append(b, `,"parts":`...)
	b = append(b, parts...)
	b = append(b, `,"createdAt":`...)
	at, err := json.Marshal(milliseconds(m.CreatedAt))
	return append(append(b, at...), '}'), err
}

func (h *Handler) health(x *exchange) error {
	if err := h.engine.Check(x.r.Context()); err != nil {
		h.opts.Logger.Warn("not healthy", "log_id", x.logID, "error", err)
		return conversation.ErrUnavailable
	}
	return x.json(http.StatusOK, map[string]string{"status": "ok"})
}
