package httpadapter

import (
	"net/http"

	"github.com/parley-go/parley/conversation"
)

func (h *Handler) listMessages(x *exchange) error {
	q := x.query()
	query := conversation.MessageQuery{Limit: q.size("limit"), Cursor: q.text("next"), View: q.view()}
	if since, ok := q.integer("since"); ok {
		query.Since = max(since, 0)
	}
	switch q.text("order") {
	case "", "asc":
	case "desc":
		query.Desc = true
	default:
		q.add("order", "must be asc or desc")
	}
	if err := q.err(); err != nil {
		return err
	}
	id, err := x.conversationID(query.View)
	if err != nil {
		return err
	}
	page, err := h.engine.Messages(x.r.Context(), x.caller, id, query)
	if err != nil {
		return badCursor("next", err)
	}
	e := newEncoder(256 + messageBytes(page.Messages))
	e.messagePage(page)
	return x.encoded(http.StatusOK, e)
}

func (e *encoder) messagePage(page *conversation.MessagePage) {
	e.open()
	e.integer("current_version", page.Version)
	e.raw("data", []byte("["))
	e.messages(page.Messages)
	e.b = append(e.b, ']')
	e.textOrNull("next", page.Next)
	e.boolean("has_more", page.HasMore)
	e.close()
}

// wholeConversation answers with what members writes and all messages of the
// conversation up to the version it shows, a page at a time, so that a long log
// needs no more memory than a short one.
func (x *exchange) wholeConversation(c *conversation.Conversation, view conversation.View,
	members func(*encoder, *conversation.Conversation), message func(*encoder, *conversation.Message)) error {
	e := newEncoder(0)
	e.open()
	members(e, c)
	e.raw("messages", []byte("["))
	for at, first := int64(0), true; at < c.Version; {
		q := conversation.MessageQuery{Since: at, Limit: conversation.MaxMessagePageSize, View: view}
		page, err := x.h.engine.Messages(x.r.Context(), x.caller, c.ID, q)
		if err != nil {
			return err
		}
		if len(page.Messages) == 0 {
			break
		}
		for i := range page.Messages {
			m := &page.Messages[i]
			if at = m.Seq; at > c.Version {
				break
			}
			if !first {
				e.b = append(e.b, ',')
			}
			first = false
			message(e, m)
		}
		if !x.part(e) {
			return nil
		}
	}
	e.b = append(e.b, ']')
	e.close()
	if x.w.status == 0 {
		return x.encoded(http.StatusOK, e)
	}
	_, _ = x.w.Write(e.b) // a client that has left is no error of this side
	return e.err
}

// partBytes is how much of an answer is gathered before it is sent.
const partBytes = 256 << 10

// part sends what there is of a long answer once it is worth it. It reports
// whether the client is still there; one that has left is no error of this side.
func (x *exchange) part(e *encoder) bool {
	if len(e.b) < partBytes || e.err != nil {
		return true
	}
	if x.w.status == 0 {
		x.w.Header().Set("Content-Type", "application/json")
	}
	_, err := x.w.Write(e.b)
	e.b = e.b[:0]
	return err == nil
}
