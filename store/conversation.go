package store

import (
	"time"

	"github.com/google/uuid"
)

// Conversation is the row of a conversation. Byte slices are JSON the store
// keeps byte for byte and never reads; rows returned by a store are shared and
// must not be changed by whoever receives them.
type Conversation struct {
	Tenant string
	ID     uuid.UUID
	Owner  string // the user who created it

	AgentID   string // "" when bound to none
	AgentName string // display name, kept for the text filter
	Agent     []byte // opaque summary; nil when there is none

	Title       string // "" stands for no title
	TitleCustom bool   // set by a participant, so never derived over
	Mode        string // "standard" or "fast"
	Channel     string // never empty
	Surface     string // never empty
	Preview     string // short text of the newest message that has text

	Defaults []byte // opaque
	Metadata []byte // opaque

	ParentID      uuid.UUID // uuid.Nil unless forked
	ParentVersion int64     // the version it was forked at

	Version int64  // sequence number of the newest message; 0 for none
	Pending []byte // opaque: tool calls that wait for outputs; nil when none wait

	LastRunID     uuid.UUID // the run that most recently became active; uuid.Nil before any
	LastRunStatus RunStatus // status of that run
	Active        int       // runs that hold a fencing number now
	Queued        int       // runs that wait in the queue

	// Participants is the directory: members (the owner first), authors and
	// mentioned people, in the order they came. The owner is always in it.
	Participants []Participant

	CreatedAt  time.Time
	UpdatedAt  time.Time // strictly grows with every change of this row or of its runs' states
	ActivityAt time.Time // creation, a run getting its first fencing number, or messages landing: the latest
	DeletedAt  time.Time // zero unless deleted
}

// Participant is one entry of a conversation's directory. Storing one whose
// UserID is known merges: flags are or-ed, a name or picture that is not empty
// replaces the old.
type Participant struct {
	UserID    string
	Name      string
	AvatarURL string
	Member    bool // may see and use the conversation
	Author    bool // wrote at least one message
}

// NewConversation is the argument of CreateConversation.
type NewConversation struct {
	// Conversation gives Tenant, ID, Owner, the Agent fields, Title,
	// TitleCustom, Mode, Channel, Surface, Preview, Defaults, Metadata,
	// ParentID, ParentVersion, Pending and Participants. A store sets the rest.
	Conversation

	// Copy, unless nil, fills the new log with the source's messages 1 to
	// ParentVersion of the conversation ParentID, seen through this scope: the
	// same sequence numbers, ids, run ids, bytes and times.
	// A source that the scope does not show is ErrNotFound, a ParentVersion
	// beyond its head is *VersionConflictError{Expected: ParentVersion}.
	Copy *Scope
}

// ConversationUpdate is the argument of UpdateConversation; fields left nil
// change nothing. None of them changes the version (rule V6).
type ConversationUpdate struct {
	Title        *TitleUpdate
	Mode         *string
	Participants []Participant // merged into the directory
}

// TitleUpdate sets or clears the title.
type TitleUpdate struct {
	// Title is the new title; "" clears it.
	Title string

	// Derived marks a title that nobody chose: it is stored only while the
	// conversation has no title, otherwise nothing changes and that is no error.
	Derived bool
}

// Sort is an order of ListConversations. Ties are broken by id, ascending in
// SortOldest and SortTitle, descending in SortRecent.
type Sort string

// The orders.
const (
	SortRecent Sort = "recent" // ActivityAt, newest first
	SortOldest Sort = "oldest" // ActivityAt, oldest first
	SortTitle  Sort = "title"  // Fold(Title) in byte order, then untitled ones
)

// ListQuery says which conversations, in which order, which part of them.
// Deleted conversations are never listed.
type ListQuery struct {
	Text    string   // substring of Fold(title), Fold(agent name) or Fold(preview) after Fold; "" is no filter
	Mode    string   // exactly this mode; "" is no filter
	AgentID string   // exactly this agent; "" is no filter
	Channel string   // exactly this channel; "" is no filter
	Exclude []string // channels left out

	Sort  Sort
	Limit int // at least 1

	// After continues behind the entry that the key names (keyset paging: it
	// stays right when rows are inserted before it). Nil starts at the front.
	After *ListKey

	// Offset skips entries, for numbered pages; 0 with After.
	Offset int

	// Count asks for the number of all matches.
	Count bool
}

// ListKey is the place of one conversation in an order.
type ListKey struct {
	ActivityAt time.Time // SortRecent, SortOldest
	Title      string    // SortTitle: Fold(Title); "" for an untitled one
	ID         uuid.UUID
}

// ListPage is the answer to a ListQuery.
type ListPage struct {
	Conversations []Conversation
	Next          *ListKey // nil when nothing follows
	Total         int64    // only when asked for
}

// PurgeTarget says what to erase: one conversation when ConversationID is set,
// else everything owned by Owner when that is set, else the whole tenant.
type PurgeTarget struct {
	Tenant         string
	ConversationID uuid.UUID
	Owner          string
}

// PurgeCounts counts what a purge erased.
type PurgeCounts struct {
	Conversations int64
	Messages      int64
	Runs          int64
	Events        int64 // events, not the packs they were stored in
	Files         int64
	Frames        int64
}
