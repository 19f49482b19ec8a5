package store

import (
	"time"

	"github.com/google/uuid"
)

// RunStatus is the state of a run (rule R1).
type RunStatus string

// The states. The last five are terminal, and terminal is final.
const (
	RunPending        RunStatus = "pending"
	RunRunning        RunStatus = "running"
	RunCompleted      RunStatus = "completed"
	RunRequiresAction RunStatus = "requires_action"
	RunFailed         RunStatus = "failed"
	RunStopped        RunStatus = "stopped"
	RunTimedOut       RunStatus = "timed_out"
)

// Terminal reports whether nothing can follow the state.
func (s RunStatus) Terminal() bool { return s != RunPending && s != RunRunning && s != "" }

// Run is the row of a run. A run is in one of four situations:
//
//	queued   RunPending, Queued: waits for the conversation to be free; holds no fencing number
//	pending  RunPending, not Queued: holds the conversation, may be claimed
//	running  RunRunning: an owner holds it until LeaseUntil
//	ended    a terminal status
type Run struct {
	Tenant         string
	ConversationID uuid.UUID
	ID             uuid.UUID

	Status RunStatus
	Queued bool
	Front  bool // queued before all that are not (BusyInterrupt)

	UserID      string // who started it
	Key         string // idempotency key; "" for none
	Fingerprint string // of the payload, compared when the key is seen again

	BaseVersion int64 // head it started from; while queued the head when it was queued
	Version     int64 // head after it appended; 0 when it appended nothing (yet)

	Spec   []byte // opaque: what is to be done
	Result []byte // opaque: how it ended; nil before

	Fence         int64  // number of the present or last attempt; 0 while queued
	Attempt       int    // claims so far
	Owner         string // engine that holds it; "" unless running
	StopRequested bool
	EventSeq      int64 // number of the last stored event; of the terminal event once ended

	// Timeout is the time a run may take from its first claim on.
	Timeout time.Duration

	CreatedAt   time.Time
	StartedAt   time.Time // first claim; zero before
	CompletedAt time.Time // zero before the end
	LeaseUntil  time.Time // by the store's clock; zero unless running
	Deadline    time.Time // StartedAt + Timeout; zero before the first claim
	QueueUntil  time.Time // zero unless queued with a bound
}

// RunKey returns the key of the present attempt.
func (r *Run) RunKey() RunKey {
	return RunKey{Tenant: r.Tenant, ConversationID: r.ConversationID, RunID: r.ID, Fence: r.Fence}
}

// Ref returns the run's name.
func (r *Run) Ref() RunRef { return r.RunKey().Ref() }

// Busy says what a start does while another run is active (rule R4).
type Busy string

// The policies.
const (
	// BusyReject refuses with *RunActiveError.
	BusyReject Busy = "reject"
	// BusyRace starts beside the others; the version decides at the end.
	BusyRace Busy = "race"
	// BusyEnqueue waits in the queue, first come first served.
	BusyEnqueue Busy = "enqueue"
	// BusyInterrupt asks every active run to stop and waits at the front of the
	// queue, behind earlier interrupts.
	BusyInterrupt Busy = "interrupt"
)

// Lease is a claim on a run for a while.
type Lease struct {
	Owner    string        // the engine, unique per process
	Duration time.Duration // from the store's present moment on
}

// StartRun is the argument of Store.StartRun.
type StartRun struct {
	Scope          Scope
	ConversationID uuid.UUID

	ID          uuid.UUID
	Key         string
	Fingerprint string
	Spec        []byte
	Timeout     time.Duration // above 0

	// Expected is the head the caller saw; nil is the head at this moment.
	Expected *int64

	Busy         Busy
	MaxQueued    int           // bound on queued runs of the conversation, front ones not counted
	QueueTimeout time.Duration // how long it may wait in the queue; 0 is for ever

	// Settles says that the run deals with the calls that wait for outputs: it
	// answers them, or abandons them. Without it, a start that would not be queued
	// is ErrToolOutputsPending while calls wait, and a queued run waits until none does.
	Settles bool

	// Lease, unless nil, starts the run at once in the hands of this owner when it does not have
	// to be queued. Nil leaves it pending, for any engine to claim.
	Lease *Lease
}

// StartResult is the answer to a StartRun.
type StartResult struct {
	Run      Run
	Replayed bool     // the run was started by an earlier call with this key or id
	Stopping []RunRef // runs asked to stop by BusyInterrupt

	// Conversation is the row as the start leaves it, so that whoever launches
	// the run need not read it. What never changes may be missing: AgentName,
	// Agent, Defaults, Metadata, ParentID, ParentVersion. The directory is given
	// only where it has more than the owner. A replay need not give any of it.
	Conversation Conversation
}

// FinishRun is the argument of Store.FinishRun.
type FinishRun struct {
	Key    RunKey
	Status RunStatus // terminal
	Result []byte

	// Tail is what the run adds to the log. With no messages the log, and with
	// it the pending calls and the preview, stay as they are, whatever the head is.
	Tail

	// Events are the events not stored yet, without the terminal one, which has
	// no row: its number is that of the last stored event plus one.
	Events *EventPack
}

// FinishResult is the answer to a FinishRun.
type FinishResult struct {
	Run         Run
	Messages    []Message // as stored, with numbers and times
	Title       string    // of the conversation, after the transition
	TitleCustom bool
	Promoted    *RunRef // the queued run that may now be claimed
	Replayed    bool    // this attempt had finished the run before
}

// RunQuery selects runs of one conversation, newest first: by CreatedAt, then id.
type RunQuery struct {
	After  *RunCursor // only runs behind it in that order
	Limit  int        // at least 1
	Key    string     // only the run with this idempotency key
	Active bool       // only runs that are not terminal
}

// RunCursor is the place of a run in the order of RunQuery.
type RunCursor struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// StopRun is the argument of Store.RequestStop.
type StopRun struct {
	Scope  Scope
	RunID  uuid.UUID
	Result []byte // the run's result if it ends here and now
}

// StopResult is the answer to RequestStop.
type StopResult struct {
	Run      Run
	Stopped  bool    // whether there was anything to stop: false once the run is terminal
	Promoted *RunRef // the queued run that may now be claimed
}

// Claim is the argument of Store.Claim.
type Claim struct {
	Lease Lease
	Limit int // at least 1
}

// Claimed is a run taken over by a Claim, and its conversation at that moment.
type Claimed struct {
	Run          Run
	Conversation Conversation // Participants may be missing
}

// Renewal is the answer to Renew for one attempt.
type Renewal struct {
	Key           RunKey
	Held          bool // false: the attempt is fenced
	StopRequested bool
	Nudges        int // nudges that wait to be taken
}

// NudgeState is the state of a nudge. Waiting and taken ones end applied or
// returned together with their run.
type NudgeState string

// The states of a nudge.
const (
	NudgeWaiting  NudgeState = "waiting"  // accepted, not seen by the run yet
	NudgeTaken    NudgeState = "taken"    // handed to the run
	NudgeApplied  NudgeState = "applied"  // part of the log
	NudgeReturned NudgeState = "returned" // the run ended without it
)

// Nudge is text handed to a run in flight.
type Nudge struct {
	ID        uuid.UUID
	RunID     uuid.UUID
	UserID    string
	Text      string
	State     NudgeState
	CreatedAt time.Time
}
