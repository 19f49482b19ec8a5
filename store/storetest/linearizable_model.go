package storetest

import (
	"fmt"
	"hash/fnv"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
)

// operation is one operation on one log and what was answered.
type operation struct {
	client       int
	call, end    int64 // nanoseconds since the beginning
	conversation uuid.UUID

	kind kind
	ids  []uuid.UUID // appended, or the whole log as read

	expected int64 // of an append; below zero is the head
	version  int64 // answered: after an append, at a read, or the head that refused
}

type kind int

const (
	appended kind = iota // the messages were added; version 0 if the answer was lost
	refused              // a version conflict, with the head it names
	read                 // the whole log
	lost                 // an append whose outcome nobody was told
)

func (o operation) String() string {
	switch o.kind {
	case appended:
		return fmt.Sprintf("append %d at %d: %d", len(o.ids), o.expected, o.version)
	case refused:
		return fmt.Sprintf("append at %d: conflict with %d", o.expected, o.version)
	case read:
		return fmt.Sprintf("read: %d", o.version)
	default:
		return "append: lost"
	}
}

// log is the state of the model: how many messages, and a digest of which.
type log struct {
	n      int64
	digest uint64
}

func (l log) with(ids []uuid.UUID) log {
	for _, id := range ids {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, l.digest)
		_, _ = h.Write(id[:])
		l.digest = h.Sum64()
	}
	l.n += int64(len(ids))
	return l
}

// logModel is a log with compare-and-swap on its length.
var logModel = porcupine.Model{
	Init: func() any { return log{} },
	Step: func(state, input, _ any) (bool, any) {
		l, o := state.(log), input.(operation)
		switch o.kind {
		case appended:
			next := l.with(o.ids)
			fits := o.expected < 0 || o.expected == l.n
			return fits && (o.version == 0 || o.version == next.n), next
		case refused:
			return o.expected >= 0 && o.expected != l.n && o.version == l.n, l
		case read:
			return o.version == l.n && log{}.with(o.ids) == l, l
		default:
			return false, l
		}
	},
	Hash:              func(state any) uint64 { return state.(log).digest },
	DescribeOperation: func(input, _ any) string { return input.(operation).String() },
	DescribeState:     func(state any) string { return fmt.Sprintf("%d messages", state.(log).n) },
}

// settle gives the operations on one conversation with lost appends decided.
// Ids are unique and nothing is deleted. So a lost append that no read shows
// is left out: nobody can tell it from one that was not made. One that a read
// shows was made, at the latest when the first such read returned. Without this
// each lost append would stay open to the end, and the search would too.
func settle(all []operation, conversation uuid.UUID) []operation {
	var mine []operation
	shown := map[uuid.UUID]int64{} // when the first read that shows an id returned
	for _, o := range all {
		if o.conversation != conversation {
			continue
		}
		mine = append(mine, o)
		if o.kind != read {
			continue
		}
		for _, id := range o.ids {
			if at, ok := shown[id]; !ok || o.end < at {
				shown[id] = o.end
			}
		}
	}
	var out []operation
	for _, o := range mine {
		if o.kind == lost {
			first := int64(-1)
			for _, id := range o.ids {
				if at, ok := shown[id]; ok && (first < 0 || at < first) {
					first = at
				}
			}
			if first < 0 {
				continue
			}
			o.kind, o.end = appended, max(first, o.call)
		}
		out = append(out, o)
	}
	return out
}
