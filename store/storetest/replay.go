package storetest

import (
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

var replaying = topic{"Replay", []rule{
	{"V7_TheSameAppendAnswersTheSame", replaySame},
	{"V7_AfterEverythingMovedOn", replayLater},
	{"V7_ReturnsWhatIsStored", replayStored},
	{"V7_OnlySomeIsAConflict", replaySome},
	{"V7_OtherOrderIsAConflict", replayOrder},
	{"V7_ElsewhereIsAConflict", replayElsewhere},
	{"V7_WhatARunAppended", replayOfRun},
	{"V7_AfterAConflictWritesNothing", replayConflict},
}}

func (e *env) requireReplay(a *store.Append, first *store.AppendResult) {
	e.Helper()
	again, err := e.other.Append(e.ctx, a)
	require.NoError(e, err)
	require.True(e, again.Replayed)
	require.Equal(e, first.Version, again.Version)
	require.Equal(e, first.Messages, again.Messages)
}

func replaySame(e *env) {
	c := e.create()
	for _, n := range []int{1, 2, 5} {
		for _, version := range []*int64{nil, ptr(e.get(c.ID).Version + int64(n))} {
			a := e.newAppend(c.ID, n)
			a.Expected = version
			first, err := e.store.Append(e.ctx, a)
			require.NoError(e, err)
			require.False(e, first.Replayed)
			e.unchanged(c.ID, func() {
				e.requireReplay(a, first)
				e.requireReplay(a, first)
			})
		}
	}
}

func replayLater(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	a := e.newAppend(c.ID, 2, expected(1))
	unbound := e.newAppend(c.ID, 1)
	first, err := e.store.Append(e.ctx, a)
	require.NoError(e, err)
	second, err := e.store.Append(e.ctx, unbound)
	require.NoError(e, err)
	e.say(c.ID, 3, func(a *store.Append) { a.Pending = []byte(`["call"]`) })
	e.start(c.ID, settling)
	e.unchanged(c.ID, func() {
		e.requireReplay(a, first)
		e.requireReplay(unbound, second)
	})
	_, _, err = e.store.DeleteConversation(e.ctx, e.scope, c.ID, nil)
	require.NoError(e, err)
	_, err = e.store.RestoreConversation(e.ctx, e.scope, c.ID)
	require.NoError(e, err)
	e.unchanged(c.ID, func() { e.requireReplay(a, first) })
}

func replayStored(e *env) {
	c := e.create()
	a := e.newAppend(c.ID, 2, func(a *store.Append) { a.Preview = "first" })
	first, err := e.store.Append(e.ctx, a)
	require.NoError(e, err)
	other := *a
	other.Messages = []store.Message{
		{ID: a.Messages[0].ID, Role: "tool", Parts: []byte(`"other"`)},
		{ID: a.Messages[1].ID, Role: "tool", Parts: []byte(`"other"`)},
	}
	other.Preview, other.Pending = "second", []byte(`["call"]`)
	other.Participants = []store.Participant{{UserID: "bob"}}
	e.unchanged(c.ID, func() { e.requireReplay(&other, first) })
}

// replayOf is an append of messages that are in a log already.
func (e *env) replayOf(c *store.Conversation, version *int64, messages ...store.Message) *store.Append {
	a := e.newAppend(c.ID, 0)
	a.Expected, a.Messages = version, messages
	return a
}

func (e *env) requireRefusedReplay(c *store.Conversation, messages ...store.Message) {
	e.Helper()
	head := e.get(c.ID).Version
	e.unchanged(c.ID, func() {
		_, err := e.store.Append(e.ctx, e.replayOf(c, nil, messages...))
		e.requireConflictAt(err, head)
		for version := range head + 2 {
			_, err := e.store.Append(e.ctx, e.replayOf(c, &version, messages...))
			e.requireConflict(err, version, head)
		}
	})
}

func replaySome(e *env) {
	c := e.create()
	old := e.say(c.ID, 4).Messages
	fresh := messages(2)
	e.requireRefusedReplay(c, old[0], fresh[0])
	e.requireRefusedReplay(c, fresh[0], old[3])
	e.requireRefusedReplay(c, old[3], fresh[0])
	e.requireRefusedReplay(c, fresh[0], old[1], fresh[1])
	e.requireRefusedReplay(c, old[0], old[1], old[2], old[3], fresh[0])
}

func replayOrder(e *env) {
	c := e.create()
	old := e.say(c.ID, 4).Messages
	e.requireRefusedReplay(c, old[1], old[0])
	e.requireRefusedReplay(c, old[0], old[2])
	e.requireRefusedReplay(c, old[0], old[1], old[3])
	e.requireRefusedReplay(c, old[3], old[2], old[1], old[0])
}

func replayElsewhere(e *env) {
	c := e.create()
	e.say(c.ID, 2)
	old := e.say(c.ID, 2).Messages
	e.unchanged(c.ID, func() {
		for _, version := range []int64{0, 1, 3, 4, 5} {
			_, err := e.store.Append(e.ctx, e.replayOf(c, &version, old...))
			e.requireConflict(err, version, 4)
		}
		for _, version := range []*int64{nil, ptr(int64(2))} {
			result, err := e.store.Append(e.ctx, e.replayOf(c, version, old...))
			require.NoError(e, err)
			require.True(e, result.Replayed)
		}
		// A part of an append is as much in the log, one after the other.
		result, err := e.store.Append(e.ctx, e.replayOf(c, ptr(int64(2)), old[0]))
		require.NoError(e, err)
		require.True(e, result.Replayed)
		require.Equal(e, int64(3), result.Version, "of the last message of this append")
		require.Equal(e, old[:1], result.Messages)
	})
}

func replayOfRun(e *env) {
	c := e.create()
	landed := e.finish(e.start(c.ID), 2).Messages
	e.unchanged(c.ID, func() {
		result, err := e.store.Append(e.ctx, e.replayOf(c, ptr(int64(0)), landed...))
		require.NoError(e, err)
		require.True(e, result.Replayed)
		require.Equal(e, landed, result.Messages)
	})
}

func replayConflict(e *env) {
	c := e.create()
	e.say(c.ID, 1)
	a := e.newAppend(c.ID, 2, expected(0))
	for range 3 {
		e.unchanged(c.ID, func() {
			_, err := e.store.Append(e.ctx, a)
			e.requireConflict(err, 0, 1)
		})
	}
	a.Expected = ptr(int64(1))
	first, err := e.store.Append(e.ctx, a)
	require.NoError(e, err)
	require.False(e, first.Replayed, "the refused ids are new")
}
