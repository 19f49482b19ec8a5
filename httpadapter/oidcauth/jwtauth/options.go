package jwtauth

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/bearer"
)

// Defaults of Options.
const (
	DefaultLeeway        = 30 * time.Second
	DefaultMaxTokenBytes = bearer.DefaultMaxBytes
)

// Bounds on Options.
const (
	maxLeeway   = 5 * time.Minute
	minRSABits  = 2048
	minHMACSize = 32 // bytes; the longer hashes ask for more
)

// Options say which tokens are accepted and whose they are. Issuer, Audience,
// Keys and Claims are needed.
type Options struct {
	// Issuer is what "iss" must be, exactly.
	Issuer string

	// Audience are the names of this service. A token must be for one of them.
	Audience []string

	// Keys verify tokens. To change the key of an issuer, give the new one beside
	// the old one until the last token of that has expired.
	Keys []Key

	// Claims says who the caller is.
	Claims claims.Mapping

	// Types are the types ("typ") a token may have, for issuers that sign tokens
	// of several kinds with one key: "at+jwt" takes access tokens (RFC 9068) only.
	// Empty takes every type.
	Types []string

	// Leeway is how far the issuer's clock may be from this one, for "exp" and
	// "nbf". Default 30 s, at most 5 minutes.
	Leeway time.Duration

	// MaxTokenBytes bounds a token; a longer one is refused unread. Default 8 KiB.
	MaxTokenBytes int

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Key verifies tokens by one algorithm and no other, so that no token can have
// a public key taken for a shared secret.
type Key struct {
	// ID is what "kid" must be of a token that this key verifies. A key without
	// one is tried for every token of its algorithm.
	ID string

	// Algorithm is RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512,
	// EdDSA, HS256, HS384 or HS512.
	Algorithm string

	// Public is the issuer's key, for all but HS*: *rsa.PublicKey of at least 2048
	// bits, *ecdsa.PublicKey on the curve of the algorithm, or ed25519.PublicKey.
	Public crypto.PublicKey

	// Secret is the key that the issuer shares with this service, for HS*: as many
	// bytes as the hash has, or more. Whoever has it can make tokens; prefer a
	// public key.
	Secret conversation.Secret
}

func (o *Options) withDefaults() Options {
	out := *o
	out.Audience, out.Keys, out.Types = slices.Clone(o.Audience), slices.Clone(o.Keys), slices.Clone(o.Types)
	out.Leeway = cmp.Or(out.Leeway, DefaultLeeway)
	out.MaxTokenBytes = cmp.Or(out.MaxTokenBytes, DefaultMaxTokenBytes)
	if out.Now == nil {
		out.Now = time.Now
	}
	return out
}

// validate names every field that cannot be what it is.
func (o *Options) validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("jwtauth: Options."+format, args...))
		}
	}
	bad(o.Issuer == "", "Issuer is needed")
	bad(len(o.Audience) == 0 || slices.Contains(o.Audience, ""), "Audience is needed, and none may be empty")
	bad(len(o.Keys) == 0, "Keys are needed")
	for i := range o.Keys {
		if reason := o.Keys[i].fault(); reason != "" {
			bad(true, "Keys[%d] %s", i, reason)
		}
	}
	bad(o.Leeway < 0 || o.Leeway > maxLeeway, "Leeway must be between 0 and %s", maxLeeway)
	bad(o.MaxTokenBytes < 0, "MaxTokenBytes must not be negative")
	if err := o.Claims.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("jwtauth: Options.Claims: %w", err))
	}
	return errors.Join(errs...)
}

// fault says why a key cannot serve; "" when it can.
func (k *Key) fault() string {
	method := jwt.GetSigningMethod(k.Algorithm)
	if h, ok := method.(*jwt.SigningMethodHMAC); ok {
		switch {
		case k.Public != nil:
			return "has a public key for an algorithm of shared secrets"
		case len(k.Secret) < max(minHMACSize, h.Hash.Size()):
			return fmt.Sprintf("needs a secret of at least %d bytes", max(minHMACSize, h.Hash.Size()))
		}
		return ""
	}
	if k.Secret != "" {
		return "has a secret for an algorithm of public keys"
	}
	switch m := method.(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		if p, ok := k.Public.(*rsa.PublicKey); !ok || p == nil || p.N == nil || p.N.BitLen() < minRSABits {
			return fmt.Sprintf("needs an *rsa.PublicKey of at least %d bits", minRSABits)
		}
	case *jwt.SigningMethodECDSA:
		if p, ok := k.Public.(*ecdsa.PublicKey); !ok || p == nil || p.Curve == nil || p.Curve.Params().BitSize != m.CurveBits {
			return fmt.Sprintf("needs an *ecdsa.PublicKey on the curve of %d bits", m.CurveBits)
		}
	case *jwt.SigningMethodEd25519:
		if p, ok := k.Public.(ed25519.PublicKey); !ok || len(p) != ed25519.PublicKeySize {
			return "needs an ed25519.PublicKey"
		}
	default: // "none" too
		return fmt.Sprintf("has the algorithm %q, which is not taken", k.Algorithm)
	}
	return ""
}
