package pgstore_test

import (
	"testing"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		s, _ := setup(t)
		return s
	})
}

func TestTwoStoresOnOneDatabase(t *testing.T) {
	t.Parallel()
	storetest.RunPair(t, func(t *testing.T) (store.Store, store.Store) {
		t.Helper()
		a, b := setupPair(t)
		return a, b
	})
}

// The two stores answer the same random operations alike.
func TestTwins_MemoryAndPostgreSQL(t *testing.T) {
	t.Parallel()
	storetest.RunTwins(t,
		func(*testing.T) store.Store { return memstore.New(nil) },
		func(t *testing.T) store.Store {
			t.Helper()
			s, _ := setup(t)
			return s
		})
}

func TestModel(t *testing.T) {
	t.Parallel()
	storetest.RunModel(t, func(t *testing.T) store.Store {
		t.Helper()
		s, _ := setup(t)
		return s
	})
}

func TestLinearizable(t *testing.T) {
	t.Parallel()
	storetest.RunLinearizable(t, func(t *testing.T) store.Store {
		t.Helper()
		s, _ := setup(t)
		return s
	}, storetest.Options{})
}
