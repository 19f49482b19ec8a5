package storetest

import (
	"slices"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var runListing = topic{"Runs", []rule{
	{"NewestFirst", runsNewest},
	{"PagesByCursor", runsPages},
	{"ByKey", runsByKey},
	{"ActiveOnly", runsActive},
	{"A2_RunsHaveTheirConversationsScope", runsScope},
	{"L6_OfADeletedConversationToo", runsDeleted},
}}

func (e *env) runs(id uuid.UUID, q store.RunQuery) []store.Run {
	e.Helper()
	if q.Limit == 0 {
		q.Limit = everything
	}
	runs, err := e.store.ListRuns(e.ctx, e.scope, id, &q)
	require.NoError(e, err)
	require.LessOrEqual(e, len(runs), q.Limit)
	return runs
}

func runIDs(runs []store.Run) []uuid.UUID {
	out := []uuid.UUID{}
	for _, r := range runs {
		out = append(out, r.ID)
	}
	return out
}

// someRuns makes runs in many states with ids in no order, oldest first.
func (e *env) someRuns(id uuid.UUID) []uuid.UUID {
	e.Helper()
	var all []uuid.UUID
	for i := range 8 {
		policy := store.BusyRace
		if i%4 == 3 {
			policy = store.BusyEnqueue
		}
		r := e.start(id, busy(policy), func(s *store.StartRun) { s.ID = uuid.New() })
		if i%4 == 1 {
			e.finish(r, 0)
		}
		all = append(all, r.ID)
		e.passed(r.CreatedAt)
	}
	return all
}

func runsNewest(e *env) {
	c := e.create()
	want := e.someRuns(c.ID)
	e.start(e.create().ID)
	slices.Reverse(want)
	got := e.runs(c.ID, store.RunQuery{})
	require.Equal(e, want, runIDs(got))
	require.Equal(e, want[:3], runIDs(e.runs(c.ID, store.RunQuery{Limit: 3})))
	for _, r := range got {
		require.Equal(e, *e.getRun(r.ID), r)
	}
	require.Empty(e, e.runs(e.create().ID, store.RunQuery{}))
}

func runsPages(e *env) {
	c := e.create()
	e.someRuns(c.ID)
	want := runIDs(e.runs(c.ID, store.RunQuery{}))
	for limit := 1; limit <= 9; limit++ {
		var got []uuid.UUID
		var after *store.RunCursor
		for {
			page := e.runs(c.ID, store.RunQuery{After: after, Limit: limit})
			got = append(got, runIDs(page)...)
			require.LessOrEqual(e, len(got), len(want), "the walk does not end")
			if len(page) < limit {
				break
			}
			last := page[limit-1]
			after = &store.RunCursor{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		require.Equal(e, want, got, "by %d", limit)
	}
}

func runsByKey(e *env) {
	c := e.create()
	a := e.start(c.ID, keyed("a"))
	e.finish(a, 0)
	b := e.start(c.ID, keyed("b"))
	e.start(c.ID, busy(store.BusyRace))
	other := e.create()
	e.start(other.ID, keyed("a"))
	require.Equal(e, []uuid.UUID{a.ID}, runIDs(e.runs(c.ID, store.RunQuery{Key: "a"})))
	require.Equal(e, []uuid.UUID{b.ID}, runIDs(e.runs(c.ID, store.RunQuery{Key: "b"})))
	require.Empty(e, e.runs(c.ID, store.RunQuery{Key: "%"}))
	require.Len(e, e.runs(c.ID, store.RunQuery{}), 3, "no key is no filter")
	require.Empty(e, e.runs(c.ID, store.RunQuery{Key: "a", Active: true}))
}

func runsActive(e *env) {
	crowd := e.crowd()
	var want []uuid.UUID
	for _, r := range crowd.alive() {
		want = append(want, r.ID)
	}
	require.ElementsMatch(e, want, runIDs(e.runs(crowd.c.ID, store.RunQuery{Active: true})), "those that are not terminal")
	require.Len(e, e.runs(crowd.c.ID, store.RunQuery{}), 6)
}

func runsScope(e *env) {
	c := e.create(func(n *store.NewConversation) {
		n.Participants = []store.Participant{{UserID: "bob", Member: true}}
	})
	r := e.start(c.ID)
	for _, scope := range []store.Scope{{Tenant: "acme", User: "bob"}, {Tenant: "acme", User: "admin", Wide: true}} {
		got, err := e.store.GetRun(e.ctx, scope, r.ID)
		require.NoError(e, err)
		require.Equal(e, r, got)
		_, err = e.store.ReadEvents(e.ctx, scope, r.ID, 0, 1)
		require.NoError(e, err)
	}
}

func runsDeleted(e *env) {
	crowd := e.crowd()
	_, _, err := e.store.DeleteConversation(e.ctx, e.scope, crowd.c.ID, nil)
	require.NoError(e, err)
	require.Len(e, e.runs(crowd.c.ID, store.RunQuery{}), 6)
	require.Empty(e, e.runs(crowd.c.ID, store.RunQuery{Active: true}))
	_, err = e.store.GetRun(e.ctx, e.scope, crowd.ended.ID)
	require.NoError(e, err)
}
