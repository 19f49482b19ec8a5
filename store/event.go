package store

import (
	"time"

	"github.com/google/uuid"
)

// EventPack is a row of consecutive events of one run. The store reads the
// numbers, never the body.
type EventPack struct {
	First int64 // number of the first event in it
	Last  int64 // number of the last
	Body  []byte
}

// EventAppend stores one pack for one attempt.
type EventAppend struct {
	Key RunKey
	EventPack
}

// EventPage is the answer to ReadEvents, read at one moment.
type EventPage struct {
	Run   Run
	Packs []EventPack // ascending, without gaps between them
	More  bool        // packs follow that the limit cut off
}

// WatchRef names a run (RunID set) or a conversation to look at.
type WatchRef struct {
	Tenant         string
	ConversationID uuid.UUID
	RunID          uuid.UUID
}

// Mark is the present state of what a WatchRef names; a reader compares it with
// what it saw last.
type Mark struct {
	Ref     WatchRef
	Missing bool // purged, or never there

	// Of a run.
	Status        RunStatus
	Fence         int64
	EventSeq      int64
	StopRequested bool
	Nudges        int // nudges that wait to be taken

	// Of a conversation.
	Version   int64
	UpdatedAt time.Time
}

// Hint tells other engines where to look. It carries no truth: every hint may
// be lost, late, doubled or wrong, and everything works without any.
type Hint struct {
	Kind           HintKind
	Tenant         string
	ConversationID uuid.UUID
	RunID          uuid.UUID
}

// HintKind says what may have happened.
type HintKind uint8

// The kinds.
const (
	HintWork         HintKind = iota + 1 // a run may be claimed
	HintRun                              // a run has new events or a new status
	HintControl                          // a run has a stop request or a nudge
	HintConversation                     // a conversation changed
)

// Sweep is the argument of Store.Sweep.
type Sweep struct {
	Limit int // of runs expired, of runs promoted, and of packs deleted

	// QueueResult is the result of runs whose time in the queue is over; they end timed_out.
	QueueResult []byte

	// EventRetention is how long stored events outlive their run; 0 keeps them.
	EventRetention time.Duration
}

// SweepResult says what a Sweep did.
type SweepResult struct {
	Expired  []RunRef // queued runs that ended timed_out
	Promoted []RunRef // queued runs that may now be claimed
	Events   int64    // events deleted
}
