package store

import (
	"context"

	"github.com/google/uuid"
)

//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -package=storemock -destination=storemock/storemock.go . Store

// Store keeps conversations, their logs, runs and events. Its methods are whole
// transitions, because only a store can make them atomic. The package
// documentation has the rules that hold for all of them; what is said at a
// method is added to those.
type Store interface {
	// CreateConversation writes a new conversation with Version 0, or with the
	// copied log of a fork and Version ParentVersion, and its directory, all or
	// nothing. Repeating the call with the same id, tenant and owner returns the
	// stored row; an id taken by anything else is ErrExists.
	CreateConversation(ctx context.Context, c *NewConversation) (*Conversation, error)

	// GetConversation returns the row, deleted ones too, with its directory.
	GetConversation(ctx context.Context, scope Scope, id uuid.UUID) (*Conversation, error)

	// ListConversations returns those the scope shows and the query matches, in
	// its order. An entry that existed during a whole walk by key and did not
	// change its place is seen exactly once, whatever is inserted meanwhile. The
	// directory is given only where it has more than the owner.
	ListConversations(ctx context.Context, scope Scope, q *ListQuery) (*ListPage, error)

	// UpdateConversation changes what the update names, all or nothing, and
	// returns the row. A deleted conversation is ErrDeleted. An update that
	// leaves everything as it was leaves UpdatedAt too.
	UpdateConversation(ctx context.Context, scope Scope, id uuid.UUID, u *ConversationUpdate) (*Conversation, error)

	// DeleteConversation sets the deletion time, ends every run that is not
	// terminal with RunStopped and the given result, and voids their fencing
	// numbers, in one step. Deleting a deleted one changes nothing and returns it.
	// It returns the runs it ended.
	DeleteConversation(ctx context.Context, scope Scope, id uuid.UUID, result []byte) (*Conversation, []RunRef, error)

	// RestoreConversation clears the deletion time. One that is not deleted is
	// returned as it is. Ended runs stay ended.
	RestoreConversation(ctx context.Context, scope Scope, id uuid.UUID) (*Conversation, error)

	// Purge erases the target and everything that belongs to it, deleted
	// conversations included, and counts it. With Owner it also erases that user
	// from the directories of the tenant's other conversations. Nothing to erase
	// is a count of zero. Afterwards every write of a run of it is ErrFenced.
	Purge(ctx context.Context, target PurgeTarget) (PurgeCounts, error)

	// Messages returns a page of the log. The work does not grow with the part
	// of the log outside the page.
	Messages(ctx context.Context, scope Scope, id uuid.UUID, q *MessageQuery) (*MessagePage, error)

	// Append adds messages at the head, all or none, numbered from Version+1.
	//
	// Checked in this order: scope; deleted; replay; version; active runs; pending calls.
	// Replay: all ids of the append are in the log already, one after
	// the other, and beginning at Expected+1 when Expected is set: the answer is
	// what the first call answered. Only some of them there, or elsewhere, is
	// *VersionConflictError.
	//
	// Appending when no run is active promotes (see the package documentation).
	Append(ctx context.Context, a *Append) (*AppendResult, error)

	// StartRun starts, queues or replays a run; one commit.
	//
	// Checked in this order: scope; deleted; replay by ID or Key (the same Key
	// with another Fingerprint is ErrIdempotencyMismatch); version; busy;
	// pending calls. Of several starts with one key exactly one is not Replayed.
	//
	// Unless queued the run gets the next fencing number of the conversation,
	// and BaseVersion the head. With a Lease it is RunRunning, Attempt 1, else
	// RunPending. Enqueue and Interrupt on a free conversation start at once,
	// though others may be queued (they wait for outputs to be settled).
	StartRun(ctx context.Context, s *StartRun) (*StartResult, error)

	// FinishRun ends an attempt and, with messages, appends them; one commit.
	//
	// Checked in this order: replay (this attempt has ended the run before: the
	// stored answer); the fencing number, on the run and on the conversation:
	// ErrFenced; with messages: BaseVersion must be the head, else
	// *VersionConflictError and nothing is written, the attempt still held.
	//
	// Events are kept only if their First continues the stored ones. Nudges taken
	// by the run end applied if messages were appended, returned if not; waiting ones end
	// returned. It promotes.
	FinishRun(ctx context.Context, f *FinishRun) (*FinishResult, error)

	// GetRun returns a run of a conversation that the scope shows.
	GetRun(ctx context.Context, scope Scope, id uuid.UUID) (*Run, error)

	// ListRuns returns runs of one conversation, newest first.
	ListRuns(ctx context.Context, scope Scope, conversation uuid.UUID, q *RunQuery) ([]Run, error)

	// RequestStop stops a run: a queued or pending one ends RunStopped with the
	// given result here and now, and that promotes; a running one gets
	// StopRequested and is ended by its owner, or by whoever claims it next. A
	// terminal one is returned with Stopped false. The scope's user must be a
	// member.
	RequestStop(ctx context.Context, s *StopRun) (*StopResult, error)

	// Claim takes over up to Limit runs that are pending and not queued, or
	// running with a lease that is over by the store's clock, oldest first, in
	// any tenant. Each gets a new fencing number, which voids the one before,
	// Attempt+1, and the lease. Of concurrent claims each run goes to one. Nudges
	// taken by an earlier attempt wait again.
	Claim(ctx context.Context, c *Claim) ([]Claimed, error)

	// Renew extends the lease of attempts that are still held, even if it is
	// over, and answers for each key in the order given; one commit for all.
	Renew(ctx context.Context, lease Lease, keys []RunKey) ([]Renewal, error)

	// Release gives attempts back: their runs are pending and their fencing
	// numbers void. Keys that are not held are passed over.
	Release(ctx context.Context, keys []RunKey) error

	// AddNudge stores a nudge for a run. If the run is not running it is not
	// stored and comes back with NudgeReturned. Repeating it with the same id
	// returns the stored one. The scope's user must be a member.
	AddNudge(ctx context.Context, scope Scope, n *Nudge) (*Nudge, error)

	// TakeNudges hands the waiting nudges of the run to its attempt, oldest
	// first, each to one call only. A fenced attempt is ErrFenced.
	TakeNudges(ctx context.Context, key RunKey) ([]Nudge, error)

	// Nudges returns the run's nudges, oldest first.
	Nudges(ctx context.Context, scope Scope, run uuid.UUID) ([]Nudge, error)

	// AppendEvents stores packs for several runs in one commit that need not be
	// durable: a crash of the storage may lose the newest, of the end only. It answers
	// for each pack: nil; ErrFenced; or, when First is not the run's
	// EventSeq+1, nil if Last is not above EventSeq (it is stored already) and
	// ErrVersionConflict otherwise. The second result is an error of the call.
	AppendEvents(ctx context.Context, packs []EventAppend) ([]error, error)

	// ReadEvents returns the run and those of its packs whose Last is above
	// after, ascending, at most limit of them.
	ReadEvents(ctx context.Context, scope Scope, run uuid.UUID, after int64, limit int) (*EventPage, error)

	// Marks reports on each ref in the order given; one read for all. It has no
	// scope: whoever asks has looked the things up before.
	Marks(ctx context.Context, refs []WatchRef) ([]Mark, error)

	// Sweep does the work that is nobody's: it ends queued runs whose QueueUntil
	// is over, promotes queued runs that a crash between transitions left
	// behind, and deletes events of runs that ended longer ago than the
	// retention. Any number of engines may sweep at once.
	Sweep(ctx context.Context, s *Sweep) (*SweepResult, error)

	// Notify spreads hints to every Listen on the same storage, also in other
	// processes, as well as it can. It never waits for a listener.
	Notify(ctx context.Context, hints []Hint) error

	// Listen calls fn with hints until ctx ends, one call at a time, and then
	// returns nil. A store without such means returns nil at once. After trouble
	// on the way it goes on by itself; what was said meanwhile is lost.
	Listen(ctx context.Context, fn func(Hint)) error

	// Check reports whether the storage can be used: nil, or an error that says
	// in a sentence what to do.
	Check(ctx context.Context) error
}
