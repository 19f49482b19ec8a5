package jwtauth_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
	"github.com/parley-go/parley/httpadapter/oidcauth/jwtauth"
	"github.com/parley-go/parley/memstore"
)

// A server of conversations that takes the tokens of one issuer.
func Example() {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	auth, err := jwtauth.New(&jwtauth.Options{
		Issuer:   "https://login.example.com/",
		Audience: []string{"https://chat.example.com"},
		Keys:     []jwtauth.Key{{ID: "2026-11", Algorithm: "EdDSA", Public: public}},
		Claims: claims.Mapping{
			Tenant: "org_id",
			Grants: []claims.Grant{
				{Claim: "scope", Value: "chat:read", Permissions: conversation.PermRead},
				{Claim: "scope", Value: "chat:write", Permissions: conversation.PermWrite},
			},
		},
	})
	if err != nil {
		panic(err)
	}
	echo := conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error { return turn.Text(turn.InputText()) })
	engine, err := conversation.New(memstore.New(nil), echo, nil)
	if err != nil {
		panic(err)
	}
	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: auth.Authenticate})
	if err != nil {
		panic(err)
	}

	list := func(claims jwt.MapClaims) {
		token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
		token.Header["kid"] = "2026-11"
		signed, err := token.SignedString(private)
		if err != nil {
			panic(err)
		}
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/conversations", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+signed)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, http.StatusText(w.Code))
	}
	token := jwt.MapClaims{
		"iss": "https://login.example.com/", "aud": "https://chat.example.com", "sub": "ann", "org_id": "acme",
		"scope": "chat:read chat:write", "exp": time.Now().Add(time.Hour).Unix(),
	}
	list(token)
	token["scope"] = "openid"
	list(token)
	delete(token, "org_id")
	list(token)
	// Output:
	// 200 OK
	// 403 Forbidden
	// 401 Unauthorized
}
