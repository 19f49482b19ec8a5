package store

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Sentinels. A store returns these, wrapped or typed as described, and never
// lets an error of its driver stand in for one of them (rule V5).
var (
	// ErrNotFound: there is no such thing in this scope. Absent, in another
	// tenant and of another user are this one answer.
	ErrNotFound = errors.New("not found")

	// ErrExists: the id is taken by something that this call did not write.
	ErrExists = errors.New("already exists")

	// ErrVersionConflict: the expected version is not the head. Always returned
	// as *VersionConflictError.
	ErrVersionConflict = errors.New("version conflict")

	// ErrRunActive: another run holds the conversation. Always returned as
	// *RunActiveError.
	ErrRunActive = errors.New("a run is active")

	// ErrIdempotencyMismatch: the idempotency key was used with another payload.
	ErrIdempotencyMismatch = errors.New("idempotency key reused with another payload")

	// ErrDeleted: the conversation is deleted and takes no writes.
	ErrDeleted = errors.New("conversation is deleted")

	// ErrToolOutputsPending: tool calls of the last turn wait for their outputs.
	ErrToolOutputsPending = errors.New("tool outputs are pending")

	// ErrQueueFull: the conversation's queue has reached its bound.
	ErrQueueFull = errors.New("queue is full")

	// ErrFenced: the attempt is over: it was finished, stopped, replaced by a
	// later attempt, or its conversation was deleted or purged. Nothing was
	// written and nothing will be.
	ErrFenced = errors.New("run attempt is fenced")

	// ErrOutcomeUnknown: the answer to a write was lost; it may have been
	// applied. Repeating the same call gives the one true answer (rule V7).
	ErrOutcomeUnknown = errors.New("outcome unknown")

	// ErrUnavailable: the storage could not be reached or has no room. The
	// operation was not applied.
	ErrUnavailable = errors.New("storage unavailable")
)

// VersionConflictError is the loser's answer to a compare-and-swap on the
// version. errors.Is(err, ErrVersionConflict) holds.
type VersionConflictError struct {
	Expected int64 // what the writer expected; the head, if it expected none
	Current  int64 // the head when it was refused
}

func (e *VersionConflictError) Error() string {
	return fmt.Sprintf("version conflict: expected %d, current %d", e.Expected, e.Current)
}

// Is reports whether target is ErrVersionConflict.
func (e *VersionConflictError) Is(target error) bool { return target == ErrVersionConflict }

// RunActiveError names the run that holds the conversation.
// errors.Is(err, ErrRunActive) holds.
type RunActiveError struct {
	RunID uuid.UUID
}

func (e *RunActiveError) Error() string { return "run " + e.RunID.String() + " is active" }

// Is reports whether target is ErrRunActive.
func (e *RunActiveError) Is(target error) bool { return target == ErrRunActive }

// SafeToRepeat reports whether the failed call may be repeated blindly, with
// the same arguments: because nothing was applied (ErrUnavailable), or because
// repeating is how an unknown outcome is resolved (ErrOutcomeUnknown). Every
// other error is an answer, and repeating will not change it.
func SafeToRepeat(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown)
}
