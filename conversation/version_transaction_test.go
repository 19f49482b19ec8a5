package conversation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func TestV3_InputAndOutputLandTogether(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hi")
	a := p.next(t)
	require.NoError(t, a.Text("partial"))
	require.Empty(t, f.log(id), "neither input nor partial text is in the log of a running turn")
	require.Zero(t, f.get(id).Version)
	require.Equal(t, conversation.StreamInProgress, f.get(id).StreamStatus)
	require.NoError(t, a.Text(" and whole"))
	a.finish(nil)
	ended := f.wait(run.ID)
	require.Equal(t, []string{"user: hi", "assistant: partial and whole"}, f.lines(id))
	for _, m := range f.log(id) {
		require.Equal(t, run.ID, m.RunID)
		require.False(t, m.Incomplete)
	}
	require.Equal(t, "partial and whole", *ended.FinalText)
	c := f.get(id)
	require.Equal(t, "partial and whole", c.LastText)
	require.Equal(t, conversation.StreamCompleted, c.StreamStatus)
}

func TestV3_WhatFailsAppendsNothing(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		end  func(ctx context.Context) error
		code string
	}{
		"error":    {func(context.Context) error { return errors.New("host=secret.internal refused") }, conversation.CodeResponder},
		"its own":  {func(context.Context) error { return &conversation.RunError{Code: "quota", Message: "no more today"} }, "quota"},
		"panic":    {func(context.Context) error { panic("secret") }, conversation.CodePanic},
		"deadline": {func(ctx context.Context) error { <-ctx.Done(); return nil }, conversation.CodeTimeout},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := setup(t, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
					if err := turn.Text("partial text"); err != nil {
						return err
					}
					return end.end(ctx)
				}), &conversation.Config{RunTimeout: time.Minute})
				id := f.create()
				run := f.run(id, conversation.TurnRequest{Text: "hi"})
				want := conversation.RunFailed
				if name == "deadline" {
					want = conversation.RunTimedOut
				}
				require.Equal(t, want, run.Status)
				require.Equal(t, end.code, run.Error.Code)
				require.NotContains(t, run.Error.Message, "secret", "what the host says to itself is not for clients")
				require.Zero(t, run.Version)
				require.Nil(t, run.FinalText)
				require.Empty(t, f.log(id))
				events := f.replay(run.ID, conversation.Cursor{})
				require.Equal(t, "partial text", textOf(events), "partial text exists as events")
				require.Equal(t, run, lastOf(events).Run)
			})
		})
	}
}

// A Responder in a goroutine that exits without returning has failed, like one
// that panics.
func TestV3_ResponderThatExitsItsGoroutineFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, conversation.ResponderFunc(exits), nil)
		id := f.create()
		started := time.Now()
		run := f.run(id, conversation.TurnRequest{Text: "hi"})
		require.Equal(t, conversation.RunFailed, run.Status)
		require.Equal(t, conversation.CodePanic, run.Error.Code)
		require.Less(t, time.Since(started), time.Second)
	})
}
