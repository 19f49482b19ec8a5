package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	ada := conversation.Caller{Tenant: "acme", User: "ada", Name: "ada", Permissions: conversation.PermReadWrite}
	admin, reader, both := ada, ada, ada
	admin.Admin = true
	reader.Permissions = conversation.PermRead
	both.Admin, both.Permissions = true, conversation.PermRead
	for header, want := range map[string]*conversation.Caller{
		"Bearer dev.acme.ada":                &ada,
		"bearer dev.acme.ada":                &ada,
		"Bearer dev.acme.ada.admin":          &admin,
		"Bearer dev.acme.ada.readonly":       &reader,
		"Bearer dev.acme.ada.admin.readonly": &both,
		"Bearer dev.acme.ada.readonly.admin": &both,
		"":                                   nil,
		"Bearer":                             nil,
		"Bearer ":                            nil,
		"Basic dev.acme.ada":                 nil,
		"dev.acme.ada":                       nil,
		"Bearer dev.acme":                    nil,
		"Bearer dev.acme.":                   nil,
		"Bearer dev..ada":                    nil,
		"Bearer dev.acme.ada.":               nil,
		"Bearer dev.acme.ada.root":           nil,
		"Bearer dev.acme.ada.adminreadonly":  nil,
		"Bearer dev.acme.ada admin":          nil,
		"Bearer prod.acme.ada":               nil,
		"Bearer dev.acme.a/b":                nil,
		"Bearer dev.acme.ada\n":              &ada,
		"Bearer dev.acme.ada\nx":             nil,
		"Bearer dev.acmé.ada":                nil,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{header}
		caller, err := authenticate(r)
		if want == nil {
			require.ErrorIs(t, err, httpadapter.ErrUnauthenticated, "%q", header)
			require.Equal(t, conversation.Caller{}, caller)
			continue
		}
		require.NoError(t, err, "%q", header)
		require.Equal(t, *want, caller, "%q", header)
	}
}

func TestListen_OnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for addr, loopback := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "127.9.9.9:0": true,
		"0.0.0.0:0": false, ":0": false, "[::]:0": false, "192.0.2.1:80": false,
	} {
		listener, err := listen(t.Context(), addr, false)
		if !loopback {
			require.ErrorContains(t, err, "-expose", addr)
			continue
		}
		require.NoError(t, err, addr)
		require.NoError(t, listener.Close())
	}
	listener, err := listen(t.Context(), "0.0.0.0:0", true)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	_, err = listen(t.Context(), "nowhere", false)
	require.Error(t, err)
}

func TestOnlyLocal_RefusesNamesThatPointHere(t *testing.T) {
	t.Parallel()
	site := onlyLocal(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, want := range map[string]int{
		"localhost": 204, "LOCALHOST:8080": 204, "127.0.0.1:8080": 204, "127.0.0.1": 204, "[::1]:8080": 204, "[::1]": 204,
		"evil.example:8080": 421, "evil.example": 421, "127.0.0.1.evil.example": 421, "192.0.2.1:8080": 421, "0.0.0.0:8080": 421, "": 421,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, "%q", host)
	}
}

func TestMount_HandsOnTheRestOfThePath(t *testing.T) {
	t.Parallel()
	site := mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.EscapedPath()+" "+r.PathValue("tenant"))
	}))
	for target, want := range map[string]string{
		"/conversations":                                    "/conversations ",
		"/conversations/":                                   "/conversations/ ",
		"/api/conversations/1?x=y":                          "/conversations/1 ",
		"/%61pi/conversations":                              "/conversations ",
		"/v1/api/runs/1/events":                             "/runs/1/events ",
		"/agents/conversations":                             "/conversations ",
		"/agents/runs/1":                                    "/runs/1 ",
		"/agents/agents/a/conversations":                    "/agents/a/conversations ",
		"/agents/a/conversations":                           "/agents/a/conversations ",
		"/agents/a%2Fb/conversations/1/messages":            "/agents/a%2Fb/conversations/1/messages ",
		"/api/agents/a%2Fb/conversations/1":                 "/agents/a%2Fb/conversations/1 ",
		"/tenants/acme/api/v2/conversations/1":              "/conversations/1 acme",
		"/tenants/acme/api/v2/agents/a%2Fb/conversations/1": "/agents/a%2Fb/conversations/1 acme",
		"/tenants/%61cme/api/v2/conversations":              "/conversations acme",
		"/tenants/other/api/v2/conversations":               "/tenants other",
		"/tenants/acme%2F/api/v2/conversations":             "/tenants acme/",
		"/tenants/acme/api/v2":                              " acme",
		"/api":                                              " ",
		"/apis/conversations":                               "/apis/conversations ",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
		r.Header.Set("Authorization", "Bearer dev.acme.ada")
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		require.Equal(t, want, w.Body.String(), target)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-addr", "localhost:1", "-max-runs=3", "-lease", "2s"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "localhost:1", o.addr)
	require.Equal(t, memory, o.store)
	require.Equal(t, 3, o.maxRuns)
	for _, args := range [][]string{{"-lease", "soon"}, {"-unknown"}, {"stray"}} {
		_, err := parse(args, io.Discard)
		require.Error(t, err, "%v", args)
	}
}

func TestServe_SaysWhatCannotBe(t *testing.T) {
	t.Parallel()
	for store, want := range map[string]string{
		"file.db": "-store must be memory or the URL of a PostgreSQL database",
		"postgres://nobody:secret@127.0.0.1:1/none?connect_timeout=2": "127.0.0.1",
	} {
		o, err := parse([]string{"-addr", "127.0.0.1:0", "-store", store}, io.Discard)
		require.NoError(t, err)
		err = serve(context.WithoutCancel(t.Context()), o, io.Discard, discardLog)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}
