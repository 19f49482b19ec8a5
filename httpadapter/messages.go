package httpadapter

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

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
	body, err := encodeMessagePage(page)
	if err != nil {
		return err
	}
	x.bytes(http.StatusOK, body)
	return nil
}

func encodeMessagePage(page *conversation.MessagePage) ([]byte, error) {
	b := append(make([]byte, 0, 512*(1+len(page.Messages))), `{"current_version":`...)
	b = strconv.AppendInt(b, page.Version, 10)
	b = append(b, `,"data":[`...)
	b, err := appendMessages(b, page.Messages)
	if err != nil {
		return nil, err
	}
	b = append(b, `],"next":`...)
	if page.Next == "" {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendQuote(b, page.Next) // base64
	}
	b = append(b, `,"has_more":`...)
	b = strconv.AppendBool(b, page.HasMore)
	return append(b, '}'), nil
}

// wholeConversation answers with a shape and all messages of the conversation
// up to the version it shows, a page at a time, so that a long log needs no
// more memory than a short one.
func (x *exchange) wholeConversation(shape any, c *conversation.Conversation, view conversation.View,
	encode func([]byte, *conversation.Message) ([]byte, error)) error {
	b, err := json.Marshal(shape)
	if err != nil {
		return err
	}
	b = append(bytes.TrimSuffix(b, []byte("}")), `,"messages":[`...)
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
				b = append(b, ',')
			}
			first = false
			if b, err = encode(b, m); err != nil {
				return err
			}
		}
		if b, err = x.part(b); err != nil {
			giveUp()
		}
	}
	b = append(b, "]}"...)
	if x.w.status == 0 {
		x.bytes(http.StatusOK, b)
		return nil
	}
	_, _ = x.w.Write(b)
	return nil
}

// partBytes is how much of an answer is gathered before it is sent.
const partBytes = 256 << 10

// part sends what there is of a long answer once it is worth it.
func (x *exchange) part(b []byte) ([]byte, error) {
	if len(b) < partBytes {
		return b, nil
	}
	if x.w.status == 0 {
		x.w.Header().Set("Content-Type", "application/json")
	}
	_, err := x.w.Write(b)
	return b[:0], err
}
