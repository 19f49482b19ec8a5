package httpadapter

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-go/parley/conversation"
)

// Names of path values. A host that routes by itself sets them, the last only
// where the path names an agent.
const (
	pathConversation = "conversation_id"
	pathRun          = "run_id"
	pathAgent        = "agent_id"
)

// Operation names a route; it is also the operationId in the OpenAPI document.
type Operation string

// route is one line of the table: what is served, and what the OpenAPI document
// says of it.
type route struct {
	op     Operation
	method string
	path   string
	verb   conversation.Permission // decided before anything is looked up (rule A3)
	public bool                    // answered without asking who asks
	handle func(*Handler, *exchange) error

	summary string
	query   []string // names of parameters in the document
	header  []string // likewise
	body    string   // name of a schema; "" for none
	answers answerDocs
	codes   string // of errors beside those that every route has, separated by spaces
}

// answerDocs says what a status is answered with: the name of a schema, or "" for no body.
type answerDocs map[int]string

// paths lists where a route is served: as it stands, and for conversations also
// below their agent.
func (rt *route) paths() []string {
	if strings.HasPrefix(rt.path, "/conversations") {
		return []string{rt.path, "/agents/{" + pathAgent + "}" + rt.path}
	}
	return []string{rt.path}
}

// Route is a single handler, for hosts with their own router.
type Route struct {
	Operation Operation
	Method    string

	// Path is the path with wildcards in braces. The router must set their
	// values with http.Request.SetPathValue; http.ServeMux does.
	Path string

	Handler http.Handler
}

// Routes lists all single handlers. Each does what the Handler does for its
// route, authentication and errors included.
func (h *Handler) Routes() []Route {
	var out []Route
	for i := range routes {
		for _, p := range routes[i].paths() {
			out = append(out, Route{routes[i].op, routes[i].method, p, h.serve(&routes[i])})
		}
	}
	return out
}

// Operation returns the single handler of an operation, nil for an unknown one.
func (h *Handler) Operation(op Operation) http.Handler {
	for i := range routes {
		if routes[i].op == op {
			return h.serve(&routes[i])
		}
	}
	return nil
}

func escapeSegment(s string) string { return url.PathEscape(s) }
