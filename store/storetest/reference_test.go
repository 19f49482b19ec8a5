package storetest_test

import (
	"testing"

	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/internal/reference"
)

// The reference passes the suite that compares others with it.
func TestReference(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return reference.New("") })
}

func TestReference_Pair(t *testing.T) {
	t.Parallel()
	storetest.RunPair(t, func(t *testing.T) (a, b store.Store) {
		s := reference.New("")
		return s, s
	})
}
