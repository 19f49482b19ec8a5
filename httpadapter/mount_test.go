package httpadapter_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/internal/transcript"
)

// behind serves a handler of the site's in another server.
func (s *site) behind(h http.Handler) *site {
	server := httptest.NewServer(h)
	s.t.Cleanup(server.Close)
	other := *s
	other.server = server
	return &other
}

func TestMountedBelowAPattern(t *testing.T) {
	t.Parallel()
	var tenants []string
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) {
		o.Authenticate = func(r *http.Request) (conversation.Caller, error) {
			tenants = append(tenants, r.PathValue("tenant"))
			return transcript.Authenticate(r)
		}
	})
	const prefix = "/tenants/{tenant}/api/v2"
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", httpadapter.StripPrefix(prefix, s.handler))
	mux.Handle("/api/", http.StripPrefix("/api", s.handler))
	alice := s.behind(mux).as("acme.alice")
	r := alice.do("POST", "/tenants/ac%2Fme/api/v2/agents/a%2F1/conversations", object{"name": "x"})
	id, ok := r.ok(201)["id"].(string)
	require.True(t, ok)
	require.Equal(t, "/tenants/ac%2Fme/api/v2/agents/a%2F1/conversations/"+id, r.header.Get("Location"))
	c := alice.do("GET", r.header.Get("Location"), nil).ok(200)
	require.Equal(t, "a/1", c["agent_id"])
	require.Equal(t, []string{"ac/me", "ac/me"}, tenants)

	r = alice.do("POST", "/api/conversations/"+id+"/runs", object{"content": "say x"})
	r.ok(202)
	require.True(t, strings.HasPrefix(r.header.Get("Location"), "/api/runs/"))
	alice.do("GET", r.header.Get("Location"), nil).ok(200)
	alice.do("GET", "/api", nil) // redirected by the host's mux, not by the handler
	require.Equal(t, 404, alice.do("GET", "/tenants/acme/api/v2/", nil).status)
	require.Equal(t, 404, alice.do("GET", "/api/conversations/"+id+"/", nil).status)
}

// A host's own router takes the single handlers.
func TestSingleHandlers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	mux := http.NewServeMux()
	for _, rt := range s.handler.Routes() {
		mux.Handle(rt.Method+" /v9"+rt.Path, rt.Handler)
	}
	mux.HandleFunc("GET /one/{id}", func(w http.ResponseWriter, r *http.Request) {
		r.SetPathValue("conversation_id", r.PathValue("id"))
		s.handler.Operation(httpadapter.OpGetConversation).ServeHTTP(w, r)
	})
	alice := s.behind(mux).as("acme.alice")
	id, ok := alice.do("POST", "/v9/conversations", object{}).ok(201)["id"].(string)
	require.True(t, ok)
	require.Equal(t, id, alice.do("GET", "/one/"+id, nil).ok(200)["id"])
	alice.do("GET", "/v9/agents/a1/conversations/"+id, nil).problem(404, "not_found")
	r := alice.do("POST", "/v9/conversations/"+id+"/stream", object{"content": "say x"})
	require.Contains(t, string(r.body), "event: run.completed")
	s.as("").do("GET", "/conversations", nil).problem(401, "unauthenticated")
	require.Nil(t, s.handler.Operation("noSuchOperation"))
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const app = "https://app.example.com"
	off := setup(t).as("acme.alice")
	require.Empty(t, off.do("GET", "/conversations", nil, header("Origin", app)).header.Get("Access-Control-Allow-Origin"))

	on := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.AllowedOrigins = []string{app} }).as("acme.alice")
	preflight := func(r *http.Request) {
		r.Header.Set("Origin", app)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Del("Authorization")
	}
	r := on.do("OPTIONS", "/conversations", nil, preflight)
	require.Equal(t, 204, r.status)
	require.Equal(t, app, r.header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, r.header.Get("Access-Control-Allow-Headers"), "Authorization")
	require.Empty(t, r.header.Get("Access-Control-Allow-Credentials"))
	browser := func(origin string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
	}
	r = on.do("POST", "/conversations", object{}, browser(app))
	r.ok(201)
	require.Equal(t, app, r.header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, r.header.Get("Access-Control-Expose-Headers"), "Location")
	r = on.do("POST", "/conversations", object{}, browser("https://evil.example"))
	r.problem(403, "forbidden")
	require.Empty(t, r.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "Origin", r.header.Get("Vary"))
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	engine := setup(t).engine
	_, err := httpadapter.New(nil, &httpadapter.Options{Authenticate: transcript.Authenticate})
	require.Error(t, err)
	_, err = httpadapter.New(engine, nil)
	require.ErrorContains(t, err, "Authenticate")
	_, err = httpadapter.New(engine, &httpadapter.Options{})
	require.ErrorContains(t, err, "Authenticate")
	_, err = httpadapter.New(engine, &httpadapter.Options{
		MaxBodyBytes: -1, MaxDepth: -1, MaxStreams: -1, MaxStreamsPerUser: -1, Heartbeat: -1, WriteTimeout: -1, BodyTimeout: -1,
		AllowedOrigins: []string{"*", "app.example.com", "https://app.example.com/"},
	})
	for _, name := range []string{"Authenticate", "MaxBodyBytes", "MaxDepth", "MaxStreams ", "MaxStreamsPerUser", "Heartbeat", "WriteTimeout",
		"BodyTimeout", `"*"`, `"app.example.com"`, `"https://app.example.com/"`} {
		require.ErrorContains(t, err, name)
	}
}

// What Authenticate says beyond "not known" is kept; its words are not.
func TestAuthenticationErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{conversation.ErrForbidden, 403, "forbidden"}, {conversation.ErrOverloaded, 429, "overloaded"},
		{conversation.ErrUnavailable, 503, "unavailable"}, {conversation.ErrNotFound, 401, "unauthenticated"},
		{httpadapter.ErrUnauthenticated, 401, "unauthenticated"},
	} {
		s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) {
			o.Authenticate = func(*http.Request) (conversation.Caller, error) { return conversation.Caller{}, tt.err }
		})
		s.as("x.y").do("GET", "/conversations", nil).problem(tt.status, tt.code)
	}
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) {
		o.Authenticate = func(*http.Request) (conversation.Caller, error) {
			return conversation.Caller{User: "nobody of any tenant", Permissions: conversation.PermReadWrite}, nil
		}
	})
	s.as("x.y").do("GET", "/conversations", nil).problem(403, "forbidden")
}

func TestAccessLines(t *testing.T) {
	t.Parallel()
	s := setup(t, func(o *httpadapter.Options, _ *conversation.Config) { o.NewLogID = func() string { return "log-7" } })
	alice := s.as("acme.alice")
	r := alice.do("POST", "/conversations?token=hidden", `{"name": "hidden"}`)
	r.ok(201)
	require.Equal(t, "log-7", r.header.Get("Log-Id"))
	s.as("hidden").do("GET", "/conversations", nil).problem(401, "unauthenticated")
	log := s.log.String()
	require.Contains(t, log, "msg=request method=POST route=/conversations status=201 bytes="+itoa(len(r.body)))
	require.Contains(t, log, "tenant=acme user=alice log_id=log-7")
	require.Contains(t, log, "status=401")
	require.NotContains(t, log, "hidden")
}
