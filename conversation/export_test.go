package conversation

import (
	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// What follows is for tests of what no exported name reaches.

// Preview and Mentions are text.go's.
func Preview(s string) string      { return preview(s) }
func Mentions(s string) [][]string { return mentions(s) }

// JSONDepth is schema.go's.
func JSONDepth(raw []byte) int { return jsonDepth(raw) }

// EncodePack and DecodePack are how events are stored.
func EncodePack(events []*Event) (*store.EventPack, error) { return encodePack(events) }

// DecodePack makes events of a stored pack.
func DecodePack(pack *store.EventPack) ([]*Event, error) {
	return decodePack(uuid.Nil, uuid.Nil, pack)
}

// Coalesce puts deltas together.
func Coalesce(events []*Event) []*Event { return coalesce(events) }

// ErrCorrupt is what a row that does not decode gives.
var ErrCorrupt = errCorrupt
