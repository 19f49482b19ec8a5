package storetest

import (
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var idempotency = topic{"Idempotency", []rule{
	{"R3_SameKeyReturnsTheRun", keyReplays},
	{"R3_SameIDReturnsTheRun", idReplays},
	{"R3_AnotherPayloadIsAMismatch", keyMismatch},
	{"R3_KeysAreAConversations", keysApart},
	{"R3_NoKeyIsNoKey", keyEmpty},
	{"R3_WhateverItsState", keyInEveryState},
	{"R2_AlthoughStaleBusyAndPending", keyFirst},
}}

func keyed(key string) func(*store.StartRun) {
	return func(s *store.StartRun) { s.Key = key }
}

// requireReplayed requires that the start is answered with the run as it is.
func (e *env) requireReplayed(s *store.StartRun, r *store.Run) {
	e.Helper()
	e.unchanged(s.ConversationID, func() {
		result, err := e.other.StartRun(e.ctx, s)
		require.NoError(e, err)
		require.True(e, result.Replayed)
		require.Equal(e, *e.getRun(r.ID), result.Run)
	})
}

func keyReplays(e *env) {
	c := e.create()
	s := e.newStart(c.ID, keyed("k"))
	first, err := e.store.StartRun(e.ctx, s)
	require.NoError(e, err)
	require.False(e, first.Replayed)
	e.requireReplayed(s, &first.Run)
	again := e.newStart(c.ID, keyed("k"), unclaimed, settling, busy(store.BusyEnqueue))
	again.Spec, again.Scope = []byte(`"other"`), store.Scope{Tenant: "acme", User: "bob", Wide: true}
	require.NotEqual(e, s.ID, again.ID)
	e.requireReplayed(again, &first.Run)
}

func idReplays(e *env) {
	c := e.create()
	s := e.newStart(c.ID)
	first, err := e.store.StartRun(e.ctx, s)
	require.NoError(e, err)
	e.requireReplayed(s, &first.Run)
	e.finish(&first.Run, 1)
	e.requireReplayed(s, &first.Run)
}

func keyMismatch(e *env) {
	c := e.create()
	r := e.start(c.ID, keyed("k"))
	for _, key := range []string{"second", "third"} {
		e.unchanged(c.ID, func() {
			_, err := e.store.StartRun(e.ctx, e.newStart(c.ID, keyed("k"), func(s *store.StartRun) { s.Fingerprint = "other" }))
			require.ErrorIs(e, err, store.ErrIdempotencyMismatch)
		})
		e.finish(r, 0)
		r = e.start(c.ID, keyed(key))
	}
}

func keysApart(e *env) {
	a, b := e.create(), e.create()
	foreign := e.createFor("globex", "ann")
	first := e.start(a.ID, keyed("k"))
	require.NotEqual(e, first.ID, e.start(b.ID, keyed("k")).ID)
	other, err := e.store.StartRun(e.ctx, e.newStart(foreign.ID, keyed("k"), func(s *store.StartRun) { s.Scope.Tenant = "globex" }))
	require.NoError(e, err)
	require.False(e, other.Replayed)
	e.finish(first, 0)
	for _, key := range []string{"K", "k ", " k", "k%", "_"} {
		r := e.start(a.ID, keyed(key))
		require.NotEqual(e, first.ID, r.ID, "%q is another key", key)
		e.finish(r, 0)
	}
}

func keyEmpty(e *env) {
	c := e.create()
	first := e.start(c.ID)
	e.finish(first, 0)
	second := e.start(c.ID, func(s *store.StartRun) { s.Fingerprint = "other" })
	require.NotEqual(e, first.ID, second.ID)
	third := e.enqueue(c.ID)
	require.NotEqual(e, second.ID, third.ID)
}

func keyInEveryState(e *env) {
	for _, status := range []store.RunStatus{
		store.RunCompleted, store.RunRequiresAction, store.RunFailed, store.RunStopped, store.RunTimedOut,
	} {
		c := e.create()
		s := e.newStart(c.ID, keyed("k"))
		first, err := e.store.StartRun(e.ctx, s)
		require.NoError(e, err)
		e.finish(&first.Run, 1, func(f *store.FinishRun) { f.Status = status })
		e.requireReplayed(s, &first.Run)
	}
	c := e.create()
	e.start(c.ID)
	s := e.newStart(c.ID, keyed("q"), busy(store.BusyEnqueue))
	queued, err := e.store.StartRun(e.ctx, s)
	require.NoError(e, err)
	require.True(e, queued.Run.Queued)
	e.requireReplayed(s, &queued.Run)

	p := e.newStart(c.ID, keyed("p"), busy(store.BusyInterrupt))
	front, err := e.store.StartRun(e.ctx, p)
	require.NoError(e, err)
	e.requireReplayed(p, &front.Run)
}

func keyFirst(e *env) {
	c := e.create()
	s := e.newStart(c.ID, keyed("k"), from(0))
	first, err := e.store.StartRun(e.ctx, s)
	require.NoError(e, err)
	e.finish(&first.Run, 2, func(f *store.FinishRun) { f.Pending = []byte(`["call"]`) })
	e.start(c.ID, settling)
	e.requireReplayed(s, &first.Run)
	s.ID, s.MaxQueued, s.Busy = newID(), 0, store.BusyEnqueue
	e.requireReplayed(s, &first.Run)
}
