package oidcauth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth"
	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alice is the caller of good tokens.
var alice = conversation.Caller{Tenant: "acme", User: "alice", Name: "Alice", Permissions: conversation.PermRead}

// fixture is an Authenticator of an issuer's tokens, with a clock that stands.
type fixture struct {
	*testing.T
	*oidcauth.Authenticator
	iss   *issuertest.Issuer
	clock *clock
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// setup makes an Authenticator with a client of its own, whose connections end
// with the test.
func setup(t *testing.T, iss *issuertest.Issuer, change func(*oidcauth.Options)) *fixture {
	t.Helper()
	f := &fixture{T: t, iss: iss, clock: &clock{now: issuertest.Now}}
	o := options(iss)
	o.Now, o.Client = f.clock.read, client(t)
	if change != nil {
		change(o)
	}
	a, err := oidcauth.New(t.Context(), o)
	require.NoError(t, err)
	f.Authenticator = a
	return f
}

func options(iss *issuertest.Issuer) *oidcauth.Options {
	return &oidcauth.Options{
		Issuer: iss.URL, Audience: []string{"https://chat.example.org", issuertest.Audience},
		Claims: claims.Mapping{
			Tenant: "tenant",
			Grants: []claims.Grant{{Claim: "scope", Value: "chat:read", Permissions: conversation.PermRead}},
		},
		Now: func() time.Time { return issuertest.Now },
	}
}

func client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func (f *fixture) accepts(token string) {
	f.Helper()
	caller, err := f.Authenticate(issuertest.Request(token))
	require.NoError(f, err)
	require.Equal(f, alice, caller)
}

func (f *fixture) refuses(token string) {
	f.Helper()
	caller, err := f.Authenticate(issuertest.Request(token))
	require.ErrorIs(f, err, httpadapter.ErrUnauthenticated)
	require.NotErrorIs(f, err, conversation.ErrUnavailable)
	require.Zero(f, caller)
}

// cannotTell asserts that a token is neither accepted nor refused.
func (f *fixture) cannotTell(token string) {
	f.Helper()
	caller, err := f.Authenticate(issuertest.Request(token))
	require.ErrorIs(f, err, conversation.ErrUnavailable)
	require.NotErrorIs(f, err, httpadapter.ErrUnauthenticated)
	require.Zero(f, caller)
}
