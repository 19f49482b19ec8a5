package httpadapter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// Errors of this side of the engine.
var (
	// ErrUnauthenticated is what an Authenticate may return for a request that
	// does not say who asks; every other error of it means the same.
	ErrUnauthenticated = errors.New("unauthenticated")

	errCrossOrigin = errors.New("cross-origin request from a browser")
	errMethod      = errors.New("method not allowed")
	errMediaType   = errors.New("unsupported media type")
	errTooLarge    = errors.New("body too large")
	errSlowBody    = errors.New("body came too slowly")
	errManyStreams = errors.New("too many open streams")
	errNoFlush     = errors.New("the ResponseWriter cannot flush: a middleware hides http.Flusher and has no Unwrap")
	errPanicked    = errors.New("handler panicked")
)

// answer is how a kind of error is told.
type answer struct {
	status     int
	code       string
	title      string
	detail     string
	retryAfter string // seconds; "" for none
}

// answers is the one table of errors. The first entry that errors.Is finds
// counts: ErrOutcomeUnknown may wrap ErrUnavailable.
var answers = []struct {
	err error
	answer
}{
	{conversation.ErrNotFound, answer{404, "not_found", "Not found",
		"There is no such thing here, or not for you.", ""}},
	{conversation.ErrInvalid, answer{400, "invalid_request", "Invalid request",
		"The request is at fault where errors says so; nothing was done.", ""}},
	{conversation.ErrBadCursor, answer{400, "invalid_request", "Invalid request",
		"The cursor is garbled, or of something else.", ""}},
	{conversation.ErrNoAssistantTurn, answer{400, "no_assistant_turn", "No assistant turn",
		"Tool outputs answer calls of the assistant, and it has not spoken yet.", ""}},
	{conversation.ErrUnknownToolCall, answer{400, "unknown_tool_call", "Unknown tool call",
		"The latest turn of the assistant has no such tool call.", ""}},
	{conversation.ErrNotClientTool, answer{400, "not_a_client_tool", "Not a client tool",
		"The tool call is answered by its server, not by the client.", ""}},
	{errIncompleteOutputs, answer{400, "incomplete_tool_outputs", "Incomplete tool outputs",
		"There must be one output for each pending tool call, no more and no fewer.", ""}},
	{ErrUnauthenticated, answer{401, "unauthenticated", "Unauthenticated",
		"The request does not say who asks, in a way that is accepted here.", ""}},
	{conversation.ErrForbidden, answer{403, "forbidden", "Forbidden",
		"The caller lacks the permission for this operation.", ""}},
	{errCrossOrigin, answer{403, "forbidden", "Forbidden",
		"The request came from a page of another origin.", ""}},
	{conversation.ErrReadOnly, answer{403, "read_only", "Read-only",
		"The conversation takes no turns from here; it goes on in its own channel.", ""}},
	{errMethod, answer{405, "method_not_allowed", "Method not allowed",
		"The resource does not have this method; Allow names those it has.", ""}},
	{errSlowBody, answer{408, "request_timeout", "Request timeout",
		"The body did not arrive in time.", ""}},
	{conversation.ErrVersionConflict, answer{409, "version_conflict", "Version conflict",
		"The conversation has gone on since the version that was expected.", ""}},
	{conversation.ErrRunActive, answer{409, "run_active", "A run is active",
		"Another run holds the conversation; on_busy says what else may be done.", ""}},
	{conversation.ErrToolOutputsPending, answer{409, "tool_outputs_pending", "Tool outputs are pending",
		"Tool calls wait for their outputs: send them, or abandon_pending with the message.", ""}},
	{conversation.ErrDeleted, answer{409, "deleted", "Deleted",
		"The conversation is deleted; restore it first.", ""}},
	{errTooLarge, answer{413, "too_large", "Too large",
		"The body is larger than is taken here.", ""}},
	{errMediaType, answer{415, "unsupported_media_type", "Unsupported media type",
		"The body must be application/json in UTF-8, without a content encoding.", ""}},
	{conversation.ErrIdempotencyMismatch, answer{422, "idempotency_mismatch", "Idempotency mismatch",
		"The key was used before, with another payload.", ""}},
	{conversation.ErrOverloaded, answer{429, "overloaded", "Overloaded",
		"A bound on work in flight or queued is reached.", "1"}},
	{errManyStreams, answer{429, "overloaded", "Overloaded",
		"A bound on open streams is reached; close one, or come back.", "5"}},
	{conversation.ErrOutcomeUnknown, answer{503, "outcome_unknown", "Outcome unknown",
		"The answer was lost: repeat the same request with the same key to get it.", "0"}},
	{conversation.ErrUnavailable, answer{503, "unavailable", "Unavailable",
		"The service cannot be reached or is shutting down; nothing was done.", "1"}},
	{conversation.ErrNotRunning, answer{503, "unavailable", "Unavailable",
		"The service cannot be reached or is shutting down; nothing was done.", "1"}},
}

// internal is the answer to whatever is not in the table.
var internal = answer{500, "internal", "Internal error", "", ""}

// errIncompleteOutputs is matched by *conversation.ToolOutputsError, which has
// no sentinel of its own.
var errIncompleteOutputs = errors.New("incomplete tool outputs")

// problem is the body of an error: RFC 9457 and what a client can act on.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`

	Errors     []fieldProblem `json:"errors,omitempty"`
	Expected   *int64         `json:"expected,omitempty"`
	Current    *int64         `json:"current,omitempty"`
	RunID      *uuid.UUID     `json:"run_id,omitempty"`
	ToolCallID string         `json:"tool_call_id,omitempty"`
	Missing    []string       `json:"missing,omitzero"`
	Unexpected []string       `json:"unexpected,omitzero"`
	LogID      string         `json:"log_id,omitempty"`
}

type fieldProblem struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// typePrefix makes the type of a problem from its code.
const typePrefix = "urn:parley:problem:"

// lookUp finds the answer to an error.
func lookUp(err error) (answer, bool) {
	var outputs *conversation.ToolOutputsError
	if errors.As(err, &outputs) {
		err = errIncompleteOutputs
	}
	for i := range answers {
		if errors.Is(err, answers[i].err) {
			return answers[i].answer, true
		}
	}
	return internal, false
}

// problemOf turns an error into a body. Nothing of an error's text gets into
// it, but for the reasons that fields are at fault.
func (x *exchange) problemOf(err error) (*problem, answer) {
	a, known := lookUp(err)
	var conflict *conversation.VersionConflictError
	if errors.As(err, &conflict) && x.expectedByHeader {
		a.status = http.StatusPreconditionFailed
	}
	p := &problem{Type: typePrefix + a.code, Title: a.title, Status: a.status, Detail: a.detail, Code: a.code}
	var fields conversation.FieldErrors
	var active *conversation.RunActiveError
	var call *conversation.ToolCallError
	var outputs *conversation.ToolOutputsError
	switch {
	case !known:
		p.LogID = x.logID
	case conflict != nil:
		p.Expected, p.Current = &conflict.Expected, &conflict.Current
	case errors.As(err, &fields):
		for _, f := range fields {
			p.Errors = append(p.Errors, fieldProblem{f.Path, f.Reason})
		}
	case errors.As(err, &active):
		p.RunID = &active.RunID
	case errors.As(err, &call):
		p.ToolCallID = call.ToolCallID
	case errors.As(err, &outputs):
		p.Missing, p.Unexpected = append([]string{}, outputs.Missing...), append([]string{}, outputs.Unexpected...)
	}
	return p, a
}

// fail answers with a problem.
func (x *exchange) fail(err error) {
	if x.w.status != 0 {
		// The answer had begun: what is missing of it must not look like its end.
		x.h.opts.Logger.Error("answer broken off", "log_id", x.logID, "route", x.pattern(), "error", err)
		panic(http.ErrAbortHandler)
	}
	_, known := lookUp(err)
	over := !known && (x.r.Context().Err() != nil || errors.Is(err, context.DeadlineExceeded))
	if over {
		err = x.expired()
	}
	p, a := x.problemOf(err)
	if a.status >= http.StatusInternalServerError && !over && !errors.Is(err, errPanicked) {
		x.h.opts.Logger.Error("request failed", "log_id", x.logID, "route", x.pattern(), "status", a.status, "error", err)
	}
	body, err := json.Marshal(p)
	if err != nil { // plain strings and numbers: cannot happen
		panic(http.ErrAbortHandler)
	}
	header := x.w.Header()
	for _, name := range []string{"Location", "ETag", "Idempotent-Replay"} {
		header.Del(name)
	}
	header.Set("Content-Type", "application/problem+json")
	if a.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	x.bytes(a.status, body)
}

// expired says what is left when the time of a request was over, or its client
// gone: after a write nobody knows, and the key of the request brings it to
// light.
func (x *exchange) expired() error {
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead {
		return conversation.ErrUnavailable
	}
	return conversation.ErrOutcomeUnknown
}

// authError keeps what Authenticate may decide beyond "not known".
func authError(err error) error {
	for _, passed := range []error{conversation.ErrForbidden, conversation.ErrOverloaded, conversation.ErrUnavailable} {
		if errors.Is(err, passed) {
			return passed
		}
	}
	return ErrUnauthenticated
}

// fault is a single field at fault.
func fault(path, reason string) error {
	return conversation.FieldErrors{{Path: path, Reason: reason}}
}
