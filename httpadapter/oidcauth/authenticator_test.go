package oidcauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth"
	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
)

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	rsa, ec := issuertest.NewRSA(t, "r"), issuertest.NewEC(t, "e")
	iss.Publish(rsa, ec)
	f := setup(t, iss, nil)
	for _, key := range []*issuertest.Key{rsa, ec} {
		f.accepts(key.Sign(t, iss.Claims(nil)))
		f.accepts(key.Sign(t, iss.Claims(jwt.MapClaims{"aud": []string{"x", issuertest.Audience}})))
		f.accepts(key.Sign(t, iss.Claims(jwt.MapClaims{"aud": "https://chat.example.org"})))
		f.accepts(key.SignWith(t, iss.Claims(nil), map[string]any{"kid": nil}))
	}
	require.Equal(t, 1, iss.Fetches())
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewRSA(t, "r")
	iss.Publish(key)
	f := setup(t, iss, nil)
	f.accepts(key.Sign(t, iss.Claims(nil)))
	for name, r := range iss.Bad(t, key) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller, err := f.Authenticate(r)
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

func TestClocksMayDiffer(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	iss.Publish(key)
	f := setup(t, iss, nil)
	at := func(d time.Duration) int64 { return issuertest.Now.Add(d).Unix() }
	f.accepts(key.Sign(t, iss.Claims(jwt.MapClaims{"exp": at(-29 * time.Second)})))
	f.accepts(key.Sign(t, iss.Claims(jwt.MapClaims{"nbf": at(30 * time.Second)})))
	f.refuses(key.Sign(t, iss.Claims(jwt.MapClaims{"exp": at(-30 * time.Second)})))
	f.refuses(key.Sign(t, iss.Claims(jwt.MapClaims{"nbf": at(31 * time.Second)})))
}

func TestTypesAndAlgorithms(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	rsa, ec := issuertest.NewRSA(t, "r"), issuertest.NewEC(t, "e")
	iss.Publish(rsa, ec)
	f := setup(t, iss, func(o *oidcauth.Options) { o.Types, o.Algorithms = []string{"at+jwt"}, []string{"ES256"} })
	typed := map[string]any{"typ": "at+jwt"}
	f.accepts(ec.SignWith(t, iss.Claims(nil), typed))
	f.refuses(ec.Sign(t, iss.Claims(nil)))
	f.refuses(rsa.SignWith(t, iss.Claims(nil), typed))
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	for what, spoil := range map[string]func(*oidcauth.Options){
		"Issuer must":        func(o *oidcauth.Options) { o.Issuer = "" },
		"Issuer must be":     func(o *oidcauth.Options) { o.Issuer = "http://login.example.com" },
		"KeysURL must":       func(o *oidcauth.Options) { o.KeysURL = "http://login.example.com/keys" },
		"Audience":           func(o *oidcauth.Options) { o.Audience = []string{""} },
		`"HS256" is`:         func(o *oidcauth.Options) { o.Algorithms = []string{"RS256", "HS256"} },
		`"none" is`:          func(o *oidcauth.Options) { o.Algorithms = []string{"none"} },
		"Leeway":             func(o *oidcauth.Options) { o.Leeway = -1 },
		"MaxTokenBytes":      func(o *oidcauth.Options) { o.MaxTokenBytes = -1 },
		"RefreshInterval":    func(o *oidcauth.Options) { o.RefreshInterval = -1 },
		"Mapping.Tenant":     func(o *oidcauth.Options) { o.Claims = claims.Mapping{Everyone: conversation.PermRead} },
		"Grants[0].Claim is": func(o *oidcauth.Options) { o.Claims.Grants[0].Claim = "" },
	} {
		o := options(iss)
		o.Client = client(t)
		spoil(o)
		_, err := oidcauth.New(t.Context(), o)
		require.ErrorContains(t, err, what)
	}
	_, err := oidcauth.New(t.Context(), nil)
	require.ErrorContains(t, err, "Issuer")
}
