package conversation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	e, err := conversation.New(memstore.New(nil), conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		for _, w := range []string{"hello ", "world"} {
			if err := turn.Text(w); err != nil {
				return err
			}
		}
		return nil
	}), nil)
	require.NoError(t, err)
	require.NoError(t, e.Start(ctx))
	caller := conversation.Caller{Tenant: "t", User: "u", Permissions: conversation.PermReadWrite}
	c, err := e.Create(ctx, caller, conversation.CreateParams{Defaults: conversation.Defaults{SystemPrompt: "be nice"}})
	require.NoError(t, err)
	run, err := e.StartRun(ctx, caller, c.ID, conversation.TurnRequest{Text: "hi", ExpectedVersion: conversation.At(0)})
	require.NoError(t, err)
	s, err := e.Events(ctx, caller, run.ID, conversation.Cursor{}, "")
	require.NoError(t, err)
	for ev, err := range s.All(ctx) {
		require.NoError(t, err)
		b, _ := ev.MarshalJSON()
		t.Log(string(b))
	}
	s, err = e.Events(ctx, caller, run.ID, conversation.Cursor{}, "")
	require.NoError(t, err)
	for ev, err := range s.All(ctx) {
		require.NoError(t, err)
		b, _ := ev.MarshalJSON()
		t.Log(string(b))
	}
	ctx2, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	require.NoError(t, e.Shutdown(ctx2))
}
