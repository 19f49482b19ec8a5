package httpadapter_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/httpadapter"
)

// swept says how the sweep asks each operation so that it would succeed for
// somebody who may. A route whose operation is not here fails the sweep.
var swept = map[httpadapter.Operation]struct {
	query  string
	body   string
	of     string // what it is about: "" nothing, "conversation", "run" or "thread"
	public bool
	writes bool
}{
	httpadapter.OpCreateConversation:  {body: `{"name": "x"}`, writes: true},
	httpadapter.OpListConversations:   {query: "?view=admin"},
	httpadapter.OpGetConversation:     {query: "?view=admin&include=messages", of: "conversation"},
	httpadapter.OpDeleteConversation:  {query: "?purge=true", of: "conversation", writes: true},
	httpadapter.OpRestoreConversation: {of: "conversation", writes: true},
	httpadapter.OpSetTitle:            {body: `{"title": "x"}`, of: "conversation", writes: true},
	httpadapter.OpPromote:             {of: "conversation", writes: true},
	httpadapter.OpFork:                {body: `{"at_version": 0}`, of: "conversation", writes: true},
	httpadapter.OpListParticipants:    {query: "?view=admin", of: "conversation"},
	httpadapter.OpAddParticipant:      {body: `{"user_id": "mallory"}`, of: "conversation", writes: true},
	httpadapter.OpListMessages:        {query: "?view=admin", of: "conversation"},
	httpadapter.OpPostMessage:         {body: `{"content": "say x", "expected_version": 77}`, of: "conversation", writes: true},
	httpadapter.OpStartRun:            {body: `{"content": "say x", "client_op_id": "known"}`, of: "conversation", writes: true},
	httpadapter.OpListRuns:            {query: "?view=admin", of: "conversation"},
	httpadapter.OpStreamTurn:          {body: `{"content": "say x"}`, of: "conversation", writes: true},
	httpadapter.OpFollow:              {query: "?view=admin", of: "conversation"},
	httpadapter.OpGetRun:              {query: "?view=admin", of: "run"},
	httpadapter.OpRunEvents:           {query: "?view=admin&after=1", of: "run"},
	httpadapter.OpStopRun:             {of: "run", writes: true},
	httpadapter.OpNudgeRun:            {body: `{"text": "x"}`, of: "run", writes: true},
	httpadapter.OpGetThread:           {of: "thread"},
	httpadapter.OpHealth:              {public: true},
	httpadapter.OpOpenAPI:             {public: true},
}

// sweep is the ground of a sweep: what alice has.
type sweep struct {
	*site
	id, run string
}

func newSweep(t *testing.T) *sweep {
	t.Helper()
	s := &sweep{site: setup(t)}
	alice := s.as("acme.alice")
	s.id = alice.create(object{"agent_id": "a1", "name": "Secret"})
	s.run = alice.start(s.id, object{"content": "say secret", "client_op_id": "known"})
	alice.await(s.run, "completed")
	return s
}

// ask asks a route about something of alice's, or about an id that nothing has.
func (s *sweep) ask(rt httpadapter.Route, token string, missing bool) *reply {
	s.t.Helper()
	e := swept[rt.Operation]
	id, run := s.id, s.run
	if missing {
		id, run = uuid.NewString(), uuid.NewString()
	}
	path := strings.NewReplacer("{conversation_id}", id, "{run_id}", run, "{agent_id}", "a1").Replace(rt.Path)
	query := e.query
	if e.of == "thread" {
		query = "?threadId=" + id
	}
	var body any
	if e.body != "" {
		body = e.body
	}
	return s.as(token).do(rt.Method, path+query, body)
}

// same expects two answers to be alike to the last byte, but for when and under
// which log id they were given.
func (r *reply) same(other *reply, about string) {
	r.t.Helper()
	require.Equal(r.t, string(other.body), string(r.body), about)
	require.Equal(r.t, other.status, r.status, about)
	require.Equal(r.t, plain(other.header), plain(r.header), about)
}

func plain(h http.Header) http.Header {
	h = maps.Clone(h)
	h.Del("Date")
	h.Del("Log-Id")
	return h
}

func TestSweepKnowsEveryRoute(t *testing.T) {
	t.Parallel()
	served := make(map[httpadapter.Operation]bool)
	for _, rt := range setup(t).handler.Routes() {
		served[rt.Operation] = true
		require.Contains(t, swept, rt.Operation, "the sweep has no entry for %s %s", rt.Method, rt.Path)
	}
	for op := range swept {
		require.True(t, served[op], "no route serves %s", op)
	}
}

// What belongs to others is answered like what is not there at all, and so is a
// path that no route has.
func TestSweepA2_ForeignIsMissing(t *testing.T) {
	t.Parallel()
	s := newSweep(t)
	unknown := s.as("acme.alice").do("GET", "/no/such/route", nil)
	require.Equal(t, 404, unknown.status)
	for _, rt := range s.handler.Routes() {
		if swept[rt.Operation].of == "" {
			continue
		}
		tokens := []string{"acme.bob", "other.alice", "other.eve.admin"}
		if swept[rt.Operation].writes {
			tokens = append(tokens, "acme.root.admin") // the admin view never writes (rule A4)
		}
		if swept[rt.Operation].of == "thread" {
			tokens = []string{"other.eve.admin"} // the others lack more than the conversation
		}
		for _, token := range tokens {
			about := rt.Method + " " + rt.Path + " as " + token
			s.ask(rt, token, false).same(unknown, about)
			s.ask(rt, token, true).same(unknown, about)
		}
	}
	for _, path := range []string{"/", "//", "/conversations//", "/./conversations", "/runs/../conversations", "/conversations/" + s.id + "/"} {
		s.as("acme.alice").do("GET", path, nil).same(unknown, path)
	}
	s.untouched()
}

// Lists of others show nothing.
func TestSweepA2_ForeignListsAreEmpty(t *testing.T) {
	t.Parallel()
	s := newSweep(t)
	for _, token := range []string{"acme.bob", "other.alice", "other.eve.admin"} {
		for _, path := range []string{"/conversations", "/agents/a1/conversations", "/conversations?q=secret&page=1&view=admin"} {
			require.Empty(t, s.as(token).do("GET", path, nil).ok(200)["data"])
		}
	}
}

// Without a token every route says the same, whatever it is asked.
func TestSweepA3_NoToken(t *testing.T) {
	t.Parallel()
	s := newSweep(t)
	var first *reply
	for _, rt := range s.handler.Routes() {
		for _, token := range []string{"", "nonsense"} {
			r := s.ask(rt, token, false)
			if swept[rt.Operation].public {
				require.Equal(t, 200, r.status)
				continue
			}
			require.Equal(t, 401, r.status)
			require.Equal(t, "Bearer", r.header.Get("WWW-Authenticate"))
			if first == nil {
				first = r
			}
			r.same(first, rt.Method+" "+rt.Path)
		}
	}
	s.untouched()
}

// The verb is decided before anything is looked up: the answer does not depend
// on what there is.
func TestSweepA3_LackingTheVerb(t *testing.T) {
	t.Parallel()
	s := newSweep(t)
	var first *reply
	for _, rt := range s.handler.Routes() {
		e := swept[rt.Operation]
		if e.public {
			continue
		}
		tokens := []string{"acme.alice.readonly", "acme.bob.readonly", "other.eve.readonly"}
		if !e.writes {
			tokens = []string{"acme.alice.writeonly", "acme.bob.writeonly", "other.eve.admin.writeonly"}
		}
		for _, token := range tokens {
			for _, missing := range []bool{false, true} {
				r := s.ask(rt, token, missing)
				require.Equal(t, 403, r.status, "%s %s as %s", rt.Method, rt.Path, token)
				if first == nil {
					first = r
				}
				r.same(first, rt.Method+" "+rt.Path)
			}
		}
	}
	s.untouched()
}

// untouched expects alice's conversation to be as it was, and nobody to have
// made another.
func (s *sweep) untouched() {
	s.t.Helper()
	alice := s.as("acme.alice")
	c := alice.do("GET", "/conversations/"+s.id, nil).ok(200)
	require.Equal(s.t, "Secret", c["title"])
	require.InDelta(s.t, 2, c["version"], 0)
	require.Empty(s.t, c["participants"])
	require.Nil(s.t, c["deleted_at"])
	require.Len(s.t, alice.do("GET", "/conversations/"+s.id+"/runs", nil).ok(200)["data"], 1)
	for _, tenant := range []string{"acme", "other"} {
		page := s.as(tenant+".root.admin").do("GET", "/conversations?view=admin&page=1", nil).ok(200)
		require.InDelta(s.t, map[string]int{"acme": 1, "other": 0}[tenant], page["total"], 0, tenant)
	}
}

// PATCH and PUT on a conversation are refused, and so is every method that a
// path does not have, with those it has in Allow.
func TestSweepMethods(t *testing.T) {
	t.Parallel()
	s := newSweep(t)
	allowed := make(map[string][]string)
	for _, rt := range s.handler.Routes() {
		allowed[rt.Path] = append(allowed[rt.Path], rt.Method)
	}
	for path, methods := range allowed {
		if slices.Contains(methods, "GET") {
			methods = append(methods, "HEAD")
		}
		target := strings.NewReplacer("{conversation_id}", s.id, "{run_id}", s.run, "{agent_id}", "a1").Replace(path)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"} {
			if slices.Contains(methods, method) {
				continue
			}
			r := s.as("acme.alice").do(method, target, nil)
			require.Equal(t, 405, r.status, "%s %s", method, path)
			for _, m := range methods {
				require.Contains(t, r.header.Get("Allow"), m)
			}
			require.NotContains(t, r.header.Get("Allow"), method)
		}
	}
	s.untouched()
}
