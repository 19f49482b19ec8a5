package oidcauth_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/httpadapter/oidcauth"
	"github.com/parley-go/parley/httpadapter/oidcauth/internal/issuertest"
)

func TestRotation(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	first, second, third := issuertest.NewRSA(t, "1"), issuertest.NewEC(t, "2"), issuertest.NewRSA(t, "3")
	iss.Publish(first)
	f := setup(t, iss, nil)
	one, two, three := first.Sign(t, iss.Claims(nil)), second.Sign(t, iss.Claims(nil)), third.Sign(t, iss.Claims(nil))
	f.accepts(one)
	f.refuses(two)

	f.clock.pass(oidcauth.DefaultRefreshInterval)
	iss.Publish(first, second)
	f.accepts(two)
	f.accepts(one)

	f.clock.pass(oidcauth.DefaultRefreshInterval)
	iss.Publish(second, third)
	f.accepts(one) // the key is still remembered, until a token asks for a new one
	f.accepts(three)
	f.accepts(two)
	f.clock.pass(oidcauth.DefaultRefreshInterval)
	f.refuses(one)
}

// TestRotationUnderTheSameID changes a key and not its name.
func TestRotationUnderTheSameID(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	before, after := issuertest.NewRSA(t, "k"), issuertest.NewRSA(t, "k")
	iss.Publish(before)
	f := setup(t, iss, nil)
	f.accepts(before.Sign(t, iss.Claims(nil)))
	iss.Publish(after)
	f.clock.pass(oidcauth.DefaultRefreshInterval)
	f.accepts(after.Sign(t, iss.Claims(nil)))
	f.refuses(before.Sign(t, iss.Claims(nil)))
}

// TestMadeUpTokensDoNotFloodTheIssuer: each of them asks for a key that is not
// known, or has a signature that no key has made.
func TestMadeUpTokensDoNotFloodTheIssuer(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	key, forger := issuertest.NewRSA(t, "k"), issuertest.NewRSA(t, "k")
	iss.Publish(key)
	f := setup(t, iss, nil)
	f.accepts(key.Sign(t, iss.Claims(nil)))
	for range 3 {
		before := iss.Fetches()
		for i := range 20 {
			f.refuses(forger.SignWith(t, iss.Claims(nil), map[string]any{"kid": fmt.Sprint("unknown", i)}))
			f.refuses(forger.Sign(t, iss.Claims(nil)))
		}
		require.LessOrEqual(t, iss.Fetches()-before, 1)
		f.accepts(key.Sign(t, iss.Claims(nil)))
		f.clock.pass(oidcauth.DefaultRefreshInterval)
	}
}

// TestManyAtOnce lets the first tokens come together, and again while keys
// change: none that is good is refused, and few ask the issuer.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	keys := []*issuertest.Key{issuertest.NewEC(t, "0"), issuertest.NewEC(t, "1"), issuertest.NewEC(t, "2")}
	f := setup(t, iss, nil)
	for i, key := range keys {
		iss.Publish(keys[:i+1]...)
		f.clock.pass(time.Minute)
		good, unknown := key.Sign(t, iss.Claims(nil)), issuertest.NewEC(t, "x").Sign(t, iss.Claims(nil))
		begin := make(chan struct{})
		errs := make(chan error, 200)
		var wg sync.WaitGroup
		for n := range cap(errs) {
			wg.Go(func() {
				<-begin
				if n%4 == 3 {
					if _, err := f.Authenticate(issuertest.Request(unknown)); err == nil {
						errs <- fmt.Errorf("token %d of an unknown key was accepted", n)
					}
					return
				}
				if caller, err := f.Authenticate(issuertest.Request(good)); caller != alice {
					errs <- fmt.Errorf("token %d: %w", n, err)
				}
			})
		}
		close(begin)
		wg.Wait()
		require.Empty(t, errs)
		require.Equal(t, i+1, iss.Fetches())
	}
}

// TestManyAtOnceWhileAKeyChanges under the same id. Each token is held against
// the old key first, and meanwhile another may bring the new one.
func TestManyAtOnceWhileAKeyChanges(t *testing.T) {
	t.Parallel()
	iss := issuertest.New(t)
	keys := []*issuertest.Key{issuertest.NewRSA(t, "k"), issuertest.NewRSA(t, "k")}
	f := setup(t, iss, nil)
	for round := range 15 {
		key := keys[round%2]
		iss.Publish(key)
		f.clock.pass(time.Minute)
		token := key.Sign(t, iss.Claims(nil))
		errs := make(chan error, 64)
		var wg sync.WaitGroup
		for range cap(errs) {
			wg.Go(func() {
				if _, err := f.Authenticate(issuertest.Request(token)); err != nil {
					errs <- err
				}
			})
		}
		wg.Wait()
		require.Empty(t, errs, "round %d", round)
		require.Equal(t, round+1, iss.Fetches())
	}
}
