package httpadapter

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parley-go/parley/conversation"
)

// query reads the parameters of a request and gathers what is wrong with them.
// Parameters that a route does not know are passed over: proxies and pages add
// their own.
type query struct {
	values url.Values
	decoder
}

func (x *exchange) query() *query {
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.add("", "the query is malformed")
	}
	return q
}

// maxParameter bounds a parameter, in bytes: the longest cursor and some.
const maxParameter = 8 << 10

// text returns a parameter, "" if it is not there.
func (q *query) text(name string) string {
	s := q.values.Get(name)
	switch {
	case len(s) > maxParameter:
		q.add(name, "must be at most "+strconv.Itoa(maxParameter)+" bytes")
		return ""
	case !storable(s):
		q.add(name, "must be UTF-8 without NUL")
		return ""
	}
	return s
}

// integer returns a parameter and whether it is there. A number beyond int64 is
// the nearest one: what is bounded gets clamped.
func (q *query) integer(name string) (int64, bool) {
	s := q.values.Get(name)
	if s == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		q.add(name, "must be a whole number")
		return 0, false
	}
	return n, true
}

// size returns the size of a page: 0 for the default, else at least 1. The
// engine knows the upper bound.
func (q *query) size(name string) int {
	n, ok := q.integer(name)
	if !ok {
		return 0
	}
	return int(min(max(n, 1), 1<<20))
}

// boolean returns a parameter; its bare name is true.
func (q *query) boolean(name string) bool {
	if !q.values.Has(name) {
		return false
	}
	s := q.values.Get(name)
	if s == "" {
		return true
	}
	b, err := strconv.ParseBool(s)
	if err != nil {
		q.add(name, "must be true or false")
	}
	return b
}

// view is how much the caller asks to see. Words that are none are the
// participant's view, as the admin view is for who is no admin (rule A4).
func (q *query) view() conversation.View { return conversation.View(q.text("view")) }

// badCursor names the parameter that a cursor came with.
func badCursor(path string, err error) error {
	if errors.Is(err, conversation.ErrBadCursor) {
		return fault(path, "is garbled, or a cursor of something else")
	}
	return err
}

// storable reports whether a store could hold the text. A path may bring what
// no conversation can have.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
