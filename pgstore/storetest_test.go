package pgstore_test

import (
	"testing"

	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		s, _ := setup(t)
		return s
	})
}

func TestTwoStoresOnOneDatabase(t *testing.T) {
	t.Parallel()
	storetest.RunPair(t, func(t *testing.T) (store.Store, store.Store) {
		a, b := setupPair(t)
		return a, b
	})
}
