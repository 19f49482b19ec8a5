package conversation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// Whoever can write a text must not rename people with it.
func TestL4_AMentionRenamesNobodyWhoIsKnown(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ask <@Ubob|The Boss> and <@Unew|Nia>"), nil)
	id := f.create()
	_, err := f.engine.AddParticipant(f.ctx, f.caller, id, conversation.Participant{UserID: "Ubob", Name: "Bob"})
	require.NoError(t, err)
	f.wait(f.say(id, "hi <@Ubob|The Boss>, hi <@Unew|Nia>").ID)
	f.wait(f.say(id, "hi <@Unew|Somebody>").ID)
	shown := f.get(id).Participants
	require.Equal(t, "Bob", shown["Ubob"].Name)
	require.Equal(t, "Nia", shown["Unew"].Name, "the first who names a stranger does")
}

// The message that a nudge becomes says who wrote it, like any other.
func TestL4_ANudgeHasItsAuthorAmongSeveral(t *testing.T) {
	t.Parallel()
	steps, stepped := make(chan struct{}), make(chan struct{})
	f := setup(t, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		close(stepped)
		<-steps
		if _, err := turn.Step(ctx); err != nil {
			return err
		}
		return turn.Text("well")
	}), nil)
	id := f.create()
	_, err := f.engine.AddParticipant(f.ctx, f.caller, id, conversation.Participant{UserID: bob.User, Name: "Bob"})
	require.NoError(t, err)
	run := f.start(id, conversation.TurnRequest{Text: "go on"})
	<-stepped
	_, err = f.engine.NudgeRun(f.ctx, bob, run.ID, "hurry")
	require.NoError(t, err)
	close(steps)
	f.wait(run.ID)
	log := f.log(id)
	require.Len(t, log, 3)
	require.Equal(t, &conversation.Author{ID: "bob", Name: "Bob"}, log[1].Author)
}
