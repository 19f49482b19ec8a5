package storetest

import (
	"errors"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// requireConflict requires the typed conflict with both of its numbers.
func (e *env) requireConflict(err error, expected, current int64) {
	e.Helper()
	require.ErrorIs(e, err, store.ErrVersionConflict)
	var conflict *store.VersionConflictError
	require.ErrorAs(e, err, &conflict)
	require.Equal(e, store.VersionConflictError{Expected: expected, Current: current}, *conflict)
}

// requireConflictAt requires the typed conflict and the head it names.
func (e *env) requireConflictAt(err error, current int64) {
	e.Helper()
	require.ErrorIs(e, err, store.ErrVersionConflict)
	var conflict *store.VersionConflictError
	require.ErrorAs(e, err, &conflict)
	require.Equal(e, current, conflict.Current)
}

// requireActive requires the typed refusal and one of the runs it may name.
func (e *env) requireActive(err error, runs ...uuid.UUID) {
	e.Helper()
	require.ErrorIs(e, err, store.ErrRunActive)
	var active *store.RunActiveError
	require.ErrorAs(e, err, &active)
	require.Contains(e, runs, active.RunID)
}

func isFenced(err error) bool { return errors.Is(err, store.ErrFenced) }
