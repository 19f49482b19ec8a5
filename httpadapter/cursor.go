package httpadapter

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// eventID is the cursor behind an event as clients keep it: run and number, and
// from the second attempt at a run on, the attempt, so that a resume after a
// restart is exact. Events that belong to no run have none.
func appendEventID(b []byte, e *conversation.Event) []byte {
	b = appendID(b, e.RunID)
	b = append(b, ':')
	b = strconv.AppendInt(b, e.Seq, 10)
	if e.Attempt > 1 {
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(e.Attempt), 10)
	}
	return b
}

// cursor reads where a stream is to go on: the parameter after, or else the
// header that a browser sends when it reconnects. The zero Cursor is neither.
// A bare number is taken where the run is known.
func (x *exchange) cursor(q *query, run uuid.UUID) conversation.Cursor {
	name, s := "after", q.text("after")
	if s == "" {
		name, s = "Last-Event-ID", strings.TrimSpace(x.r.Header.Get("Last-Event-ID"))
	}
	if s == "" {
		return conversation.Cursor{}
	}
	c, ok := parseCursor(s, run)
	if !ok {
		q.add(name, "is garbled: it must be the id of an event of this stream")
	}
	return c
}

// parseCursor reads <run>:<seq>, <run>:<seq>:<attempt>, or with a run <seq>.
func parseCursor(s string, run uuid.UUID) (conversation.Cursor, bool) {
	if seq, ok := parseNumber(s); ok && run != uuid.Nil {
		return conversation.Cursor{RunID: run, Seq: seq}, true
	}
	fields := strings.Split(s, ":")
	if len(fields) < 2 || len(fields) > 3 {
		return conversation.Cursor{}, false
	}
	id, err := parseID(fields[0])
	seq, ok := parseNumber(fields[1])
	if err != nil || !ok {
		return conversation.Cursor{}, false
	}
	// The first attempt goes without saying; 0 would be "not known".
	c := conversation.Cursor{RunID: id, Seq: seq, Attempt: 1}
	if len(fields) == 3 {
		attempt, ok := parseNumber(fields[2])
		if !ok || attempt < 1 || attempt > 1<<30 {
			return conversation.Cursor{}, false
		}
		c.Attempt = int(attempt)
	}
	return c, true
}

// parseNumber reads a number that has nothing but digits.
func parseNumber(s string) (int64, bool) {
	if s == "" || len(s) > 18 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
