// Package issuertest is an issuer of tokens for tests: real keys, published over
// a loopback address, and tokens signed with them, good ones and bad ones.
package issuertest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// Audience is whom good tokens are for.
const Audience = "https://chat.example.com"

// Now is the time at which good tokens are good.
var Now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Issuer publishes keys. It is safe for concurrent use.
type Issuer struct {
	URL string

	mu      sync.Mutex
	keys    []*Key
	fetches int
	answer  http.HandlerFunc // in place of the keys, unless nil
}

// New starts an issuer without keys, which ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	iss := &Issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"issuer": iss.URL, "jwks_uri": iss.KeysURL()})
	})
	mux.HandleFunc("GET /keys", iss.serveKeys)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	iss.URL = server.URL
	return iss
}

// KeysURL is where the keys are.
func (iss *Issuer) KeysURL() string { return iss.URL + "/keys" }

// Publish replaces the keys.
func (iss *Issuer) Publish(keys ...*Key) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.keys = keys
}

// Answer makes the issuer answer something else than its keys; nil undoes it.
func (iss *Issuer) Answer(h http.HandlerFunc) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.answer = h
}

// Fetches is how often the keys were asked for.
func (iss *Issuer) Fetches() int {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.fetches
}

func (iss *Issuer) serveKeys(w http.ResponseWriter, r *http.Request) {
	iss.mu.Lock()
	iss.fetches++
	answer, set := iss.answer, jose.JSONWebKeySet{}
	for _, k := range iss.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: k.Method.Alg(), Use: "sig"})
	}
	iss.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	writeJSON(w, set)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// Claims returns those of a good token at Now, with these changes; nil takes one
// away.
func (iss *Issuer) Claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": iss.URL, "aud": Audience, "sub": "alice", "name": "Alice", "tenant": "acme",
		"iat": Now.Unix(), "exp": Now.Add(time.Hour).Unix(), "scope": "openid chat:read",
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// Key is a key of the issuer.
type Key struct {
	ID      string
	Method  jwt.SigningMethod
	Private crypto.Signer
	Public  crypto.PublicKey
}

// NewRSA makes a key for RS256.
func NewRSA(t testing.TB, id string) *Key {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return &Key{ID: id, Method: jwt.SigningMethodRS256, Private: k, Public: &k.PublicKey}
}

// NewEC makes a key for ES256.
func NewEC(t testing.TB, id string) *Key {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return &Key{ID: id, Method: jwt.SigningMethodES256, Private: k, Public: &k.PublicKey}
}

// Sign makes a token of claims.
func (k *Key) Sign(t testing.TB, claims jwt.MapClaims) string {
	t.Helper()
	return k.SignWith(t, claims, nil)
}

// SignWith makes a token of claims, with these changes to its header; nil takes
// one away.
func (k *Key) SignWith(t testing.TB, claims jwt.MapClaims, header map[string]any) string {
	t.Helper()
	return sign(t, k.Method, k.Private, k.ID, claims, header)
}

func sign(t testing.TB, method jwt.SigningMethod, key any, id string, claims jwt.MapClaims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = id
	maps.Copy(token.Header, header)
	maps.DeleteFunc(token.Header, func(_ string, v any) bool { return v == nil })
	signed, err := token.SignedString(key)
	require.NoError(t, err)
	return signed
}

// Request carries a token as a client sends it.
func Request(token string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/conversations", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}
