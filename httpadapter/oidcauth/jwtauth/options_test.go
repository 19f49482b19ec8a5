package jwtauth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
	"github.com/parley-go/parley/httpadapter/oidcauth/jwtauth"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key := issuertest.NewEC(t, "e")
	for field, spoil := range map[string]func(*jwtauth.Options){
		"Issuer":         func(o *jwtauth.Options) { o.Issuer = "" },
		"Audience":       func(o *jwtauth.Options) { o.Audience = nil },
		"Keys are":       func(o *jwtauth.Options) { o.Keys = nil },
		"Leeway":         func(o *jwtauth.Options) { o.Leeway = time.Hour },
		"MaxTokenBytes":  func(o *jwtauth.Options) { o.MaxTokenBytes = -1 },
		"Mapping.Tenant": func(o *jwtauth.Options) { o.Claims.Tenant = "" },
	} {
		o := options(iss, key)
		_, err := jwtauth.New(o)
		require.NoError(t, err)
		spoil(o)
		_, err = jwtauth.New(o)
		require.ErrorContains(t, err, field)
	}
	_, err := jwtauth.New(nil)
	for _, field := range []string{"Issuer", "Audience", "Keys", "Mapping.Tenant", "Mapping.Everyone"} {
		require.ErrorContains(t, err, field, "all faults are told at once")
	}
}

func TestNewRefusesUnfitKeys(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	good, ec := issuertest.NewRSA(t, "r"), issuertest.NewEC(t, "e")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	secret := conversation.Secret(strings.Repeat("s", 64))
	for i, key := range []jwtauth.Key{
		{},
		{Algorithm: "none"},
		{Algorithm: "none", Public: good.Public},
		{Algorithm: "rs256", Public: good.Public},
		{Public: good.Public},
		{Algorithm: "RS256"},
		{Algorithm: "RS256", Public: (*rsa.PublicKey)(nil)},
		{Algorithm: "RS256", Public: &rsa.PublicKey{}},
		{Algorithm: "RS256", Public: ec.Public},
		{Algorithm: "RS256", Public: good.Private},
		{Algorithm: "RS256", Public: &small.PublicKey},
		{Algorithm: "RS256", Public: []byte(secret)},
		{Algorithm: "RS256", Secret: secret},
		{Algorithm: "RS256", Public: good.Public, Secret: secret},
		{Algorithm: "ES256", Public: good.Public},
		{Algorithm: "ES256", Public: &p384.PublicKey},
		{Algorithm: "ES384", Public: ec.Public},
		{Algorithm: "ES256", Public: (*ecdsa.PublicKey)(nil)},
		{Algorithm: "EdDSA", Public: ed25519.PublicKey("short")},
		{Algorithm: "EdDSA", Public: ec.Public},
		{Algorithm: "HS256"},
		{Algorithm: "HS256", Secret: secret[:31]},
		{Algorithm: "HS384", Secret: secret[:47]},
		{Algorithm: "HS512", Secret: secret[:63]},
		{Algorithm: "HS256", Public: good.Public},
		{Algorithm: "HS256", Public: good.Public, Secret: secret},
	} {
		o := options(iss, good)
		o.Keys = append(o.Keys, key)
		_, err := jwtauth.New(o)
		require.ErrorContains(t, err, "Keys[1]", "%d: %+v", i, key)
		require.NotContains(t, err.Error(), string(secret))
	}
	for _, key := range []jwtauth.Key{
		{Algorithm: "HS256", Secret: secret[:32]},
		{Algorithm: "HS512", Secret: secret},
		{Algorithm: "PS512", Public: good.Public},
		{Algorithm: "ES384", Public: &p384.PublicKey},
	} {
		o := options(iss)
		o.Keys = []jwtauth.Key{key}
		_, err := jwtauth.New(o)
		require.NoError(t, err)
	}
	require.NotContains(t, fmt.Sprintf("%+v %#v", jwtauth.Key{Secret: secret}, &jwtauth.Key{Secret: secret}), string(secret))
}
