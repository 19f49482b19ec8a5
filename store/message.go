package store

import (
	"time"

	"github.com/google/uuid"
)

// Message is one row of the log. It never changes once written.
type Message struct {
	ID         uuid.UUID
	Seq        int64 // from 1, without gaps, given by the store
	Role       string
	RunID      uuid.UUID // uuid.Nil when no run wrote it
	Incomplete bool
	Author     []byte    // opaque; nil for none
	Parts      []byte    // opaque, kept byte for byte
	CreatedAt  time.Time // given by the store; equal for messages of one transition
}

// MessageQuery selects a page of the log by sequence number.
type MessageQuery struct {
	After  int64 // only numbers above it; 0 is the beginning
	Before int64 // only numbers below it; 0 is no bound
	Limit  int   // at least 1
	Desc   bool  // newest first
}

// MessagePage is a page of the log and the head it was read at. Both come from
// one moment: no message above Version is in it, none up to it is missing.
type MessagePage struct {
	Version  int64
	Messages []Message
}

// Tail describes what a transition that appends leaves behind it.
type Tail struct {
	Messages     []Message     // Seq and CreatedAt are ignored; ids are set
	Pending      []byte        // replaces Conversation.Pending; nil when no call waits
	Preview      string        // replaces Conversation.Preview unless ""
	Participants []Participant // merged into the directory
}

// Append is the argument of Store.Append.
type Append struct {
	Scope          Scope
	ConversationID uuid.UUID

	// Expected is the head the writer saw; nil is the head at this moment.
	Expected *int64

	// Race lets the append in while a run is active, whose own end will then
	// find another head and fail. Otherwise that is *RunActiveError.
	Race bool

	// Settles says that the writer has dealt with the calls that wait for
	// outputs at Expected (which is then set). Without it, an append while calls
	// wait is ErrToolOutputsPending.
	Settles bool

	Tail
}

// AppendResult is the answer to an Append.
type AppendResult struct {
	Version  int64     // of the last message of this append
	Messages []Message // as stored, with numbers and times
	Replayed bool      // the very same messages were there already
	Promoted *RunRef   // the queued run that may now be claimed
}
