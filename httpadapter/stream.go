package httpadapter

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// runEvents streams a run to its end.
func (h *Handler) runEvents(x *exchange) error {
	id, err := x.runID()
	if err != nil {
		return err
	}
	q := x.query()
	view, after := q.view(), x.cursor(q, id)
	if err := q.err(); err != nil {
		return err
	}
	return x.stream(func() (*conversation.Stream, error) {
		return h.engine.Events(x.r.Context(), x.caller, id, after, view)
	})
}

// follow streams a conversation for as long as the client stays.
func (h *Handler) follow(x *exchange) error {
	q := x.query()
	view, after := q.view(), x.cursor(q, uuid.Nil)
	if err := q.err(); err != nil {
		return err
	}
	id, err := x.conversationID(view)
	if err != nil {
		return err
	}
	return x.stream(func() (*conversation.Stream, error) {
		return h.engine.Follow(x.r.Context(), x.caller, id, after, view)
	})
}

// streamTurn starts a turn and streams its run. A client that repeats the
// request with its key and the last id it saw goes on behind that.
func (h *Handler) streamTurn(x *exchange) error {
	q := x.query()
	after := x.cursor(q, uuid.Nil)
	if err := q.err(); err != nil {
		return err
	}
	return x.stream(func() (*conversation.Stream, error) {
		run, err := x.start(h.engine.StartRun)
		if err != nil {
			return nil, err
		}
		if after.RunID != run.ID {
			after = conversation.Cursor{} // of another turn: this one is read from its start
		}
		return h.engine.Events(x.r.Context(), x.caller, run.ID, after, conversation.ViewParticipant)
	})
}

// stream opens a stream of events, once it is certain that it can be served,
// and writes it out.
func (x *exchange) stream(open func() (*conversation.Stream, error)) error {
	if !x.r.ProtoAtLeast(1, 1) {
		return fault("", "server-sent events need HTTP/1.1 or later")
	}
	if !canFlush(&x.w) {
		return errNoFlush
	}
	leave, ok := x.h.streams.enter(x.caller)
	if !ok {
		return errManyStreams
	}
	defer leave()
	s, err := open()
	if err != nil {
		return badCursor("after", err)
	}
	defer s.Close()
	header := x.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-cache, no-transform")
	header.Set("X-Accel-Buffering", "no")
	x.w.WriteHeader(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return nil
	}
	x.pump(s)
	return nil
}

// canFlush reports whether what is written can be sent at once. Asking
// http.ResponseController would send the header already.
func canFlush(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}
