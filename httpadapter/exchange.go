package httpadapter

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/conversation"
)

// exchange is one request and its answer.
type exchange struct {
	h      *Handler
	w      recorder
	r      *http.Request
	route  *route // nil outside the table
	caller conversation.Caller
	logID  string
	began  time.Time

	// expectedByHeader: the expected version came as If-Match, so that a
	// conflict is 412 and not 409.
	expectedByHeader bool
}

// recorder notes what was answered. It hides nothing: http.ResponseController
// reaches the writer below it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// originalKey is the context key of the request as it reached the Handler.
type originalKey struct{}

func withOriginal(ctx context.Context, r *http.Request) context.Context {
	return context.WithValue(ctx, originalKey{}, r)
}

// original is the request as the host's router gave it, with its path values;
// routing inside the Handler replaces those.
func (x *exchange) original() *http.Request {
	if r, ok := x.r.Context().Value(originalKey{}).(*http.Request); ok {
		return r
	}
	return x.r
}

// json answers with a value.
func (x *exchange) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	x.bytes(status, body)
	return nil
}

// encoded answers with what an encoder has written.
func (x *exchange) encoded(status int, e *encoder) error {
	if e.err != nil {
		return fmt.Errorf("encode answer: %w", e.err)
	}
	x.bytes(status, e.b)
	e.free()
	return nil
}

// bytes answers with encoded JSON.
func (x *exchange) bytes(status int, body []byte) {
	header := x.w.Header()
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	// A client that has left is no error of this side.
	_, _ = x.w.Write(body)
}

// location names a resource by its path under wherever the Handler is mounted.
func (x *exchange) location(resource string) {
	x.w.Header().Set("Location", x.prefix()+resource)
}

// prefix is where the host mounted the Handler: what the request's own path has
// before the path that was routed.
func (x *exchange) prefix() string {
	full, _, _ := strings.Cut(x.r.RequestURI, "?")
	if prefix, ok := strings.CutSuffix(full, x.r.URL.EscapedPath()); ok && strings.HasPrefix(full, "/") {
		return prefix
	}
	return ""
}

// resource is the path of a conversation, below its agent where the request's is.
func (x *exchange) resource(id uuid.UUID) string {
	path := "/conversations/" + id.String()
	if agent := x.r.PathValue(pathAgent); agent != "" {
		path = "/agents/" + escapeSegment(agent) + path
	}
	return path
}

// parseID reads an id in its one canonical form. Anything else names nothing.
func parseID(s string) (uuid.UUID, error) {
	if len(s) != 36 {
		return uuid.Nil, conversation.ErrNotFound
	}
	id, err := uuid.Parse(s)
	if err != nil || id == uuid.Nil {
		return uuid.Nil, conversation.ErrNotFound
	}
	return id, nil
}

// conversationID is the conversation the path names. Below an agent it must be
// that agent's, or it is not there.
func (x *exchange) conversationID(view conversation.View) (uuid.UUID, error) {
	id, err := parseID(x.r.PathValue(pathConversation))
	if err != nil {
		return uuid.Nil, err
	}
	agent := x.r.PathValue(pathAgent)
	if agent == "" {
		return id, nil
	}
	reader := x.caller
	reader.Permissions |= conversation.PermRead // to decide, not to show
	c, err := x.h.engine.Get(x.r.Context(), reader, id, view)
	if err != nil {
		return uuid.Nil, err
	}
	if c.Agent == nil || c.Agent.ID != agent {
		return uuid.Nil, conversation.ErrNotFound
	}
	return id, nil
}

// runID is the run the path names.
func (x *exchange) runID() (uuid.UUID, error) { return parseID(x.r.PathValue(pathRun)) }

func (x *exchange) pattern() string {
	if x.route == nil {
		return ""
	}
	return x.route.path
}

// logAccess writes the access line.
func (x *exchange) logAccess(ctx context.Context) {
	log := x.h.opts.AccessLog
	if log == nil {
		return
	}
	log.LogAttrs(ctx, slog.LevelInfo, "request",
		slog.String("method", x.r.Method), slog.String("route", x.pattern()), slog.Int("status", x.w.status),
		slog.Int64("bytes", x.w.bytes), slog.Duration("duration", time.Since(x.began)),
		slog.String("tenant", x.caller.Tenant), slog.String("user", x.caller.User), slog.String("log_id", x.logID))
}
