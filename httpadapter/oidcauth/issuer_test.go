package oidcauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter/oidcauth"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
)

// TestIssuerDoesNotGiveItsKeys: nobody can tell then, and a client that is told
// to come back is better off than one that throws its token away.
func TestIssuerDoesNotGiveItsKeys(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	body := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(s))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"500":          status(http.StatusInternalServerError),
		"404":          status(http.StatusNotFound),
		"204":          status(http.StatusNoContent),
		"breaks off":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no JSON":      body(`<html>`),
		"other JSON":   body(`{"keys":7}`),
		"a broken key": body(`{"keys":[{"kty":"RSA","n":"!"}]}`),
		"too long":     body(`{"pad":"` + strings.Repeat("x", 2<<20) + `","keys":[]}`),
		"redirect, http": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/keys", http.StatusFound)
		},
		"redirect, loops": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := issuertest.New(t)
			key := issuertest.NewEC(t, "e")
			iss.Publish(key)
			iss.Answer(answer)
			f := setup(t, iss, nil)
			token := key.Sign(t, iss.Claims(nil))
			f.cannotTell(token)
			asked := iss.Fetches()
			f.cannotTell(token)
			require.Equal(t, asked, iss.Fetches(), "the issuer is left in peace for a while")
			iss.Answer(nil)
			f.clock.pass(oidcauth.DefaultRefreshInterval)
			f.accepts(token)

			iss.Answer(answer)
			f.clock.pass(oidcauth.DefaultRefreshInterval)
			f.cannotTell(issuertest.NewEC(t, "new").Sign(t, iss.Claims(nil)))
			f.accepts(token) // with a key that is known nobody has to be asked
		})
	}
}

// TestNothingComesOverPlainHTTP: the refusal stands before the connection.
func TestNothingComesOverPlainHTTP(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	iss.Answer(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://login.example.com/keys", http.StatusFound)
	})
	asked := &askedHosts{next: client(t).Transport}
	f := setup(t, iss, func(o *oidcauth.Options) { o.Client = &http.Client{Transport: asked} })
	f.cannotTell(issuertest.NewEC(t, "e").Sign(t, iss.Claims(nil)))
	for _, host := range asked.list() {
		require.Equal(t, strings.TrimPrefix(iss.URL, "http://"), host)
	}
}

// askedHosts keeps the hosts that requests go to.
type askedHosts struct {
	next  http.RoundTripper
	mu    sync.Mutex
	hosts []string
}

func (a *askedHosts) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.hosts = append(a.hosts, r.URL.Host)
	a.mu.Unlock()
	return a.next.RoundTrip(r)
}

func (a *askedHosts) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.hosts)
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	f := setup(t, iss, nil)
	f.refuses(issuertest.NewEC(t, "e").Sign(t, iss.Claims(nil)))
}

func TestRedirectsAreFollowed(t *testing.T) {
	t.Parallel()
	iss, old := issuertest.New(t), issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	iss.Publish(key)
	old.Answer(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, iss.KeysURL(), http.StatusMovedPermanently)
	})
	setup(t, iss, func(o *oidcauth.Options) { o.KeysURL = old.KeysURL() }).accepts(key.Sign(t, iss.Claims(nil)))
	require.Equal(t, 1, old.Fetches())
}

// TestRequestsThatLeave: a client that goes away while keys are fetched takes
// nothing from the others.
func TestRequestsThatLeave(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	iss.Publish(key)
	came, release := make(chan struct{}), make(chan struct{})
	iss.Answer(func(w http.ResponseWriter, r *http.Request) {
		iss.Answer(nil)
		close(came)
		<-release
		http.Redirect(w, r, "/keys", http.StatusFound)
	})
	f := setup(t, iss, nil)
	goOn := sync.OnceFunc(func() { close(release) })
	t.Cleanup(goOn) // or the issuer would wait for ever
	token := key.Sign(t, iss.Claims(nil))
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := f.Authenticate(issuertest.Request(token).WithContext(ctx))
		left <- err
	}()
	<-came
	stays := make(chan error, 1)
	go func() {
		_, err := f.Authenticate(issuertest.Request(token))
		stays <- err
	}()
	cancel()
	require.ErrorIs(t, <-left, conversation.ErrUnavailable, "nobody can tell")
	goOn()
	require.NoError(t, <-stays)
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	document := func(t *testing.T, body string) string {
		t.Helper()
		var server *httptest.Server
		server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/.well-known/openid-configuration" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(strings.ReplaceAll(body, "SELF", server.URL)))
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	ask := func(t *testing.T, body string) error {
		t.Helper()
		o := options(issuertest.New(t))
		o.Issuer, o.Client = document(t, body), client(t)
		_, err := oidcauth.New(t.Context(), o)
		return err
	}
	require.NoError(t, ask(t, `{"issuer":"SELF","jwks_uri":"SELF/k"}`))
	require.NoError(t, ask(t, `{"issuer":"SELF","jwks_uri":"https://keys.example.com/k"}`))
	var mismatch *oidc.IssuerMismatchError
	require.ErrorAs(t, ask(t, `{"issuer":"https://evil.example.com","jwks_uri":"SELF/k"}`), &mismatch)
	require.ErrorContains(t, ask(t, `{"issuer":"SELF","jwks_uri":"http://keys.example.com/k"}`), "not https")
	require.ErrorContains(t, ask(t, `{"issuer":"SELF","jwks_uri":"file:///etc/passwd"}`), "not https")
	require.Error(t, ask(t, `{"issuer":"SELF"}`))
	require.Error(t, ask(t, `{}`))
	require.Error(t, ask(t, `nothing`))

	o := options(issuertest.New(t))
	o.Client = client(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := oidcauth.New(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
}

// TestWithoutDiscovery needs no issuer at hand until the first token comes, and
// the context of New may be over by then.
func TestWithoutDiscovery(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	o := options(iss)
	o.KeysURL, o.Client = iss.KeysURL(), client(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	a, err := oidcauth.New(ctx, o)
	cancel()
	require.NoError(t, err)
	require.Zero(t, iss.Fetches())
	iss.Publish(key)
	caller, err := a.Authenticate(issuertest.Request(key.Sign(t, iss.Claims(nil))))
	require.NoError(t, err)
	require.Equal(t, alice, caller)
	require.NotErrorIs(t, err, conversation.ErrUnavailable)
}
