package httpadapter

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

func (h *Handler) startRun(x *exchange) error {
	run, _, err := x.start(h.engine.StartRun)
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if run.Replayed {
		status = http.StatusOK
	}
	return x.json(status, run)
}

// startFunc is one of the engine's ways to start a turn.
type startFunc func(context.Context, conversation.Caller, uuid.UUID, conversation.TurnRequest) (*conversation.Run, error)

// start reads a turn, starts it with one of the engine's ways, and says in the
// headers what became of it.
func (x *exchange) start(with startFunc) (*conversation.Run, *turn, error) {
	t, err := x.readTurn()
	if err != nil {
		return nil, nil, err
	}
	id, err := x.conversationID(conversation.ViewParticipant)
	if err != nil {
		return nil, nil, err
	}
	run, err := with(x.r.Context(), x.caller, id, t.request)
	if err != nil {
		return nil, nil, t.respell(err)
	}
	x.location("/runs/" + run.ID.String())
	if run.Replayed {
		x.w.Header().Set("Idempotent-Replay", "true")
	}
	return run, t, nil
}

// postMessage waits for the end of a turn.
func (h *Handler) postMessage(x *exchange) error {
	x.patient()
	run, _, err := x.start(h.engine.RunTurn)
	if err != nil {
		return err
	}
	c, err := h.engine.Get(x.r.Context(), x.caller, run.ConversationID, conversation.ViewParticipant)
	if err != nil {
		return err
	}
	messages, err := x.appendedBy(run)
	if err != nil {
		return err
	}
	shape := shapeConversation(c)
	return x.json(http.StatusOK, turnShape{
		Conversation: shape, Run: run, Messages: messages,
		ID: shape.ID, ConversationID: shape.ID, AgentID: shape.AgentID, Name: shape.Name, Version: shape.Version,
	})
}

// turnShape is the end of a turn: the updated conversation, the run and the
// messages it appended. What stands at the top of a conversation for clients
// that know nothing else is there too.
type turnShape struct {
	Conversation *conversationShape `json:"conversation"`
	Run          *conversation.Run  `json:"run"`
	Messages     json.RawMessage    `json:"messages"`

	ID             uuid.UUID `json:"id"`
	ConversationID uuid.UUID `json:"conversation_id"`
	AgentID        *string   `json:"agent_id"`
	Name           *string   `json:"name"`
	Version        int64     `json:"version"`
}

// appendedBy returns the messages that a run appended, as a JSON array.
func (x *exchange) appendedBy(run *conversation.Run) (json.RawMessage, error) {
	b := []byte{'['}
	for at := run.BaseVersion; at < run.Version; {
		limit := min(run.Version-at, conversation.MaxMessagePageSize)
		page, err := x.h.engine.Messages(x.r.Context(), x.caller, run.ConversationID,
			conversation.MessageQuery{Since: at, Limit: int(limit)})
		if err != nil {
			return nil, err
		}
		if len(page.Messages) == 0 {
			break
		}
		if at > run.BaseVersion {
			b = append(b, ',')
		}
		if b, err = appendMessages(b, page.Messages); err != nil {
			return nil, err
		}
		at = page.Messages[len(page.Messages)-1].Seq
	}
	return append(b, ']'), nil
}

func (h *Handler) getRun(x *exchange) error {
	q := x.query()
	view := q.view()
	if err := q.err(); err != nil {
		return err
	}
	id, err := x.runID()
	if err != nil {
		return err
	}
	run, err := h.engine.Run(x.r.Context(), x.caller, id, view)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, run)
}

func (h *Handler) stopRun(x *exchange) error {
	if err := x.empty(); err != nil {
		return err
	}
	id, err := x.runID()
	if err != nil {
		return err
	}
	x.patient()
	res, err := h.engine.StopRun(x.r.Context(), x.caller, id)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, struct {
		Stopped bool              `json:"stopped"`
		Run     *conversation.Run `json:"run"`
	}{res.Stopped, res.Run})
}

func nudgeFields(s *string) []field { return []field{text("text", s)} }

func (h *Handler) nudgeRun(x *exchange) error {
	var s string
	err := x.body(false, func(d *decoder, v value) { d.object("", v, nudgeFields(&s)...) })
	if err != nil {
		return err
	}
	id, err := x.runID()
	if err != nil {
		return err
	}
	nudge, err := h.engine.NudgeRun(x.r.Context(), x.caller, id, s)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, nudge)
}
