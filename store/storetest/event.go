package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// packs stores packs of the run, one call for each.
func (e *env) packs(r *store.Run, packs ...store.EventPack) {
	e.Helper()
	for _, p := range packs {
		errs, err := e.store.AppendEvents(e.ctx, []store.EventAppend{{Key: r.RunKey(), EventPack: p}})
		require.NoError(e, err)
		require.Equal(e, []error{nil}, errs)
	}
}

// requirePacks requires the stored packs of the run.
func (e *env) requirePacks(run uuid.UUID, want ...store.EventPack) {
	e.Helper()
	page, err := e.store.ReadEvents(e.ctx, e.scope, run, 0, everything)
	require.NoError(e, err)
	require.False(e, page.More)
	require.Equal(e, want, page.Packs)
}
