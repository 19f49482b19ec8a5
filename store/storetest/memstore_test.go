package storetest_test

import (
	"testing"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
)

// Two implementations that share no code agree on what the contract says.
func TestMemstore_Model(t *testing.T) {
	t.Parallel()
	storetest.RunModel(t, func(t *testing.T) store.Store { return memstore.New(nil) })
}
