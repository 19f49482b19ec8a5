package oidcauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
	"github.com/parley-go/parley/memstore"
)

// TestThroughTheHandler sees what a client sees.
func TestThroughTheHandler(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewRSA(t, "r")
	f := setup(t, iss, nil)
	silent := conversation.ResponderFunc(func(context.Context, *conversation.Turn) error { return nil })
	engine, err := conversation.New(memstore.New(nil), silent, nil)
	require.NoError(t, err)
	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: f.Authenticate})
	require.NoError(t, err)
	ask := func(r *http.Request) (*http.Response, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var problem struct{ Code string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
		return w.Result(), problem.Code
	}

	iss.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	good := key.Sign(t, iss.Claims(nil))
	res, code := ask(issuertest.Request(good))
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "unavailable", code)
	require.NotEmpty(t, res.Header.Get("Retry-After"))

	iss.Answer(nil)
	iss.Publish(key)
	f.clock.pass(time.Minute)
	res, _ = ask(issuertest.Request(good))
	require.Equal(t, http.StatusOK, res.StatusCode)

	for name, r := range iss.Bad(t, key) {
		res, code := ask(r)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
		require.Equal(t, "Bearer", res.Header.Get("WWW-Authenticate"), name)
		require.Equal(t, "unauthenticated", code, name)
	}
	res, code = ask(issuertest.Request(key.Sign(t, iss.Claims(jwt.MapClaims{"scope": "openid"}))))
	require.Equal(t, http.StatusForbidden, res.StatusCode, "a token that nothing is granted for")
	require.Equal(t, "forbidden", code)
}
