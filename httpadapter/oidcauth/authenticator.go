package oidcauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/bearer"
)

// Authenticator tells callers by their tokens. Make one with New. It is safe for
// concurrent use, keeps nothing running, and needs no closing.
type Authenticator struct {
	opts    Options
	keys    *oidc.RemoteKeySet
	fetcher *fetcher
	config  *oidc.Config
	times   *jwt.Validator
}

// New makes an Authenticator. Unless Options.KeysURL is given it asks the issuer
// for it, within ctx, and fails when the issuer does not answer. Its error names
// every option that cannot be what it is.
func New(ctx context.Context, opts *Options) (*Authenticator, error) {
	if opts == nil {
		opts = &Options{}
	}
	a := &Authenticator{opts: opts.withDefaults()}
	if err := a.opts.validate(); err != nil {
		return nil, err
	}
	url := a.opts.KeysURL
	if url == "" {
		var err error
		if url, err = a.discover(ctx); err != nil {
			return nil, fmt.Errorf("oidcauth: ask %s for its keys: %w", a.opts.Issuer, err)
		}
	}
	a.fetcher = &fetcher{interval: a.opts.RefreshInterval, now: a.opts.Now}
	a.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), a.fetcher.client(a.opts.Client)), url)
	a.config = &oidc.Config{
		SupportedSigningAlgs: a.opts.Algorithms,
		// These two are for the Validator: go-oidc has one audience and no leeway.
		SkipClientIDCheck: true, SkipExpiryCheck: true,
	}
	a.times = jwt.NewValidator(
		jwt.WithAudience(a.opts.Audience...),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(a.opts.Leeway),
		jwt.WithTimeFunc(a.opts.Now),
	)
	return a, nil
}

// discover asks the issuer where its keys are.
func (a *Authenticator) discover(ctx context.Context) (string, error) {
	f := &fetcher{now: a.opts.Now}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, f.client(a.opts.Client)), a.opts.Issuer)
	if err != nil {
		return "", err
	}
	var document struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return "", err
	}
	if !safeURL(document.KeysURL) {
		return "", errUnsafe
	}
	return document.KeysURL, nil
}

// Authenticate tells who asks. It is made for httpadapter.Options.Authenticate.
// Whatever is wrong with the token, the error is httpadapter.ErrUnauthenticated.
// When nobody can tell, because the issuer does not give its keys, it is
// conversation.ErrUnavailable. Both wrap the reason, which is for the host's log.
func (a *Authenticator) Authenticate(r *http.Request) (conversation.Caller, error) {
	caller, err := a.caller(r)
	switch {
	case err == nil:
		return caller, nil
	case errors.Is(err, conversation.ErrUnavailable):
		return conversation.Caller{}, err
	default:
		return conversation.Caller{}, fmt.Errorf("%w: %w", httpadapter.ErrUnauthenticated, err)
	}
}

func (a *Authenticator) caller(r *http.Request) (conversation.Caller, error) {
	raw, err := bearer.Token(r, a.opts.MaxTokenBytes)
	if err != nil {
		return conversation.Caller{}, err
	}
	if err := bearer.CheckHeader(raw, a.opts.Types); err != nil {
		return conversation.Caller{}, err
	}
	keys := &keySet{a: a}
	token, err := oidc.NewVerifier(a.opts.Issuer, keys, a.config).Verify(r.Context(), raw)
	if err != nil {
		if keys.down {
			err = fmt.Errorf("%w: %w", conversation.ErrUnavailable, err)
		}
		return conversation.Caller{}, err
	}
	found := jwt.MapClaims{}
	if err := token.Claims(&found); err != nil {
		return conversation.Caller{}, err
	}
	if err := a.times.Validate(found); err != nil {
		return conversation.Caller{}, err
	}
	return a.opts.Claims.Caller(found)
}

// keySet verifies one token. Beside the answer it keeps whether there were keys
// to ask, which go-oidc does not tell in its error.
type keySet struct {
	a    *Authenticator
	down bool
}

// VerifySignature implements oidc.KeySet.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.a.keys.VerifySignature(ctx, token)
	if errors.Is(err, errTooSoon) {
		// The keys may have come after this token had missed them, and before it
		// asked for them itself.
		payload, err = k.a.keys.VerifySignature(ctx, token)
	}
	// An error that wraps another one is that of fetching keys. That no key has
	// signed the token is an error with nothing below it.
	if err == nil || errors.Unwrap(err) == nil {
		return payload, err
	}
	switch {
	case ctx.Err() != nil: // the request's time is over, and the fetch goes on for others
		k.down = true
	case errors.Is(err, errTooSoon):
		k.down = k.a.fetcher.down()
	default:
		k.a.fetcher.note()
		k.down = true
	}
	return nil, err
}
