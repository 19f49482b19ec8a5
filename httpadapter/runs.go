package httpadapter

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

func (h *Handler) startRun(x *exchange) error {
	run, err := x.start(h.engine.StartRun)
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
func (x *exchange) start(with startFunc) (*conversation.Run, error) {
	t, err := x.readTurn()
	if err != nil {
		return nil, err
	}
	id, err := x.conversationID(conversation.ViewParticipant)
	if err != nil {
		return nil, err
	}
	run, err := with(x.r.Context(), x.caller, id, t.request)
	if err != nil {
		return nil, t.respell(err)
	}
	x.location("/runs/" + run.ID.String())
	if run.Replayed {
		x.w.Header().Set("Idempotent-Replay", "true")
	}
	return run, nil
}

// postMessage waits for the end of a turn.
func (h *Handler) postMessage(x *exchange) error {
	x.patient()
	run, err := x.start(h.engine.RunTurn)
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
	e := newEncoder(0)
	e.turnResult(c, run, messages)
	return x.encoded(http.StatusOK, e)
}

// turnResult writes the end of a turn: the updated conversation, the run and
// the messages it appended. What stands at the top of a conversation for
// clients that know nothing else is there too.
func (e *encoder) turnResult(c *conversation.Conversation, run *conversation.Run, messages []conversation.Message) {
	e.open()
	e.name("conversation")
	e.conversation(c)
	e.value("run", run)
	e.raw("messages", []byte("["))
	e.messages(messages)
	e.b = append(e.b, ']')
	e.id("id", c.ID)
	e.id("conversation_id", c.ID)
	if c.Agent == nil {
		e.null("agent_id")
	} else {
		e.text("agent_id", c.Agent.ID)
	}
	e.textOrNull("name", c.Title)
	e.integer("version", c.Version)
	e.close()
}

// appendedBy returns the messages that a run appended.
func (x *exchange) appendedBy(run *conversation.Run) ([]conversation.Message, error) {
	var messages []conversation.Message
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
		messages = append(messages, page.Messages...)
		at = messages[len(messages)-1].Seq
	}
	return messages, nil
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
