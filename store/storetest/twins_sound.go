package storetest

import (
	"slices"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// requireSound requires what holds of a conversation at any time, and of what
// it was before.
func (m *machine) requireSound(c *twinConversation, before, p picture) {
	m.Helper()
	if p.Missing {
		return
	}
	row := p.Conversation
	require.Equal(m, row.Version, p.Version)
	require.Equal(m, sequence(1, row.Version), seqs(p.Messages), "numbers from 1 without gaps")

	active, queued := 0, 0
	for _, r := range p.Runs {
		m.requireSoundRun(r)
		switch {
		case r.Status.Terminal():
			for _, n := range p.Nudges[r.ID] {
				require.Contains(m, []store.NudgeState{store.NudgeApplied, store.NudgeReturned}, n.State)
			}
		case r.Queued:
			queued++
		default:
			active++
		}
		if r.ID == row.LastRunID {
			require.Equal(m, r.Status, row.LastRunStatus)
		}
		require.LessOrEqual(m, r.BaseVersion, row.Version)
	}
	require.Equal(m, []int{active, queued}, []int{row.Active, row.Queued}, "active and queued runs")
	if !c.raced {
		require.LessOrEqual(m, active, 1, "one active run unless a race was asked for")
	}
	if !row.DeletedAt.IsZero() {
		require.Zero(m, active+queued, "a deleted conversation has no live run")
	}
	if active == 0 && queued > 0 {
		require.NotNil(m, row.Pending, "queued runs of a free conversation wait for outputs")
		for _, r := range p.Runs {
			require.False(m, r.Queued && c.settling[r.ID.String()], "and they are not the ones that settle them")
		}
	}
	m.requireSuccessor(before, p)
}

func (m *machine) requireSoundRun(r store.Run) {
	m.Helper()
	running := r.Status == store.RunRunning
	require.Equal(m, running, r.Owner != "")
	require.Equal(m, running, !r.LeaseUntil.IsZero())
	require.Equal(m, r.Status.Terminal(), !r.CompletedAt.IsZero())
	require.Equal(m, r.StartedAt.IsZero(), r.Attempt == 0)
	if !r.StartedAt.IsZero() {
		require.Equal(m, r.StartedAt.Add(r.Timeout), r.Deadline)
	}
	if r.Queued {
		require.Equal(m, store.RunPending, r.Status)
		require.Zero(m, r.Fence)
	}
}

// requireSuccessor requires what holds between one look and the next.
func (m *machine) requireSuccessor(before, p picture) {
	m.Helper()
	old, row := before.Conversation, p.Conversation
	if before.Missing || old.UpdatedAt.IsZero() {
		return
	}
	require.GreaterOrEqual(m, row.Version, old.Version)
	require.Equal(m, before.Messages, slices.Concat(p.Messages[:len(before.Messages)]), "messages never change")
	require.False(m, row.UpdatedAt.Before(old.UpdatedAt))
	changed := old
	changed.UpdatedAt = row.UpdatedAt
	states := map[string]store.RunStatus{}
	for _, r := range before.Runs {
		states[r.ID.String()] = r.Status
	}
	moved := len(before.Runs) != len(p.Runs)
	for _, r := range p.Runs {
		was, known := states[r.ID.String()]
		moved = moved || was != r.Status
		if known && was.Terminal() {
			require.Equal(m, was, r.Status, "terminal is final")
		}
	}
	if plainRow(changed) != plainRow(row) || moved {
		require.True(m, row.UpdatedAt.After(old.UpdatedAt), "UpdatedAt strictly grows with every change")
	}
	require.False(m, row.ActivityAt.Before(old.ActivityAt))
	require.Equal(m, old.CreatedAt, row.CreatedAt)
}

// plainRow tells two rows apart, times too.
func plainRow(c store.Conversation) string {
	return plain(c) + c.ActivityAt.Format(time.RFC3339Nano) + c.DeletedAt.Format(time.RFC3339Nano)
}
