package conversation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parley-go/parley/store"
)

// Errors of the storage seam that callers act on. They are the same values as
// in package store, so either spelling works with errors.Is.
var (
	// ErrNotFound: no such thing for this caller. Absent, of another tenant and
	// of another user are one answer (rule A2).
	ErrNotFound = store.ErrNotFound
	// ErrVersionConflict: see VersionConflictError.
	ErrVersionConflict = store.ErrVersionConflict
	// ErrRunActive: see RunActiveError.
	ErrRunActive = store.ErrRunActive
	// ErrIdempotencyMismatch: the key was used with another payload (rule R3).
	ErrIdempotencyMismatch = store.ErrIdempotencyMismatch
	// ErrDeleted: the conversation is deleted and takes no turn.
	ErrDeleted = store.ErrDeleted
	// ErrToolOutputsPending: calls of the last turn wait for their outputs.
	ErrToolOutputsPending = store.ErrToolOutputsPending
	// ErrOutcomeUnknown: the answer to a write was lost. Repeat the same call
	// with the same key, or the same message ids (rule V7).
	ErrOutcomeUnknown = store.ErrOutcomeUnknown
	// ErrUnavailable: the storage could not be reached; nothing was written.
	ErrUnavailable = store.ErrUnavailable
)

// Errors of the engine.
var (
	// ErrForbidden: the caller lacks the permission, decided before anything is
	// looked up (rule A3).
	ErrForbidden = errors.New("forbidden")
	// ErrReadOnly: the conversation takes no turns from this caller (rule L3).
	ErrReadOnly = errors.New("conversation is read-only here")
	// ErrOverloaded: a bound on work in flight or queued is reached (rule R10).
	ErrOverloaded = errors.New("overloaded")
	// ErrNotRunning: the engine was not started, or is shutting down.
	ErrNotRunning = errors.New("engine is not running")
	// ErrInvalid: an argument is at fault; see FieldErrors.
	ErrInvalid = errors.New("invalid request")
	// ErrNoAssistantTurn: tool outputs for a conversation in which no assistant
	// has spoken.
	ErrNoAssistantTurn = errors.New("no assistant turn to answer")
	// ErrUnknownToolCall: see ToolCallError.
	ErrUnknownToolCall = errors.New("unknown tool call")
	// ErrNotClientTool: see ToolCallError.
	ErrNotClientTool = errors.New("not a client tool call")
	// ErrBadCursor: a cursor that is garbled, or of something else.
	ErrBadCursor = errors.New("bad cursor")
)

// Causes of a turn's context, read with context.Cause.
var (
	// ErrStopped: somebody stopped the run.
	ErrStopped = errors.New("run was stopped")
	// ErrDeadline: the run's time is over.
	ErrDeadline = errors.New("run deadline exceeded")
	// ErrLeaseLost: the attempt no longer holds the run; whatever it still
	// writes is refused.
	ErrLeaseLost = errors.New("run lease was lost")
	// ErrShutdown: the engine hands its runs over.
	ErrShutdown = errors.New("engine is shutting down")
)

// Errors a Responder gets from its Turn.
var (
	// ErrTurnOver: the turn has ended; nothing more is taken.
	ErrTurnOver = errors.New("turn is over")
	// ErrUndeclaredTool: see UndeclaredToolError.
	ErrUndeclaredTool = errors.New("tool is not declared")
	// ErrIterationLimit: see IterationLimitError.
	ErrIterationLimit = errors.New("iteration limit reached")
)

// VersionConflictError carries both numbers of a lost compare-and-swap.
type VersionConflictError = store.VersionConflictError

// RunActiveError names the run that holds the conversation.
type RunActiveError = store.RunActiveError

// SafeToRepeat reports whether a failed call may be repeated blindly with the
// same arguments. See store.SafeToRepeat.
func SafeToRepeat(err error) bool { return store.SafeToRepeat(err) }

// FieldError says what is wrong with one field. Path is the field's place in
// the argument as a client spells it: "defaults.tools[2].name".
type FieldError struct {
	Path   string
	Reason string
}

func (e *FieldError) Error() string { return e.Path + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// FieldErrors is all that is wrong with an argument, in the order of its fields.
// Nothing was written. errors.Is(err, ErrInvalid) holds, and errors.As finds
// the first *FieldError.
type FieldErrors []*FieldError

func (e FieldErrors) Error() string {
	texts := make([]string, len(e))
	for i, f := range e {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives errors.Is and errors.As the single errors.
func (e FieldErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, f := range e {
		errs[i] = f
	}
	return errs
}

// ToolCallError names the tool call that a tool output does not fit. Reason is
// ErrUnknownToolCall or ErrNotClientTool, and errors.Is finds it.
type ToolCallError struct {
	ToolCallID string
	Reason     error
}

func (e *ToolCallError) Error() string { return e.Reason.Error() + ": " + e.ToolCallID }

// Unwrap returns the reason.
func (e *ToolCallError) Unwrap() error { return e.Reason }

// ToolOutputsError says how tool outputs miss being one for each pending call.
type ToolOutputsError struct {
	Missing    []string // pending calls without an output
	Unexpected []string // outputs for calls that have one, or that are not pending
}

func (e *ToolOutputsError) Error() string {
	return fmt.Sprintf("incomplete tool outputs: missing %q, unexpected %q", e.Missing, e.Unexpected)
}

// UndeclaredToolError names a tool that the run's settings do not have.
// errors.Is(err, ErrUndeclaredTool) holds.
type UndeclaredToolError struct {
	Name string
}

func (e *UndeclaredToolError) Error() string { return "tool " + e.Name + " is not declared" }

// Is reports whether target is ErrUndeclaredTool.
func (e *UndeclaredToolError) Is(target error) bool { return target == ErrUndeclaredTool }

// IterationLimitError says that a run asked for more model calls than its
// settings allow. errors.Is(err, ErrIterationLimit) holds.
type IterationLimitError struct {
	Limit int
}

func (e *IterationLimitError) Error() string {
	return fmt.Sprintf("the run used its %d iterations", e.Limit)
}

// Is reports whether target is ErrIterationLimit.
func (e *IterationLimitError) Is(target error) bool { return target == ErrIterationLimit }

// RunError is how a run failed: a stable word for machines and a sentence for
// people. A Responder that returns one (wrapped or not) speaks to the client
// with it; any other error of a Responder goes to the log only, and the client
// sees CodeResponder.
type RunError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *RunError) Error() string { return e.Code + ": " + e.Message }

// Codes of RunError that the engine gives.
const (
	CodeConcurrentAppend = "concurrent_append"    // another run landed first (rule V4)
	CodeResponder        = "responder_error"      // the Responder returned an error of its own
	CodePanic            = "responder_panic"      // the Responder panicked
	CodeTimeout          = "timeout"              // the deadline passed
	CodeQueueTimeout     = "queue_timeout"        // waited too long in the queue
	CodeStopped          = "stopped"              // somebody stopped it
	CodeDeleted          = "conversation_deleted" // its conversation was deleted
	CodeInterrupted      = "interrupted"          // its process died and it is not tried again
	CodeMaxIterations    = "max_iterations_exceeded"
	CodeUndeclaredTool   = "undeclared_tool"
	CodeSchema           = "schema_mismatch" // no structured answer that fits the output schema
	CodeTooLarge         = "too_large"       // the turn wrote more than a message may hold
	CodeInvalidOutput    = "invalid_output"  // the turn wrote something that cannot be stored
)
