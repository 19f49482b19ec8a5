package oidcauth_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
)

// FuzzAuthorization gives any header to an Authenticator. It must not panic, and
// whoever it lets in must be who signed the one good token that is known.
func FuzzAuthorization(f *testing.F) {
	iss := issuertest.New(f)
	key := issuertest.NewRSA(f, "r")
	iss.Publish(key)
	o := options(iss)
	o.Client = client(f)
	a, err := oidcauth.New(f.Context(), o)
	require.NoError(f, err)
	for _, r := range iss.Bad(f, key) {
		f.Add(r.Header.Get("Authorization"))
	}
	f.Add("Bearer " + key.Sign(f, iss.Claims(nil)))
	f.Fuzz(func(t *testing.T, header string) {
		caller, err := a.Authenticate(&http.Request{Header: http.Header{"Authorization": {header}}})
		if err == nil {
			require.Equal(t, alice, caller)
			return
		}
		require.ErrorIs(t, err, httpadapter.ErrUnauthenticated)
		require.Equal(t, conversation.Caller{}, caller)
	})
}
