package memstore

import (
	"bytes"
	"cmp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// place is where a conversation stands in any of the orders.
type place struct {
	activity int64  // microseconds since 1970
	title    string // folded; "" for none
	id       uuid.UUID
}

// order compares two places; negative when a comes first.
type order func(a, b *place) int

func orderOf(s store.Sort) order {
	switch s {
	case store.SortOldest:
		return oldestFirst
	case store.SortTitle:
		return byTitle
	default:
		return newestFirst
	}
}

func newestFirst(a, b *place) int {
	if c := cmp.Compare(b.activity, a.activity); c != 0 {
		return c
	}
	return bytes.Compare(b.id[:], a.id[:])
}

func oldestFirst(a, b *place) int {
	if c := cmp.Compare(a.activity, b.activity); c != 0 {
		return c
	}
	return bytes.Compare(a.id[:], b.id[:])
}

func byTitle(a, b *place) int {
	if untitled := a.title == ""; untitled != (b.title == "") {
		if untitled {
			return 1
		}
		return -1
	}
	if c := strings.Compare(a.title, b.title); c != 0 {
		return c
	}
	return bytes.Compare(a.id[:], b.id[:])
}

func placeOf(c *conversation) place {
	return place{activity: c.activity, title: c.title, id: c.id}
}

func placeOfKey(k *store.ListKey) place {
	return place{activity: k.ActivityAt.UnixMicro(), title: k.Title, id: k.ID}
}

func (p *place) key() *store.ListKey {
	return &store.ListKey{ActivityAt: time.UnixMicro(p.activity).UTC(), Title: p.title, ID: p.id}
}
