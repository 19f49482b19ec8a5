package conversation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// TestLife_ANewConversation has the defaults of every field, and version 0.
func TestLife_ANewConversation(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{})
	require.NoError(t, err)
	require.NotEqual(t, uuid.Nil, c.ID)
	require.EqualValues(t, 7, c.ID.Version(), "ids are UUIDv7")
	require.WithinDuration(t, time.Now(), c.CreatedAt, time.Hour)
	for _, at := range []time.Time{c.CreatedAt, c.UpdatedAt, c.ActivityAt} {
		require.Equal(t, time.UTC, at.Location())
		require.Zero(t, at.Nanosecond()%1000, "times are of microseconds")
	}
	require.Equal(t, &conversation.Conversation{
		ID: c.ID, Tenant: "acme", User: "alice", Mode: conversation.ModeStandard, Channel: conversation.ChannelWeb, Surface: conversation.SurfaceWeb,
		Participants: map[string]conversation.ParticipantProfile{}, ViewingAs: conversation.ViewParticipant,
		CreatedAt: c.CreatedAt, UpdatedAt: c.CreatedAt, ActivityAt: c.CreatedAt,
	}, c)
	require.Equal(t, c, f.get(c.ID))
	require.False(t, c.Deleted())
}

func TestLife_WhatIsGivenIsKept(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := uuid.New()
	agent := conversation.Agent{ID: "a1", Slug: "helper", DisplayName: "Helper", AvatarURL: "https://a.example"}
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{
		ID: id, Title: "  Plans  ", Agent: &agent, Mode: conversation.ModeFast, Channel: "pager-duty_2", Surface: conversation.SurfaceDM,
		Metadata: json.RawMessage(`{"k":[1,2]}`),
	})
	require.NoError(t, err)
	require.Equal(t, id, c.ID)
	require.Equal(t, "Plans", c.Title)
	require.True(t, c.TitleCustom)
	require.Equal(t, &agent, c.Agent)
	require.Equal(t, conversation.ModeFast, c.Mode)
	require.Equal(t, conversation.Channel("pager-duty_2"), c.Channel)
	require.Equal(t, conversation.SurfaceDM, c.Surface)
	require.JSONEq(t, `{"k":[1,2]}`, string(c.Metadata))
	require.Equal(t, c, f.get(id))
}

// TestLife_Agents are looked up where the host can, and refused where it says so.
func TestLife_Agents(t *testing.T) {
	t.Parallel()
	known := func(_ context.Context, caller conversation.Caller, id string) (*conversation.Agent, error) {
		switch {
		case id == "shared", id == "alices" && caller.User == "alice":
			return &conversation.Agent{ID: id, DisplayName: "Agent " + id}, nil
		case id == "broken":
			return nil, context.DeadlineExceeded
		}
		return nil, nil
	}
	f := setup(t, says("ok"), &conversation.Config{Agents: known})
	c, err := f.engine.Create(f.ctx, alice, conversation.CreateParams{AgentID: "alices"})
	require.NoError(t, err)
	require.Equal(t, "Agent alices", c.Agent.DisplayName)
	// A summary of the caller's own does not stand in for the host's.
	c, err = f.engine.Create(f.ctx, alice, conversation.CreateParams{Agent: &conversation.Agent{ID: "shared", DisplayName: "Eve"}})
	require.NoError(t, err)
	require.Equal(t, "Agent shared", c.Agent.DisplayName)
	for _, id := range []string{"alices", "none"} {
		_, err = f.engine.Create(f.ctx, bob, conversation.CreateParams{AgentID: id})
		require.ErrorIs(t, err, conversation.ErrNotFound, id)
	}
	_, err = f.engine.Create(f.ctx, alice, conversation.CreateParams{AgentID: "broken"})
	require.ErrorIs(t, err, context.DeadlineExceeded, "an error is not read as not found")
	page, err := f.engine.List(f.ctx, admin, conversation.Query{Page: 1, View: conversation.ViewAdmin})
	require.NoError(t, err)
	require.EqualValues(t, 2, page.Total)
	// Without a host that knows, an id is taken as given.
	g := setup(t, says("ok"), nil)
	c, err = g.engine.Create(g.ctx, alice, conversation.CreateParams{AgentID: "any"})
	require.NoError(t, err)
	require.Equal(t, &conversation.Agent{ID: "any"}, c.Agent)
}

// TestL2_PromoteIsOneWay, idempotent, keeps the log and the version.
func TestL2_PromoteIsOneWay(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.createWith(conversation.CreateParams{Mode: conversation.ModeFast})
	f.run(id, conversation.TurnRequest{Text: "hi"})
	before, lines := f.get(id), f.lines(id)
	c, err := f.engine.Promote(f.ctx, alice, id)
	require.NoError(t, err)
	require.Equal(t, conversation.ModeStandard, c.Mode)
	require.Equal(t, before.Version, c.Version, "V6")
	require.True(t, c.UpdatedAt.After(before.UpdatedAt))
	require.Equal(t, before.ActivityAt, c.ActivityAt, "it is no activity")
	require.Equal(t, lines, f.lines(id))
	again, err := f.engine.Promote(f.ctx, alice, id)
	require.NoError(t, err)
	require.Equal(t, c, again, "nothing changes the second time, its time neither")
}

// readOnlyCases are rule L3, case by case.
var readOnlyCases = []struct {
	channel  conversation.Channel
	surface  conversation.Surface
	from     conversation.Channel // the caller's
	readOnly bool
}{
	{"web", "web", "", false},
	{"web", "extension", "", false},
	{"web", "dm", "", false},
	{"web", "channel", "", false}, // several people, at the web's own place
	{"web", "web", "slack", false},
	{"slack", "channel", "", true},
	{"slack", "channel", "web", true},
	{"slack", "channel", "extension", true},
	{"slack", "channel", "teams", true},
	{"slack", "channel", "slack", false}, // its own connector
	{"slack", "dm", "", false},
	{"slack", "extension", "", false},
	{"teams", "channel", "", true},
	{"teams", "channel", "teams", false},
	{"email", "channel", "", true},
	{"email", "dm", "", false},
	{"schedule", "web", "", true}, // a record, wherever it is shown
	{"schedule", "dm", "", true},
	{"schedule", "channel", "", true},
	{"schedule", "web", "slack", true},
	{"schedule", "web", "schedule", false},
	{"pager", "channel", "", true},
	{"pager", "channel", "pager", false},
	{"pager", "dm", "", false},
}

func TestL3_ReadOnlyIsDerivedAndEnforced(t *testing.T) {
	t.Parallel()
	for _, c := range readOnlyCases {
		t.Run(fmt.Sprintf("%s %s from %q", c.channel, c.surface, c.from), func(t *testing.T) {
			t.Parallel()
			f := setup(t, says("ok"), nil)
			caller := alice
			caller.Channel = c.from
			g := f.as(caller)
			id := f.createWith(conversation.CreateParams{Channel: c.channel, Surface: c.surface})
			got := g.get(id)
			require.Equal(t, c.readOnly, got.ReadOnly)
			page, err := g.engine.List(g.ctx, caller, conversation.Query{Channel: c.channel})
			require.NoError(t, err)
			require.Equal(t, c.readOnly, page.Conversations[0].ReadOnly)

			// A connector begins the run that is nudged.
			connector := alice
			connector.Channel = c.channel
			run := f.as(connector).run(id, conversation.TurnRequest{Text: "hello"})
			_, start := g.engine.StartRun(g.ctx, caller, id, conversation.TurnRequest{Text: "x"})
			_, turn := g.engine.RunTurn(g.ctx, caller, id, conversation.TurnRequest{Text: "x", OnBusy: conversation.BusyEnqueue})
			_, appended := g.engine.Append(g.ctx, caller, id, conversation.AppendParams{Messages: []conversation.Message{said("x")}, Race: true})
			_, nudge := g.engine.NudgeRun(g.ctx, caller, run.ID, "x")
			for _, err := range []error{start, turn, appended, nudge} {
				if c.readOnly {
					require.ErrorIs(t, err, conversation.ErrReadOnly)
				} else {
					require.NoError(t, err)
				}
			}
			if c.readOnly {
				require.Len(t, g.log(id), 2)
			}
			// Everything else about it may be done: it is the thread that is elsewhere.
			for _, change := range []func() error{
				func() error { _, err := g.engine.SetTitle(g.ctx, caller, id, "t"); return err },
				func() error { _, err := g.engine.Fork(g.ctx, caller, id, conversation.ForkParams{}); return err },
				func() error { _, err := g.engine.Renew(g.ctx, caller, id); return err },
				func() error { _, err := g.engine.Delete(g.ctx, caller, id); return err },
			} {
				require.NoError(t, change())
			}
		})
	}
}

// TestL3_ReadOnlyRanksBehindDeletedAndBeforeThePayload (rule R2).
func TestL3_ReadOnlyRanksBehindDeletedAndBeforeThePayload(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.createWith(conversation.CreateParams{Channel: "slack", Surface: "channel"})
	bad := conversation.TurnRequest{ExpectedVersion: conversation.At(9)}
	_, err := f.engine.StartRun(f.ctx, alice, id, bad)
	require.ErrorIs(t, err, conversation.ErrReadOnly)
	_, err = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{})
	require.ErrorIs(t, err, conversation.ErrReadOnly)
	_, err = f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	_, err = f.engine.StartRun(f.ctx, alice, id, bad)
	require.ErrorIs(t, err, conversation.ErrDeleted)
}

// TestL3_TheChannelIsTheCallersUnlessSaid.
func TestL3_TheChannelIsTheCallersUnlessSaid(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	connector := alice
	connector.Channel = conversation.ChannelSlack
	c, err := f.engine.Create(f.ctx, connector, conversation.CreateParams{Surface: conversation.SurfaceChannel})
	require.NoError(t, err)
	require.Equal(t, conversation.ChannelSlack, c.Channel)
	require.False(t, c.ReadOnly)
	require.True(t, f.get(c.ID).ReadOnly)
	for _, bad := range []conversation.Channel{"Slack", "-x", "_x", "sl ack", "slack\n", "släck", "0123456789abcdef0123456789abcdef0"} {
		_, err = f.engine.Create(f.ctx, alice, conversation.CreateParams{Channel: bad})
		require.Equal(t, []string{"channel"}, paths(t, err), "%q", bad)
	}
}

// TestL3_ARecordIsStartedFresh with the same agent and defaults in one call.
func TestL3_ARecordIsStartedFresh(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	connector := alice
	connector.Channel = conversation.ChannelSchedule
	d := richDefaults()
	d.OutputSchema = nil
	old, err := f.engine.Create(f.ctx, connector, conversation.CreateParams{
		Title: "Every morning", Agent: &conversation.Agent{ID: "a", DisplayName: "Ada"}, Defaults: d, Mode: conversation.ModeFast,
		Metadata: json.RawMessage(`{"k":1}`), Channel: conversation.ChannelSchedule,
	})
	require.NoError(t, err)
	f.as(connector).run(old.ID, conversation.TurnRequest{Text: "wake up"})
	_, err = f.engine.AddParticipant(f.ctx, alice, old.ID, conversation.Participant{UserID: "bob"})
	require.NoError(t, err)

	c, err := f.engine.Renew(f.ctx, bob, old.ID)
	require.NoError(t, err)
	require.NotEqual(t, old.ID, c.ID)
	require.Equal(t, "bob", c.User, "it is of the one who starts it")
	require.Equal(t, old.Agent, c.Agent)
	require.Equal(t, old.Defaults, c.Defaults)
	require.Equal(t, old.Mode, c.Mode)
	require.JSONEq(t, `{"k":1}`, string(c.Metadata))
	require.Empty(t, c.Title)
	require.Zero(t, c.Version)
	require.Equal(t, uuid.Nil, c.ParentID, "it is no fork: nothing was said in it")
	require.Equal(t, conversation.ChannelWeb, c.Channel)
	require.False(t, c.ReadOnly)
	require.Empty(t, c.Participants)
	g := f.as(bob)
	require.Equal(t, conversation.RunCompleted, g.run(c.ID, conversation.TurnRequest{Text: "hi"}).Status)
	require.Len(t, f.log(old.ID), 2)
	_, err = f.engine.Get(f.ctx, alice, c.ID, conversation.ViewParticipant)
	require.ErrorIs(t, err, conversation.ErrNotFound)
}

// TestL6_DeleteIsSoft: gone from lists, still readable with its deletion time,
// takes no turns, and can be brought back as it was.
func TestL6_DeleteIsSoft(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "hello", Key: "k"})
	lines := f.lines(id)
	before := f.get(id)

	c, err := f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	require.True(t, c.Deleted())
	require.WithinDuration(t, time.Now(), c.DeletedAt, time.Hour)
	require.Equal(t, before.Version, c.Version, "V6")
	got := f.get(id)
	require.Equal(t, c.DeletedAt, got.DeletedAt)
	require.Equal(t, lines, f.lines(id))
	require.Equal(t, run, f.look(run.ID))
	require.Equal(t, "ok", textOf(f.replay(run.ID, conversation.Cursor{})))
	page, err := f.engine.List(f.ctx, alice, conversation.Query{Page: 1})
	require.NoError(t, err)
	require.Empty(t, page.Conversations)
	require.Zero(t, page.Total)

	again, err := f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	require.Equal(t, c, again, "deleting again changes nothing")

	for name, err := range map[string]error{
		"StartRun":         second(f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "x"})),
		"StartRun, replay": second(f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hello", Key: "k"})),
		"StartRun, bad":    second(f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{})),
		"RunTurn":          second(f.engine.RunTurn(f.ctx, alice, id, conversation.TurnRequest{Text: "x"})),
		"Ask":              second(f.engine.Ask(f.ctx, alice, id, "x")),
		"Append":           second(f.engine.Append(f.ctx, alice, id, conversation.AppendParams{Messages: []conversation.Message{said("x")}})),
		"SetTitle":         second(f.engine.SetTitle(f.ctx, alice, id, "x")),
		"Promote":          second(f.engine.Promote(f.ctx, alice, id)),
		"AddParticipant":   second(f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: "bob"})),
	} {
		require.ErrorIs(t, err, conversation.ErrDeleted, name)
	}

	back, err := f.engine.Restore(f.ctx, alice, id)
	require.NoError(t, err)
	require.False(t, back.Deleted())
	require.True(t, back.UpdatedAt.After(c.UpdatedAt))
	before.UpdatedAt = back.UpdatedAt
	require.Equal(t, before, f.get(id))
	same, err := f.engine.Restore(f.ctx, alice, id)
	require.NoError(t, err)
	require.Equal(t, back, same, "restoring again changes nothing")
	require.Equal(t, conversation.RunCompleted, f.run(id, conversation.TurnRequest{Text: "again"}).Status)
	page, err = f.engine.List(f.ctx, alice, conversation.Query{})
	require.NoError(t, err)
	require.Len(t, page.Conversations, 1)
}

// second drops a result.
func second[T any](_ T, err error) error { return err }

// TestL6_DeleteStopsWhatRuns, what waits in the queue too, and a restored
// conversation does not go on with them.
func TestL6_DeleteStopsWhatRuns(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	active := f.say(id, "first")
	queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue})
	require.True(t, queued.Queued)
	turn := p.next(t)
	require.NoError(t, turn.Text("I was say"))
	_, err := f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	<-turn.ctx.Done()
	require.ErrorIs(t, context.Cause(turn.ctx), conversation.ErrLeaseLost)
	require.ErrorIs(t, turn.Text("ing"), conversation.ErrTurnOver)
	for _, run := range []uuid.UUID{active.ID, queued.ID} {
		ended := f.wait(run)
		require.Equal(t, conversation.RunStopped, ended.Status)
		require.Equal(t, conversation.CodeDeleted, ended.Error.Code)
	}
	require.Empty(t, f.log(id), "nothing is appended to what is deleted")
	_, err = f.engine.Restore(f.ctx, alice, id)
	require.NoError(t, err)
	require.Equal(t, conversation.RunStopped, f.look(queued.ID).Status)
	require.Equal(t, conversation.StreamStopped, f.get(id).StreamStatus)
	run := f.say(id, "third")
	p.next(t).finish(nil)
	require.Equal(t, conversation.RunCompleted, f.wait(run.ID).Status)
}

// TestL7_StreamStatusIsThatOfTheLatestRun, for each state that a run can be in.
func TestL7_StreamStatusIsThatOfTheLatestRun(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create("ask")
	status := func() conversation.StreamStatus {
		t.Helper()
		got := f.get(id).StreamStatus
		page, err := f.engine.List(f.ctx, alice, conversation.Query{})
		require.NoError(t, err)
		require.Equal(t, got, page.Conversations[0].StreamStatus, "in lists as well")
		return got
	}
	require.Equal(t, conversation.StreamNone, status())
	require.Empty(t, conversation.StreamNone)

	for _, c := range []struct {
		end  func(run *conversation.Run, turn *act)
		run  conversation.RunStatus
		want conversation.StreamStatus
	}{
		{func(_ *conversation.Run, turn *act) { turn.finish(nil) }, conversation.RunCompleted, conversation.StreamCompleted},
		{func(_ *conversation.Run, turn *act) { turn.finish(context.Canceled) }, conversation.RunFailed, conversation.StreamError},
		{func(run *conversation.Run, _ *act) {
			_, err := f.engine.StopRun(f.ctx, alice, run.ID)
			require.NoError(t, err)
		}, conversation.RunStopped, conversation.StreamStopped},
		{func(_ *conversation.Run, turn *act) { <-turn.ctx.Done() }, conversation.RunTimedOut, conversation.StreamTimeout},
		{func(_ *conversation.Run, turn *act) {
			_, err := turn.ToolCall(conversation.ToolCall{Name: "ask"})
			require.NoError(t, err)
			turn.finish(nil)
		}, conversation.RunRequiresAction, conversation.StreamCompleted},
	} {
		req := conversation.TurnRequest{Text: "hi"}
		if c.run == conversation.RunTimedOut {
			req.Timeout = 50 * time.Millisecond
		}
		run := f.start(id, req)
		turn := p.next(t)
		if req.Timeout == 0 {
			require.Equal(t, conversation.StreamInProgress, status())
		}
		c.end(run, turn)
		require.Equal(t, c.run, f.wait(run.ID).Status)
		require.Equal(t, c.want, status())
	}
}

// TestL7_AQueuedRunIsNotTheLatestYet: what waits says nothing about the stream.
func TestL7_AQueuedRunIsNotTheLatestYet(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	first := f.say(id, "first")
	turn := p.next(t)
	queued := f.start(id, conversation.TurnRequest{Text: "second", OnBusy: conversation.BusyEnqueue})
	_, err := f.engine.StopRun(f.ctx, alice, queued.ID)
	require.NoError(t, err)
	require.Equal(t, conversation.StreamInProgress, f.get(id).StreamStatus)
	turn.finish(nil)
	f.wait(first.ID)
	require.Equal(t, conversation.StreamCompleted, f.get(id).StreamStatus)

	// Of runs that race, one that still works is in progress, whoever ended.
	one := f.say(id, "one")
	a := p.next(t)
	two := f.start(id, conversation.TurnRequest{Text: "two", OnBusy: conversation.BusyRace})
	b := p.next(t)
	b.finish(nil)
	f.wait(two.ID)
	require.Equal(t, conversation.StreamInProgress, f.get(id).StreamStatus)
	a.finish(nil)
	f.wait(one.ID)
	require.Equal(t, conversation.StreamCompleted, f.get(id).StreamStatus, "the latest is the one that landed")
}
