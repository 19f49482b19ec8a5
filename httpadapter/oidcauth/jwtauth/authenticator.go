// Package jwtauth authenticates requests by bearer tokens that are JWTs, signed
// with keys that the host knows. For an issuer that publishes its keys, take
// package oidcauth.
//
//	auth, err := jwtauth.New(&jwtauth.Options{
//		Issuer:   "https://login.example.com/",
//		Audience: []string{"https://chat.example.com"},
//		Keys:     []jwtauth.Key{{ID: "2026-10", Algorithm: "ES256", Public: key}},
//		Claims:   claims.Mapping{Tenant: "org_id", Everyone: conversation.PermReadWrite},
//	})
//	...
//	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: auth.Authenticate})
//
// A token is accepted when its signature is that of a key of Options, made by
// that key's own algorithm, when its issuer and audience are those of Options,
// when it has an expiry that is not over, and when Options.Claims finds a tenant
// and a user in it. Checking signatures and claims is golang-jwt's work.
package jwtauth

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/bearer"
)

// Authenticator tells callers by their tokens. Make one with New. It is safe for
// concurrent use.
type Authenticator struct {
	opts   Options
	parser *jwt.Parser
}

// New makes an Authenticator. Its error names every option that cannot be what
// it is.
func New(opts *Options) (*Authenticator, error) {
	if opts == nil {
		opts = &Options{}
	}
	a := &Authenticator{opts: opts.withDefaults()}
	if err := a.opts.validate(); err != nil {
		return nil, err
	}
	var algorithms []string
	for i := range a.opts.Keys {
		algorithms = append(algorithms, a.opts.Keys[i].Algorithm)
	}
	a.parser = jwt.NewParser(
		jwt.WithValidMethods(algorithms),
		jwt.WithIssuer(a.opts.Issuer),
		jwt.WithAudience(a.opts.Audience...),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(a.opts.Leeway),
		jwt.WithTimeFunc(a.opts.Now),
		jwt.WithStrictDecoding(),
	)
	return a, nil
}

// Authenticate tells who asks. It is made for httpadapter.Options.Authenticate.
// Whatever is wrong with the token, the error is httpadapter.ErrUnauthenticated;
// it wraps the reason, which is for the host's log and has nothing of the token
// in it but, at most, the tenant.
func (a *Authenticator) Authenticate(r *http.Request) (conversation.Caller, error) {
	caller, err := a.caller(r)
	if err != nil {
		return conversation.Caller{}, fmt.Errorf("%w: %w", httpadapter.ErrUnauthenticated, err)
	}
	return caller, nil
}

func (a *Authenticator) caller(r *http.Request) (conversation.Caller, error) {
	token, err := bearer.Token(r, a.opts.MaxTokenBytes)
	if err != nil {
		return conversation.Caller{}, err
	}
	if err := bearer.CheckHeader(token, a.opts.Types); err != nil {
		return conversation.Caller{}, err
	}
	found := jwt.MapClaims{}
	if _, err := a.parser.ParseWithClaims(token, found, a.keys); err != nil {
		return conversation.Caller{}, err
	}
	return a.opts.Claims.Caller(found)
}

// errNoKey: no key of the options has the token's id and algorithm.
var errNoKey = errors.New("no key for this token")

// keys selects the keys that may verify a token: those of its algorithm, and of
// its key id if it names one.
func (a *Authenticator) keys(token *jwt.Token) (any, error) {
	id, _ := token.Header["kid"].(string)
	var set jwt.VerificationKeySet
	for i := range a.opts.Keys {
		k := &a.opts.Keys[i]
		if k.Algorithm != token.Method.Alg() || id != "" && k.ID != "" && k.ID != id {
			continue
		}
		if k.Secret != "" {
			set.Keys = append(set.Keys, []byte(k.Secret.Reveal()))
		} else {
			set.Keys = append(set.Keys, k.Public)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errNoKey
	}
	return set, nil
}
