package memstore

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parley-go/parley/store"
)

// filter decides which conversations a list shows.
type filter struct {
	q      *store.ListQuery
	needle string // folded; "" finds everything
	folded []byte // room to fold a preview in
}

func newFilter(q *store.ListQuery) filter {
	return filter{q: q, needle: store.Fold(q.Text)}
}

func (f *filter) matches(c *conversation) bool {
	row := &c.row
	switch {
	case !row.DeletedAt.IsZero():
	case f.q.Mode != "" && row.Mode != f.q.Mode:
	case f.q.AgentID != "" && row.AgentID != f.q.AgentID:
	case f.q.Channel != "" && row.Channel != f.q.Channel:
	case slices.Contains(f.q.Exclude, row.Channel):
	case f.needle == "":
		return true
	default:
		return strings.Contains(c.sortKey, f.needle) ||
			strings.Contains(c.agent, f.needle) ||
			f.inFold(row.Preview)
	}
	return false
}

// inFold reports whether Fold(text) contains the needle. Previews change with
// every turn and are seldom searched, so they are folded here, plain ASCII
// without an allocation.
func (f *filter) inFold(text string) bool {
	if len(text) > cap(f.folded) {
		f.folded = make([]byte, 0, 2*len(text))
	}
	folded := f.folded[:len(text)]
	for i := range len(text) {
		b := text[i]
		if b >= utf8.RuneSelf {
			return strings.Contains(store.Fold(text), f.needle)
		}
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		folded[i] = b
	}
	return bytes.Contains(folded, []byte(f.needle))
}
