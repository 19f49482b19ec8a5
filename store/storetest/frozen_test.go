package storetest_test

import (
	"testing"
	"time"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/internal/reference"
	"github.com/stretchr/testify/require"
)

func standing() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func TestReference_Frozen(t *testing.T) {
	t.Parallel()
	storetest.RunFrozen(t, func(t *testing.T) store.Store { return reference.NewAt("", standing) })
}

func TestMemstore_Frozen(t *testing.T) {
	t.Parallel()
	storetest.RunFrozen(t, func(t *testing.T) store.Store { return memstore.New(&memstore.Options{Now: standing}) })
}

func TestFrozen_RejectsMutants(t *testing.T) {
	t.Parallel()
	for mutation, rule := range map[reference.Mutation]string{
		reference.ListUnstable:           "Q1_EqualActivityIsOrderedByID",
		reference.CursorIsInclusive:      "Q2_KeyWalkThroughEqualActivity",
		reference.UpdatedAtByMillisecond: "UpdatedAtStrictlyGrows",
		reference.RunCursorIgnored:       "RunsArePagedThroughEqualTimes",
	} {
		require.Empty(t, storetest.FrozenFails(rule, func() store.Store { return reference.NewAt("", standing) }))
		require.NotEmpty(t, storetest.FrozenFails(rule, func() store.Store { return reference.NewAt(mutation, standing) }), rule)
	}
}
