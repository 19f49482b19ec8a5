package jwtauth_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
	"github.com/parley-go/parley/httpadapter/oidcauth/jwtauth"
)

var mapping = claims.Mapping{
	Tenant: "tenant",
	Grants: []claims.Grant{{Claim: "scope", Value: "chat:read", Permissions: conversation.PermRead}},
}

// alice is the caller of good tokens.
var alice = conversation.Caller{Tenant: "acme", User: "alice", Name: "Alice", Permissions: conversation.PermRead}

func options(iss *issuertest.Issuer, keys ...*issuertest.Key) *jwtauth.Options {
	o := &jwtauth.Options{
		Issuer: iss.URL, Audience: []string{"https://chat.example.org", issuertest.Audience}, Claims: mapping,
		Now: func() time.Time { return issuertest.Now },
	}
	for _, k := range keys {
		o.Keys = append(o.Keys, jwtauth.Key{ID: k.ID, Algorithm: k.Method.Alg(), Public: k.Public})
	}
	return o
}

func newAuth(t testing.TB, o *jwtauth.Options) *jwtauth.Authenticator {
	t.Helper()
	a, err := jwtauth.New(o)
	require.NoError(t, err)
	return a
}

func accepts(t *testing.T, a *jwtauth.Authenticator, token string) {
	t.Helper()
	caller, err := a.Authenticate(issuertest.Request(token))
	require.NoError(t, err)
	require.Equal(t, alice, caller)
}

func refuses(t *testing.T, a *jwtauth.Authenticator, token string, why error) {
	t.Helper()
	caller, err := a.Authenticate(issuertest.Request(token))
	require.ErrorIs(t, err, httpadapter.ErrUnauthenticated)
	require.ErrorIs(t, err, why)
	require.Zero(t, caller)
}

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	rsa, ec := issuertest.NewRSA(t, "r"), issuertest.NewEC(t, "e")
	a := newAuth(t, options(iss, rsa, ec))
	for _, key := range []*issuertest.Key{rsa, ec} {
		accepts(t, a, key.Sign(t, iss.Claims(nil)))
		accepts(t, a, key.Sign(t, iss.Claims(jwt.MapClaims{"aud": []string{"x", issuertest.Audience}})))
		accepts(t, a, key.Sign(t, iss.Claims(jwt.MapClaims{"nbf": issuertest.Now.Unix()})))
		accepts(t, a, key.SignWith(t, iss.Claims(nil), map[string]any{"kid": nil}))
	}
	r := issuertest.Request("")
	r.Header.Set("Authorization", "bearer "+ec.Sign(t, iss.Claims(nil)))
	_, err := a.Authenticate(r)
	require.NoError(t, err, "the scheme is compared without regard to case")
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewRSA(t, "r")
	a := newAuth(t, options(iss, key))
	for name, r := range iss.Bad(t, key) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller, err := a.Authenticate(r)
			require.ErrorIs(t, err, httpadapter.ErrUnauthenticated)
			require.Zero(t, caller)
			_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			for part := range strings.SplitSeq(token, ".") {
				if len(part) > 20 {
					require.NotContains(t, err.Error(), part, "the error shows the token")
				}
			}
		})
	}
}

func TestReasonsAreKeptForTheLog(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	a := newAuth(t, options(iss, key))
	for _, tt := range []struct {
		changes jwt.MapClaims
		why     error
	}{
		{jwt.MapClaims{"iss": "x"}, jwt.ErrTokenInvalidIssuer},
		{jwt.MapClaims{"iss": nil}, jwt.ErrTokenRequiredClaimMissing},
		{jwt.MapClaims{"aud": "x"}, jwt.ErrTokenInvalidAudience},
		{jwt.MapClaims{"aud": nil}, jwt.ErrTokenRequiredClaimMissing},
		{jwt.MapClaims{"exp": 1}, jwt.ErrTokenExpired},
		{jwt.MapClaims{"exp": nil}, jwt.ErrTokenRequiredClaimMissing},
		{jwt.MapClaims{"nbf": issuertest.Now.Add(time.Hour).Unix()}, jwt.ErrTokenNotValidYet},
		{jwt.MapClaims{"tenant": nil}, claims.ErrNoTenant},
		{jwt.MapClaims{"sub": nil}, claims.ErrNoUser},
	} {
		refuses(t, a, key.Sign(t, iss.Claims(tt.changes)), tt.why)
	}
	refuses(t, a, issuertest.NewEC(t, "e").Sign(t, iss.Claims(nil)), jwt.ErrTokenSignatureInvalid)
	refuses(t, a, issuertest.NewRSA(t, "e").Sign(t, iss.Claims(nil)), jwt.ErrTokenSignatureInvalid)
}

func TestClocksMayDiffer(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	a := newAuth(t, options(iss, key))
	at := func(d time.Duration) int64 { return issuertest.Now.Add(d).Unix() }
	accepts(t, a, key.Sign(t, iss.Claims(jwt.MapClaims{"exp": at(-29 * time.Second)})))
	accepts(t, a, key.Sign(t, iss.Claims(jwt.MapClaims{"nbf": at(30 * time.Second)})))
	refuses(t, a, key.Sign(t, iss.Claims(jwt.MapClaims{"exp": at(-30 * time.Second)})), jwt.ErrTokenExpired)
	refuses(t, a, key.Sign(t, iss.Claims(jwt.MapClaims{"nbf": at(31 * time.Second)})), jwt.ErrTokenNotValidYet)

	o := options(iss, key)
	o.Leeway = time.Minute
	accepts(t, newAuth(t, o), key.Sign(t, iss.Claims(jwt.MapClaims{"exp": at(-59 * time.Second)})))
}

// TestAKeyServesItsAlgorithmAlone holds each kind of key against tokens of every
// other algorithm that was made with the same bytes.
func TestAKeyServesItsAlgorithmAlone(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	rsa := issuertest.NewRSA(t, "k")
	secret := strings.Repeat("s", 32)
	o := options(iss, rsa)
	o.Keys = append(o.Keys, jwtauth.Key{ID: "h", Algorithm: "HS256", Secret: conversation.Secret(secret)})
	a := newAuth(t, o)
	shared := func(id, secret string, method jwt.SigningMethod) string {
		token := jwt.NewWithClaims(method, iss.Claims(nil))
		token.Header["kid"] = id
		signed, err := token.SignedString([]byte(secret))
		require.NoError(t, err)
		return signed
	}
	accepts(t, a, rsa.Sign(t, iss.Claims(nil)))
	accepts(t, a, shared("h", secret, jwt.SigningMethodHS256))
	refuses(t, a, shared("k", secret, jwt.SigningMethodHS256), jwt.ErrTokenUnverifiable)
	refuses(t, a, shared("h", secret, jwt.SigningMethodHS512), jwt.ErrTokenSignatureInvalid)
	refuses(t, a, shared("h", secret+"x", jwt.SigningMethodHS256), jwt.ErrTokenSignatureInvalid)
	refuses(t, a, rsa.SignWith(t, iss.Claims(nil), map[string]any{"kid": "h"}), jwt.ErrTokenUnverifiable)

	pss := *rsa
	pss.Method = jwt.SigningMethodPS256
	refuses(t, a, pss.Sign(t, iss.Claims(nil)), jwt.ErrTokenSignatureInvalid)
	for name, r := range iss.Bad(t, rsa) { // HMAC is taken here, but not with a public key
		_, err := a.Authenticate(r)
		require.ErrorIs(t, err, httpadapter.ErrUnauthenticated, name)
	}
}

func TestKeysWithoutID(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	one, two, other := issuertest.NewEC(t, ""), issuertest.NewEC(t, ""), issuertest.NewEC(t, "")
	a := newAuth(t, options(iss, one, two))
	for _, header := range []map[string]any{nil, {"kid": "whatever"}, {"kid": nil}} {
		accepts(t, a, one.SignWith(t, iss.Claims(nil), header))
		accepts(t, a, two.SignWith(t, iss.Claims(nil), header))
		refuses(t, a, other.SignWith(t, iss.Claims(nil), header), jwt.ErrTokenSignatureInvalid)
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	o := options(iss, key)
	o.Types = []string{"at+jwt"}
	a := newAuth(t, o)
	for typ, good := range map[any]bool{
		"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "JWT": false, "": false, nil: false, 7: false,
	} {
		_, err := a.Authenticate(issuertest.Request(key.SignWith(t, iss.Claims(nil), map[string]any{"typ": typ})))
		require.Equal(t, good, err == nil, "%v: %v", typ, err)
	}
}

func TestEd25519(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key := &issuertest.Key{ID: "d", Method: jwt.SigningMethodEdDSA, Private: private, Public: public}
	accepts(t, newAuth(t, options(iss, key)), key.Sign(t, iss.Claims(nil)))
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	a := newAuth(t, options(iss, key))
	good, bad := key.Sign(t, iss.Claims(nil)), key.Sign(t, iss.Claims(jwt.MapClaims{"tenant": nil}))
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for i := range cap(errs) {
		wg.Go(func() {
			token, want := good, alice
			if i%2 == 1 {
				token, want = bad, conversation.Caller{}
			}
			if got, err := a.Authenticate(issuertest.Request(token)); got != want {
				errs <- fmt.Errorf("%v, %w", got, err)
			}
		})
	}
	wg.Wait()
	require.Empty(t, errs)
}
