package conversation_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

func (f *fixture) fork(id uuid.UUID, p conversation.ForkParams) *conversation.Conversation {
	f.t.Helper()
	c, err := f.engine.Fork(f.ctx, f.caller, id, p)
	require.NoError(f.t, err)
	return c
}

// TestL5_AForkIsTheLogUpToAVersion, at every version from 0 to the head: the
// same numbers, ids, bytes and times, and the parent is untouched.
func TestL5_AForkIsTheLogUpToAVersion(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.createWith(conversation.CreateParams{
		Title: "Parent", Agent: &conversation.Agent{ID: "a", DisplayName: "Ada"}, Mode: conversation.ModeFast, Defaults: richText(),
		Metadata: json.RawMessage(`{"k":1}`), Channel: "pager", Surface: conversation.SurfaceDM,
	})
	for i := range 4 {
		f.run(id, conversation.TurnRequest{Text: fmt.Sprint("question ", i)})
	}
	parent, log := f.get(id), f.log(id)
	for at := int64(0); at <= 8; at++ {
		c := f.fork(id, conversation.ForkParams{AtVersion: conversation.At(at)})
		require.Equal(t, id, c.ParentID)
		require.Equal(t, at, c.ParentVersion)
		require.Equal(t, at, c.Version)
		require.Equal(t, "alice", c.User)
		require.Empty(t, c.Title, "its own is derived")
		require.Equal(t, parent.Agent, c.Agent)
		require.Equal(t, parent.Mode, c.Mode)
		require.Equal(t, parent.Defaults, c.Defaults)
		require.JSONEq(t, `{"k":1}`, string(c.Metadata))
		require.Equal(t, conversation.ChannelWeb, c.Channel)
		require.Equal(t, conversation.SurfaceWeb, c.Surface)
		require.Empty(t, c.StreamStatus, "no run of its own")
		require.Nil(t, c.RenderedSystemPrompt)
		require.Equal(t, c, f.get(c.ID))
		copies := f.log(c.ID)
		require.Len(t, copies, int(at))
		for i := range copies {
			want := log[i]
			want.ConversationID = c.ID
			require.Equal(t, want, copies[i])
		}
		switch {
		case at == 0:
			require.Empty(t, c.LastText)
		case at%2 == 1:
			require.Equal(t, fmt.Sprint("question ", at/2), c.LastText)
		default:
			require.Equal(t, "ok", c.LastText)
		}
		// They go on by themselves.
		run := f.run(c.ID, conversation.TurnRequest{Text: "elsewhere", ExpectedVersion: conversation.At(at)})
		require.Equal(t, at+2, run.Version)
	}
	head := f.fork(id, conversation.ForkParams{})
	require.EqualValues(t, 8, head.Version)
	require.Equal(t, parent, f.get(id), "the parent is untouched")
	require.Equal(t, log, f.log(id))
	runs, err := f.engine.Runs(f.ctx, alice, head.ID, conversation.RunQuery{})
	require.NoError(t, err)
	require.Empty(t, runs.Runs, "runs stay with the parent")
	require.Equal(t, id, f.look(log[0].RunID).ConversationID)
}

// richText is richDefaults without a schema, so that turns are of text.
func richText() conversation.Defaults {
	d := richDefaults()
	d.OutputSchema = nil
	return d
}

// TestL5_BeyondTheHead is refused, whatever the parent becomes meanwhile.
func TestL5_BeyondTheHead(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	for _, at := range []int64{3, 1 << 62, -1, -1 << 63} {
		_, err := f.engine.Fork(f.ctx, alice, id, conversation.ForkParams{AtVersion: &at})
		require.Equal(t, []string{"at_version"}, paths(t, err))
	}
	page, err := f.engine.List(f.ctx, alice, conversation.Query{Page: 1})
	require.NoError(t, err)
	require.EqualValues(t, 1, page.Total)
}

func TestL5_NewDefaultsAndTitle(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.createWith(conversation.CreateParams{Defaults: richText()})
	f.run(id, conversation.TurnRequest{Text: "hi"})
	c := f.fork(id, conversation.ForkParams{Title: "  Branch ", Defaults: &conversation.Defaults{SystemPrompt: "Be brief."}})
	require.Equal(t, "Branch", c.Title)
	require.True(t, c.TitleCustom)
	require.Equal(t, conversation.Defaults{SystemPrompt: "Be brief."}, c.Defaults, "replaced whole")
	require.Equal(t, "Be brief.", f.run(c.ID, conversation.TurnRequest{Text: "x"}).SystemPrompt)
	require.Equal(t, shown(richText()), f.get(id).Defaults)
}

// TestL5_InTheMiddleOfAToolExchange: the calls that waited at that version wait
// in the fork, and can be answered or abandoned there.
func TestL5_InTheMiddleOfAToolExchange(t *testing.T) {
	t.Parallel()
	f := setup(t, says("done"), nil)
	id := f.create("ask")
	f.append(id,
		said("one"), // 1
		message(t, conversation.RoleAssistant, call("old")),                             // 2
		message(t, conversation.RoleTool, answer("old")),                                // 3
		message(t, conversation.RoleAssistant, call("a"), call("b"), call("c")),         // 4
		message(t, conversation.RoleTool, answer("b")),                                  // 5
		message(t, conversation.RoleTool, answer("a"), answer("c")),                     // 6
		message(t, conversation.RoleAssistant, conversation.Text("there"), call("old")), // 7: an id used again
	)
	pending := map[int64][]string{0: nil, 1: nil, 2: {"old"}, 3: nil, 4: {"a", "b", "c"}, 5: {"a", "c"}, 6: nil, 7: {"old"}}
	for at, want := range pending {
		c := f.fork(id, conversation.ForkParams{AtVersion: &at})
		var got []string
		for _, call := range c.PendingToolCalls {
			got = append(got, call.ID)
			require.Equal(t, "ask", call.Name)
			require.JSONEq(t, `{}`, string(call.Arguments))
		}
		require.Equal(t, want, got, "at %d", at)
		if want == nil {
			f.run(c.ID, conversation.TurnRequest{Text: "go on"})
			continue
		}
		_, err := f.engine.StartRun(f.ctx, alice, c.ID, conversation.TurnRequest{Text: "go on"})
		require.ErrorIs(t, err, conversation.ErrToolOutputsPending)
		abandoned := f.fork(c.ID, conversation.ForkParams{})
		require.Len(t, abandoned.PendingToolCalls, len(want), "a fork of a fork")
		run := f.run(abandoned.ID, conversation.TurnRequest{Text: "never mind", AbandonPending: true})
		require.Equal(t, conversation.RunCompleted, run.Status)

		var outputs []conversation.ToolOutput
		for _, id := range want {
			outputs = append(outputs, output(id, "here"))
		}
		run = f.run(c.ID, conversation.TurnRequest{Outputs: outputs})
		require.Equal(t, conversation.RunCompleted, run.Status)
		require.Empty(t, f.get(c.ID).PendingToolCalls)
	}
	require.Len(t, f.log(id), 7)
}

// TestL5_ALongLogBehindTheFork: finding what waited looks back no further than
// the question, however it lies in the pages of the log.
func TestL5_ALongLogBehindTheFork(t *testing.T) {
	t.Parallel()
	f := setup(t, says("done"), nil)
	id := f.create("ask")
	f.append(id, said("question"), message(t, conversation.RoleAssistant, call("a"), call("b")))
	f.append(id, message(t, conversation.RoleTool, answer("a")))
	f.append(id, message(t, conversation.RoleTool, answer("b")))
	for range 60 { // more than one page of answers without text
		f.append(id, message(t, conversation.RoleAssistant, call("x")), message(t, conversation.RoleTool, answer("x")))
	}
	c := f.fork(id, conversation.ForkParams{AtVersion: conversation.At(3)})
	require.Len(t, c.PendingToolCalls, 1)
	require.Equal(t, "b", c.PendingToolCalls[0].ID)
	c = f.fork(id, conversation.ForkParams{AtVersion: conversation.At(122)})
	require.Empty(t, c.PendingToolCalls)
	require.Equal(t, "question", c.LastText)
	c = f.fork(id, conversation.ForkParams{AtVersion: conversation.At(121)})
	require.Len(t, c.PendingToolCalls, 1)
	require.Equal(t, "x", c.PendingToolCalls[0].ID)
}

// TestL5_ForkingWhatIsDeletedOrRunning: the log is there, so it can be copied;
// partial text is no part of it.
func TestL5_ForkingWhatIsDeletedOrRunning(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hello")
	turn := p.next(t)
	require.NoError(t, turn.Text("half a sen"))
	c := f.fork(id, conversation.ForkParams{})
	require.Zero(t, c.Version)
	require.Equal(t, conversation.StreamNone, c.StreamStatus)
	turn.finish(nil)
	f.wait(run.ID)
	require.Empty(t, f.log(c.ID), "what the parent says later is not the fork's")
	_, err := f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	c = f.fork(id, conversation.ForkParams{})
	require.EqualValues(t, 2, c.Version)
	require.False(t, c.Deleted())
	_, err = f.engine.Purge(f.ctx, alice, id)
	require.NoError(t, err)
	require.Len(t, f.log(c.ID), 2, "a copy outlives what it was copied from")
	_, err = f.engine.Fork(f.ctx, alice, id, conversation.ForkParams{})
	require.ErrorIs(t, err, conversation.ErrNotFound)
}
