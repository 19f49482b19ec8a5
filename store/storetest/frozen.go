package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// RunFrozen holds a store whose clock stands still to what the contract says of
// equal times. It is for stores that can be given a clock; open gives a fresh
// and empty one.
func RunFrozen(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, []topic{frozen}, func(t *testing.T) (store.Store, store.Store) {
		s := open(t)
		return s, s
	})
}

var frozen = topic{"Frozen", []rule{
	{"Q1_EqualActivityIsOrderedByID", frozenList},
	{"Q2_KeyWalkThroughEqualActivity", frozenWalk},
	{"UpdatedAtStrictlyGrows", frozenUpdates},
	{"RunsArePagedThroughEqualTimes", frozenRuns},
}}

// still makes conversations at one and the same time, with ids in no order.
func (e *env) still(n int) []uuid.UUID {
	e.Helper()
	var all []uuid.UUID
	var at time.Time
	for range n {
		c := e.create(func(n *store.NewConversation) { n.ID = uuid.New() })
		require.True(e, at.IsZero() || at.Equal(c.ActivityAt), "the clock does not stand still")
		at = c.ActivityAt
		all = append(all, c.ID)
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return all
}

func frozenList(e *env) {
	want := e.still(12)
	require.Equal(e, want, e.listed(store.ListQuery{Sort: store.SortOldest}), "ascending")
	slices.Reverse(want)
	require.Equal(e, want, e.listed(store.ListQuery{Sort: store.SortRecent}), "descending")
}

func frozenWalk(e *env) {
	want := e.still(9)
	for limit := 1; limit <= 10; limit++ {
		require.Equal(e, want, e.walk(store.ListQuery{Sort: store.SortOldest, Limit: limit}, nil))
	}
	slices.Reverse(want)
	for limit := 1; limit <= 10; limit++ {
		require.Equal(e, want, e.walk(store.ListQuery{Sort: store.SortRecent, Limit: limit}, nil))
	}
}

func frozenUpdates(e *env) {
	c := e.create()
	last := c.UpdatedAt
	for i, change := range []func(){
		func() { e.update(c, title("t")) },
		func() { e.say(c.ID, 2) },
		func() { e.finish(e.start(c.ID), 1) },
		func() { e.release(e.start(c.ID).RunKey()) },
		func() { e.claimAll(long) },
	} {
		change()
		now := e.get(c.ID).UpdatedAt
		require.True(e, now.After(last), "change %d", i)
		last = now
	}
}

func frozenRuns(e *env) {
	c := e.create()
	for range 6 {
		e.start(c.ID, busy(store.BusyRace), func(s *store.StartRun) { s.ID = uuid.New() })
	}
	want := runIDs(e.runs(c.ID, store.RunQuery{}))
	require.Len(e, want, 6)
	var got []uuid.UUID
	var after *store.RunCursor
	for range want {
		page := e.runs(c.ID, store.RunQuery{After: after, Limit: 1})
		require.Len(e, page, 1)
		got = append(got, page[0].ID)
		after = &store.RunCursor{CreatedAt: page[0].CreatedAt, ID: page[0].ID}
	}
	require.Equal(e, want, got)
	require.Empty(e, e.runs(c.ID, store.RunQuery{After: after, Limit: 1}))
}
