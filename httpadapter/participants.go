package httpadapter

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

func (h *Handler) listParticipants(x *exchange) error {
	q := x.query()
	view := q.view()
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
	e := newEncoder(0)
	e.open()
	e.participants(c)
	e.text("viewing_as", string(c.ViewingAs))
	e.close()
	return x.encoded(http.StatusOK, e)
}

func participantFields(p *conversation.Participant) []field {
	return []field{text("user_id", &p.UserID), text("name", &p.Name), text("avatar_url", &p.AvatarURL)}
}

func (h *Handler) addParticipant(x *exchange) error {
	var p conversation.Participant
	err := x.body(false, func(d *decoder, v value) { d.object("", v, participantFields(&p)...) })
	if err != nil {
		return err
	}
	return x.change(func(id uuid.UUID) (*conversation.Conversation, error) {
		return h.engine.AddParticipant(x.r.Context(), x.caller, id, p)
	})
}
