package storetest

import (
	"errors"

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

var eventing = topic{"Events", []rule{
	{"S1_NumberedWithoutGaps", eventsContinue},
	{"S1_AGapIsAConflict", eventsGap},
	{"S1_WhatIsStoredAlreadyIsFine", eventsStored},
	{"S1_OverlapIsAConflict", eventsOverlap},
	{"V8_FencedAttemptStoresNothing", eventsFenced},
	{"EachPackHasItsAnswer", eventsMixed},
	{"S1_GoesOnAcrossAttempts", eventsAcrossAttempts},
	{"S1_ReadFromTheCursorOn", eventsCursor},
	{"S1_ReadInPages", eventsPages},
	{"ReadGivesTheRun", eventsRun},
	{"PageAndRunAreOfOneMoment", eventsOneMoment},
	{"BodiesByteForByte", eventsBytes},
	{"ChangeNeitherLogNorActivity", eventsLeaveLog},
}}

func (e *env) appendEvents(packs ...store.EventAppend) []error {
	e.Helper()
	errs, err := e.other.AppendEvents(e.ctx, packs)
	require.NoError(e, err)
	require.Len(e, errs, len(packs))
	return errs
}

func pack(r *store.Run, first, last int64) store.EventAppend {
	return store.EventAppend{Key: r.RunKey(), EventPack: store.EventPack{First: first, Last: last, Body: []byte("body")}}
}

func eventsContinue(e *env) {
	r := e.start(e.create().ID)
	var want []store.EventPack
	for _, p := range []store.EventAppend{pack(r, 1, 1), pack(r, 2, 9), pack(r, 10, 10)} {
		require.Equal(e, []error{nil}, e.appendEvents(p))
		want = append(want, p.EventPack)
		require.Equal(e, p.Last, e.getRun(r.ID).EventSeq)
	}
	e.requirePacks(r.ID, want...)
	require.Empty(e, e.appendEvents())
}

func eventsGap(e *env) {
	c := e.create()
	r := e.start(c.ID)
	refused := func(p store.EventAppend) {
		e.Helper()
		e.unchanged(c.ID, func() {
			errs := e.appendEvents(p)
			require.ErrorIs(e, errs[0], store.ErrVersionConflict)
			require.ErrorAs(e, errs[0], new(*store.VersionConflictError), "always as the type")
		})
	}
	refused(pack(r, 2, 2))
	refused(pack(r, 3, 9))
	e.packs(r, pack(r, 1, 4).EventPack)
	refused(pack(r, 6, 6))
	refused(pack(r, 100, 200))
}

func eventsStored(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.packs(r, pack(r, 1, 4).EventPack, pack(r, 5, 6).EventPack)
	e.unchanged(c.ID, func() {
		for _, p := range []store.EventAppend{pack(r, 1, 4), pack(r, 5, 6), pack(r, 2, 3), pack(r, 1, 6), pack(r, 6, 6)} {
			p.Body = []byte("other")
			require.Equal(e, []error{nil}, e.appendEvents(p), "%d to %d", p.First, p.Last)
		}
	})
}

func eventsOverlap(e *env) {
	c := e.create()
	r := e.start(c.ID)
	e.packs(r, pack(r, 1, 4).EventPack)
	e.unchanged(c.ID, func() {
		for _, p := range []store.EventAppend{pack(r, 1, 5), pack(r, 4, 5), pack(r, 3, 100)} {
			require.ErrorIs(e, e.appendEvents(p)[0], store.ErrVersionConflict, "%d to %d", p.First, p.Last)
		}
	})
}

func eventsFenced(e *env) {
	c := e.create()
	r := e.start(c.ID, leased(brief))
	e.packs(r, pack(r, 1, 2).EventPack)
	claimed := e.claim(r.ID, long)
	e.unchanged(c.ID, func() {
		for _, p := range []store.EventAppend{pack(r, 3, 3), pack(r, 1, 2), pack(r, 9, 9)} {
			require.ErrorIs(e, e.appendEvents(p)[0], store.ErrFenced, "%d to %d", p.First, p.Last)
		}
	})
	e.finish(&claimed.Run, 1)
	e.unchanged(c.ID, func() {
		require.ErrorIs(e, e.appendEvents(pack(&claimed.Run, 3, 3))[0], store.ErrFenced)
		require.ErrorIs(e, e.appendEvents(pack(&claimed.Run, 4, 4))[0], store.ErrFenced)
	})
}

func eventsMixed(e *env) {
	fenced := e.start(e.create().ID)
	e.finish(fenced, 0)
	a, b, c, d := e.start(e.create().ID), e.start(e.create().ID), e.start(e.create().ID), e.start(e.create().ID)
	e.packs(c, pack(c, 1, 3).EventPack)
	gone := *d
	gone.ID = newID()
	errs := e.appendEvents(pack(fenced, 2, 2), pack(a, 1, 2), pack(b, 2, 2), pack(c, 1, 3), pack(&gone, 1, 1), pack(d, 1, 1))
	require.ErrorIs(e, errs[0], store.ErrFenced)
	require.NoError(e, errs[1])
	require.ErrorIs(e, errs[2], store.ErrVersionConflict)
	require.NoError(e, errs[3])
	require.ErrorIs(e, errs[4], store.ErrFenced)
	require.NoError(e, errs[5], "one pack's trouble is not another's")
	e.requirePacks(a.ID, pack(a, 1, 2).EventPack)
	e.requirePacks(d.ID, pack(d, 1, 1).EventPack)
	require.Zero(e, e.getRun(b.ID).EventSeq)
}

func eventsAcrossAttempts(e *env) {
	r := e.start(e.create().ID, leased(brief))
	e.packs(r, pack(r, 1, 3).EventPack)
	claimed := e.claim(r.ID, long)
	require.Equal(e, int64(3), claimed.Run.EventSeq, "the next attempt goes on behind what is stored")
	e.packs(&claimed.Run, pack(&claimed.Run, 4, 5).EventPack)
	e.requirePacks(r.ID, pack(r, 1, 3).EventPack, pack(r, 4, 5).EventPack)
	require.Equal(e, int64(6), e.finish(&claimed.Run, 1).Run.EventSeq)
}

// someEvents stores packs 1, 2-4, 5-5, 6-9 and gives them.
func (e *env) someEvents(r *store.Run) []store.EventPack {
	e.Helper()
	packs := []store.EventPack{
		{First: 1, Last: 1, Body: []byte("a")}, {First: 2, Last: 4, Body: []byte("b")},
		{First: 5, Last: 5, Body: []byte("c")}, {First: 6, Last: 9, Body: []byte("d")},
	}
	e.packs(r, packs...)
	return packs
}

func eventsCursor(e *env) {
	r := e.start(e.create().ID)
	packs := e.someEvents(r)
	for after, want := range map[int64][]store.EventPack{
		0: packs, 1: packs[1:], 2: packs[1:], 3: packs[1:], 4: packs[2:], 5: packs[3:], 8: packs[3:], 9: nil, 10: nil, 1 << 40: nil,
	} {
		page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, after, 10)
		require.NoError(e, err)
		require.Len(e, page.Packs, len(want), "after %d", after)
		if len(want) > 0 {
			require.Equal(e, want, page.Packs, "those whose last is above %d", after)
		}
		require.False(e, page.More)
	}
}

func eventsPages(e *env) {
	r := e.start(e.create().ID)
	packs := e.someEvents(r)
	for limit := 1; limit <= 5; limit++ {
		var got []store.EventPack
		var after int64
		for more := true; more; {
			page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, after, limit)
			require.NoError(e, err)
			require.Equal(e, page.More, len(page.Packs) == limit && len(got)+limit < len(packs), "by %d", limit)
			got = append(got, page.Packs...)
			require.LessOrEqual(e, len(got), len(packs), "the walk does not end")
			require.NotEmpty(e, page.Packs)
			after, more = got[len(got)-1].Last, page.More
		}
		require.Equal(e, packs, got, "by %d", limit)
	}
}

func eventsRun(e *env) {
	r := e.start(e.create().ID)
	e.someEvents(r)
	page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, 0, 1)
	require.NoError(e, err)
	require.Equal(e, *e.getRun(r.ID), page.Run)
	require.Equal(e, int64(9), page.Run.EventSeq)
	e.finish(r, 1)
	page, err = e.store.ReadEvents(e.ctx, e.scope, r.ID, 9, 10)
	require.NoError(e, err)
	require.Equal(e, *e.getRun(r.ID), page.Run)
	require.Equal(e, int64(10), page.Run.EventSeq)
	require.Empty(e, page.Packs, "the terminal event has no row")
}

func eventsOneMoment(e *env) {
	r := e.start(e.create().ID)
	const last = 120
	done := e.in(func() error {
		for n := int64(1); n < last; n += 2 {
			errs, err := e.other.AppendEvents(e.ctx, []store.EventAppend{pack(r, n, n+1)})
			if err != nil || errs[0] != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		return nil
	})
	for finished := false; !finished; {
		select {
		case err := <-done:
			require.NoError(e, err)
			finished = true
		default:
		}
		page, err := e.store.ReadEvents(e.ctx, e.scope, r.ID, 0, everything)
		require.NoError(e, err)
		require.Len(e, page.Packs, int(page.Run.EventSeq/2), "all packs up to the run's number, and none above")
	}
	require.Equal(e, int64(last), e.getRun(r.ID).EventSeq)
}

func eventsBytes(e *env) {
	r := e.start(e.create().ID)
	raw := make([]byte, 256)
	for i := range raw {
		raw[i] = byte(i)
	}
	var want []store.EventPack
	for i, body := range append(append([]string(nil), bodies...), string(raw), "not json \xff\x00") {
		want = append(want, store.EventPack{First: int64(i + 1), Last: int64(i + 1), Body: []byte(body)})
	}
	e.packs(r, want...)
	e.requirePacks(r.ID, want...)
}

func eventsLeaveLog(e *env) {
	c := e.create()
	r := e.start(c.ID)
	before, run := e.get(c.ID), e.getRun(r.ID)
	e.passed(before.UpdatedAt)
	e.someEvents(r)
	row := e.get(c.ID)
	require.Equal(e, before.ActivityAt, row.ActivityAt)
	require.Zero(e, row.Version)
	want := *run
	want.EventSeq = 9
	require.Equal(e, want, *e.getRun(r.ID))
}
