package storetest

import (
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// nudge hands text to a running run.
func (e *env) nudge(r *store.Run, text string) *store.Nudge {
	e.Helper()
	n, err := e.store.AddNudge(e.ctx, e.scope, &store.Nudge{ID: newID(), RunID: r.ID, UserID: "ann", Text: text})
	require.NoError(e, err)
	require.Equal(e, store.NudgeWaiting, n.State)
	return n
}

// requireNudges requires the run's nudges, each as its text and state.
func (e *env) requireNudges(run uuid.UUID, want ...string) {
	e.Helper()
	nudges, err := e.store.Nudges(e.ctx, e.scope, run)
	require.NoError(e, err)
	got := []string{}
	for _, n := range nudges {
		got = append(got, n.Text+" "+string(n.State))
	}
	require.Equal(e, want, got)
}
