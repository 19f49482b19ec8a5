package memstore_test

import (
	"testing"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New(nil) })
}

// One shard brings everything under one lock, where a forgotten one would hang.
func TestStore_OneShard(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New(&memstore.Options{Shards: 1}) })
}

func TestStore_Linearizable(t *testing.T) {
	t.Parallel()
	storetest.RunLinearizable(t, func(*testing.T) store.Store { return memstore.New(nil) }, storetest.Options{})
}
