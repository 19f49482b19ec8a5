package conversation_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// A request that fails several checks is answered by the first of them.
func TestR2_TheOrderOfChecks(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{MaxRuns: 1})
	id := f.create()
	first := f.start(id, conversation.TurnRequest{Text: "hi", Key: "used"})
	a := p.next(t)
	require.NoError(t, a.Text("hello"))
	bad := conversation.TurnRequest{ // wrong in every way that is left
		Text: "a\xff", Key: "used", ExpectedVersion: conversation.At(7), OnBusy: "sometimes", Timeout: -1,
		Outputs: []conversation.ToolOutput{output("x", "y")},
	}
	try := func(who conversation.Caller, change func(*conversation.TurnRequest)) error {
		req := bad
		change(&req)
		_, err := f.engine.StartRun(f.ctx, who, id, req)
		require.Error(t, err)
		return err
	}
	same := func(*conversation.TurnRequest) {}
	reader := alice
	reader.Permissions = conversation.PermRead
	require.ErrorIs(t, try(reader, same), conversation.ErrForbidden)
	require.ErrorIs(t, try(bob, same), conversation.ErrNotFound)
	require.ErrorIs(t, try(alice, same), conversation.ErrIdempotencyMismatch)
	fresh := func(r *conversation.TurnRequest) { r.Key = "fresh" }
	requireConflict(t, try(alice, fresh), 7, 0)
	current := func(r *conversation.TurnRequest) { r.Key, r.ExpectedVersion, r.OnBusy = "", conversation.At(0), "" }
	require.ErrorIs(t, try(alice, current), conversation.ErrRunActive)
	racing := func(r *conversation.TurnRequest) { current(r); r.OnBusy = conversation.BusyRace }
	err := try(alice, racing)
	require.ErrorIs(t, err, conversation.ErrInvalid)
	var fields conversation.FieldErrors
	require.ErrorAs(t, err, &fields)
	require.GreaterOrEqual(t, len(fields), 2, "all fields at fault: %v", fields)
	// A good payload meets the bound on work last.
	_, err = f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", OnBusy: conversation.BusyRace})
	require.ErrorIs(t, err, conversation.ErrOverloaded)

	a.finish(nil)
	f.wait(first.ID)
	// The key comes before the version: a retry succeeds although its version is stale by now.
	again := f.start(id, conversation.TurnRequest{Text: "hi", Key: "used", ExpectedVersion: conversation.At(0)})
	require.True(t, again.Replayed)
	require.Equal(t, conversation.RunCompleted, again.Status)
	_, err = f.engine.Delete(f.ctx, alice, id)
	require.NoError(t, err)
	require.ErrorIs(t, try(bob, same), conversation.ErrNotFound)
	require.ErrorIs(t, try(alice, same), conversation.ErrDeleted)
	_, err = f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", Key: "used"})
	require.ErrorIs(t, err, conversation.ErrDeleted, "before the key")
}

func TestR2_ReadOnlyComesBeforeTheKey(t *testing.T) {
	t.Parallel()
	f := setup(t, says("x"), nil)
	slack := alice
	slack.Channel = conversation.ChannelSlack
	s := f.as(slack)
	id := s.createWith(conversation.CreateParams{Surface: conversation.SurfaceChannel})
	s.run(id, conversation.TurnRequest{Text: "hi", Key: "k"})
	_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "\xff", Key: "k", ExpectedVersion: conversation.At(9)})
	require.ErrorIs(t, err, conversation.ErrReadOnly)
}

func TestR3_SixteenCallersWithOneKeyMakeOneRun(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	g := f.join(p, nil)
	id := f.create()
	runs := make([]*conversation.Run, 16)
	for _, err := range together(16, func(i int) (err error) {
		at := []*fixture{f, g}[i%2]
		runs[i], err = at.engine.StartRun(at.ctx, alice, id, conversation.TurnRequest{Text: "hi", Key: "k", ExpectedVersion: conversation.At(0)})
		return err
	}) {
		require.NoError(t, err)
	}
	originals := 0
	for _, run := range runs {
		require.Equal(t, runs[0].ID, run.ID)
		if !run.Replayed {
			originals++
		}
	}
	require.Equal(t, 1, originals)
	require.NoError(t, p.next(t).Text("once"))
	_, err := f.engine.StopRun(f.ctx, alice, runs[0].ID)
	require.NoError(t, err)
	require.Empty(t, p.acts, "the responder was asked once")
	require.Len(t, f.log(id), 2)
}

func TestR3_TheSameKeyFindsTheRunWhateverItsState(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id, other := f.create(), f.create()
	req := conversation.TurnRequest{Text: "hi", Key: "k"}
	first := f.start(id, req)
	a := p.next(t)
	require.Equal(t, conversation.RunRunning, f.start(id, req).Status)
	queued := conversation.TurnRequest{Text: "later", Key: "q", OnBusy: conversation.BusyEnqueue}
	second := f.start(id, queued)
	again := f.start(id, queued)
	require.Equal(t, second.ID, again.ID)
	require.True(t, again.Queued)
	require.NotEqual(t, first.ID, f.start(other, req).ID, "a key is of one conversation")
	p.next(t).finish(nil)
	a.finish(nil)
	p.next(t).finish(context.Canceled)
	require.Equal(t, conversation.RunFailed, f.wait(second.ID).Status)
	for _, r := range []conversation.TurnRequest{req, queued} {
		got, err := f.engine.RunTurn(f.ctx, alice, id, r)
		require.NoError(t, err)
		require.True(t, got.Replayed)
		require.True(t, got.Status.Terminal())
	}
	for name, r := range map[string]conversation.TurnRequest{
		"text":     {Text: "ho", Key: "k"},
		"override": {Text: "hi", Key: "k", Override: &conversation.Override{Model: "m"}},
		"choice":   {Text: "hi", Key: "k", ToolChoice: &conversation.ToolChoice{Kind: conversation.ToolChoiceAuto}},
	} {
		_, err := f.engine.StartRun(f.ctx, alice, id, r)
		require.ErrorIs(t, err, conversation.ErrIdempotencyMismatch, name)
	}
}

func TestR7_ARunDoesNotBelongToItsCaller(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	ctx, cancel := context.WithCancel(f.ctx)
	run, err := f.engine.StartRun(ctx, alice, id, conversation.TurnRequest{Text: "hi"})
	require.NoError(t, err)
	a := p.next(t)
	cancel()
	require.NoError(t, a.ctx.Err())
	require.NoError(t, a.Text("still here"))

	waiting, stop := context.WithCancel(f.ctx)
	stop()
	_, err = f.engine.Wait(waiting, alice, run.ID)
	require.ErrorIs(t, err, context.Canceled)
	a.finish(nil)
	require.Equal(t, conversation.RunCompleted, f.wait(run.ID).Status)

	for _, call := range []func(context.Context) error{
		func(ctx context.Context) error {
			_, err := f.engine.StartRun(ctx, alice, id, conversation.TurnRequest{Text: "never"})
			return err
		},
		func(ctx context.Context) error {
			_, err := f.engine.RunTurn(ctx, alice, id, conversation.TurnRequest{Text: "never"})
			return err
		},
	} {
		require.ErrorIs(t, call(waiting), context.Canceled)
	}
	require.Len(t, f.log(id), 2, "what had ended before the call wrote nothing")
	require.Empty(t, p.acts)
}

func TestR7_RunTurnThatIsLeftGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
			time.Sleep(time.Minute)
			return turn.Text("at last")
		}), nil)
		id := f.create()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.engine.RunTurn(ctx, alice, id, conversation.TurnRequest{Text: "hi"})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"user: hi", "assistant: at last"}, f.lines(id))
	})
}

func TestR8_TheDeadlineOfAResponderThatIgnoresIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := setup(t, conversation.ResponderFunc(func(context.Context, *conversation.Turn) error { <-release; return nil }),
			&conversation.Config{RunTimeout: time.Minute})
		id := f.create()
		began := time.Now()
		run := f.run(id, conversation.TurnRequest{Text: "hi", Timeout: 10 * time.Second})
		require.Equal(t, 10*time.Second, time.Since(began).Truncate(time.Millisecond))
		require.Equal(t, conversation.RunTimedOut, run.Status)
		require.Equal(t, conversation.StreamTimeout, f.get(id).StreamStatus)
		began = time.Now()
		run = f.run(id, conversation.TurnRequest{Text: "hi", Timeout: time.Hour})
		require.Equal(t, time.Minute, time.Since(began).Truncate(time.Millisecond), "the host's bound holds")
		require.Equal(t, conversation.RunTimedOut, run.Status)
		close(release)
	})
}

func TestR2_TextsThatAreNoTurn(t *testing.T) {
	t.Parallel()
	f := setup(t, says("x"), &conversation.Config{MaxMessageBytes: 1000})
	id := f.create()
	for name, text := range map[string]string{
		"empty": "", "blank": " \n\t\u00a0", "huge": strings.Repeat("x", 1001), "invalid": "a\xffb", "nul": "a\x00b",
	} {
		_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: text})
		var field *conversation.FieldError
		require.ErrorAs(t, err, &field, name)
		require.Equal(t, "content", field.Path, name)
	}
	require.Zero(t, f.get(id).Version)
	require.Equal(t, conversation.StreamNone, f.get(id).StreamStatus)
}
