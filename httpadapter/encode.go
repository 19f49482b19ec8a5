package httpadapter

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// encoder writes JSON for the shapes that go out most: rows of lists, messages.
// Written out it takes a fifth of the time of encoding/json, which scans again
// whatever encodes itself. The first error stays.
type encoder struct {
	b    []byte
	err  error
	from *[]byte // where b came from, to be given back
}

// newEncoder makes an encoder with room for about n bytes.
func newEncoder(n int) *encoder {
	from, _ := buffers.Get().(*[]byte)
	return &encoder{b: slices.Grow((*from)[:0], n), from: from}
}

// free gives the buffer back once nobody uses what is in it.
func (e *encoder) free() {
	if cap(e.b) <= keepBytes {
		*e.from = e.b
	}
	buffers.Put(e.from)
	e.b = nil
}

// open begins an object.
func (e *encoder) open() { e.b = append(e.b, '{') }

// close ends an object.
func (e *encoder) close() { e.b = append(e.b, '}') }

// name begins a member. Names are plain words.
func (e *encoder) name(name string) {
	if e.b[len(e.b)-1] != '{' {
		e.b = append(e.b, ',')
	}
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) null(name string) {
	e.name(name)
	e.b = append(e.b, "null"...)
}

func (e *encoder) text(name, s string) {
	e.name(name)
	if !plain(s) {
		e.any(s)
		return
	}
	e.b = append(e.b, '"')
	e.b = append(e.b, s...)
	e.b = append(e.b, '"')
}

// textOrNull writes null for a text that is not there.
func (e *encoder) textOrNull(name, s string) {
	if s == "" {
		e.null(name)
		return
	}
	e.text(name, s)
}

// plain reports whether a string needs no escape.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func (e *encoder) integer(name string, n int64) {
	e.name(name)
	e.b = strconv.AppendInt(e.b, n, 10)
}

func (e *encoder) boolean(name string, v bool) {
	e.name(name)
	e.b = strconv.AppendBool(e.b, v)
}

func (e *encoder) id(name string, id uuid.UUID) {
	e.name(name)
	e.b = append(e.b, '"')
	e.b = appendID(e.b, id)
	e.b = append(e.b, '"')
}

func (e *encoder) idOrNull(name string, id uuid.UUID) {
	if id == uuid.Nil {
		e.null(name)
		return
	}
	e.id(name, id)
}

func appendID(b []byte, id uuid.UUID) []byte {
	b = hex.AppendEncode(b, id[:4])
	for _, part := range [][]byte{id[4:6], id[6:8], id[8:10], id[10:]} {
		b = hex.AppendEncode(append(b, '-'), part)
	}
	return b
}

// The forms of a time, in UTC: RFC 3339 with six digits of a second, or three.
const (
	microseconds = `"2006-01-02T15:04:05.000000Z"`
	milliseconds = `"2006-01-02T15:04:05.000Z"`
)

// time writes null for no time.
func (e *encoder) time(name string, t time.Time, form string) {
	if t.IsZero() {
		e.null(name)
		return
	}
	e.name(name)
	e.b = t.UTC().AppendFormat(e.b, form)
}

// raw writes JSON as it is.
func (e *encoder) raw(name string, raw []byte) {
	e.name(name)
	e.b = append(e.b, raw...)
}

// value writes anything, by encoding/json.
func (e *encoder) value(name string, v any) {
	e.name(name)
	e.any(v)
}

func (e *encoder) any(v any) {
	raw, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b = append(e.b, raw...)
}
