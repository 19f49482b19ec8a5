package memstore

import (
	"bytes"
	"slices"
	"strings"

	"github.com/parley-go/parley/store"
)

// filter decides which conversations a list shows.
type filter struct {
	q      *store.ListQuery
	needle string // folded; "" finds everything
	bytes  []byte // the needle again
	folded []byte // room to fold a preview in
}

func newFilter(q *store.ListQuery) filter {
	needle := store.Fold(q.Text)
	return filter{q: q, needle: needle, bytes: []byte(needle)}
}

func (f *filter) matches(c *conversation) bool {
	row := &c.row
	switch {
	case c.deleted:
	case f.q.Mode != "" && row.Mode != f.q.Mode:
	case f.q.AgentID != "" && row.AgentID != f.q.AgentID:
	case f.q.Channel != "" && row.Channel != f.q.Channel:
	case slices.Contains(f.q.Exclude, row.Channel):
	case f.needle == "":
		return true
	default:
		return strings.Contains(c.title, f.needle) ||
			strings.Contains(c.agent, f.needle) ||
			f.inFold(row.Preview)
	}
	return false
}

// inFold reports whether Fold(text) contains the needle. Previews change with
// every turn and are seldom searched, so they are folded here, plain ASCII
// without an allocation.
func (f *filter) inFold(text string) bool {
	var ascii bool
	if f.folded, ascii = appendFolded(f.folded[:0], text); !ascii {
		return strings.Contains(store.Fold(text), f.needle)
	}
	return bytes.Contains(f.folded, f.bytes)
}
