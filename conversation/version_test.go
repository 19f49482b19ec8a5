package conversation_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// together calls fn from n goroutines at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = fn(i)
		})
	}
	done.Wait()
	return errs
}

// user makes a message of a user for Append.
func user(t *testing.T, text string) conversation.Message {
	t.Helper()
	return message(t, conversation.RoleUser, conversation.Text(text))
}

func message(t *testing.T, role conversation.Role, parts ...conversation.Part) conversation.Message {
	t.Helper()
	content, err := conversation.NewContent(parts...)
	require.NoError(t, err)
	return conversation.Message{Role: role, Content: content}
}

func TestV2_StaleExpectationIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	before := f.get(id)

	for _, stale := range []int64{0, 1, 3, 99} {
		_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "again", ExpectedVersion: conversation.At(stale)})
		requireConflict(t, err, stale, 2)
		_, err = f.engine.Append(f.ctx, alice, id, conversation.AppendParams{
			Messages: []conversation.Message{user(t, "again")}, ExpectedVersion: conversation.At(stale),
		})
		requireConflict(t, err, stale, 2)
	}
	require.Equal(t, before, f.get(id), "nothing was written")
	runs, err := f.engine.Runs(f.ctx, alice, id, conversation.RunQuery{})
	require.NoError(t, err)
	require.Len(t, runs.Runs, 1, "no run was made")
}

func requireConflict(t *testing.T, err error, expected, current int64) {
	t.Helper()
	require.ErrorIs(t, err, conversation.ErrVersionConflict)
	var conflict *conversation.VersionConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, conversation.VersionConflictError{Expected: expected, Current: current}, *conflict)
}

func TestV2_ZeroIsAnExpectation(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "first", ExpectedVersion: conversation.At(0)})
	require.Equal(t, conversation.RunCompleted, run.Status)
	require.EqualValues(t, 0, run.BaseVersion)
	require.EqualValues(t, 2, run.Version)
	_, err := f.engine.StartRun(f.ctx, alice, id, conversation.TurnRequest{Text: "second", ExpectedVersion: conversation.At(0)})
	requireConflict(t, err, 0, 2)
}

func TestV2_NoExpectationIsTheHeadOfTheMoment(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	id := f.create()
	for i := range 5 {
		run := f.run(id, conversation.TurnRequest{Text: "hi"})
		require.EqualValues(t, 2*i, run.BaseVersion)
		require.EqualValues(t, 2*i+2, run.Version)
	}
	f.log(id)
}

func TestV2_SixteenAppendsFromOneVersion(t *testing.T) {
	t.Parallel()
	f := setup(t, says("x"), nil)
	id := f.create()
	errs := together(16, func(i int) error {
		_, err := f.engine.Append(f.ctx, alice, id, conversation.AppendParams{
			Messages: []conversation.Message{user(t, fmt.Sprint(i)), user(t, fmt.Sprint(i))}, ExpectedVersion: conversation.At(0),
		})
		return err
	})
	landed := -1
	for i, err := range errs {
		if err == nil {
			require.Negative(t, landed, "two landed")
			landed = i
			continue
		}
		requireConflict(t, err, 0, 2)
	}
	require.GreaterOrEqual(t, landed, 0, "none landed")
	require.Equal(t, []string{fmt.Sprintf("user: %d", landed), fmt.Sprintf("user: %d", landed)}, f.lines(id))
}

// Whoever loses learns why in a type: the version moved, or a run is active.
func TestV2_SixteenTurnsFromOneVersion(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	id := f.create()
	runs := make([]*conversation.Run, 16)
	errs := together(16, func(i int) (err error) {
		runs[i], err = f.engine.RunTurn(f.ctx, alice, id, conversation.TurnRequest{Text: "hi", ExpectedVersion: conversation.At(0)})
		return err
	})
	var winner *conversation.Run
	for i, err := range errs {
		if err == nil {
			require.Nil(t, winner, "two landed")
			winner = runs[i]
		}
	}
	require.NotNil(t, winner, "none landed")
	require.Equal(t, conversation.RunCompleted, winner.Status)
	for _, err := range errs {
		var active *conversation.RunActiveError
		switch {
		case err == nil:
		case errors.As(err, &active):
			require.Equal(t, winner.ID, active.RunID)
		default:
			requireConflict(t, err, 0, 2)
		}
	}
	require.Len(t, f.log(id), 2)

	for _, err := range together(15, func(int) error {
		_, err := f.engine.RunTurn(f.ctx, alice, id, conversation.TurnRequest{Text: "late", ExpectedVersion: conversation.At(0)})
		return err
	}) {
		requireConflict(t, err, 0, 2)
	}
	require.Len(t, f.log(id), 2)
}

func TestV4_OfSixteenThatRaceOneLands(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	req := conversation.TurnRequest{ExpectedVersion: conversation.At(0), OnBusy: conversation.BusyRace}
	runs := make([]*conversation.Run, 16)
	for _, err := range together(16, func(i int) (err error) {
		req := req
		req.Text = fmt.Sprint(i)
		runs[i], err = f.engine.StartRun(f.ctx, alice, id, req)
		return err
	}) {
		require.NoError(t, err)
	}
	acts := make([]*act, 16)
	for i := range acts {
		acts[i] = p.next(t)
		require.NoError(t, acts[i].Text("answer to "+acts[i].InputText()))
	}
	require.Empty(t, f.log(id), "V3: nothing is in the log while they run")
	together(16, func(i int) error { acts[i].finish(nil); return nil })

	var landed *conversation.Run
	for _, run := range runs {
		ended := f.wait(run.ID)
		if ended.Status == conversation.RunCompleted {
			require.Nil(t, landed, "two landed")
			landed = ended
			continue
		}
		require.Equal(t, conversation.RunFailed, ended.Status)
		require.Equal(t, conversation.CodeConcurrentAppend, ended.Error.Code)
		require.Zero(t, ended.Version)
		require.Nil(t, ended.FinalText)
		require.Equal(t, conversation.EventRunFailed, lastOf(f.replay(ended.ID, conversation.Cursor{})).Type)
	}
	require.NotNil(t, landed, "none landed")
	text := landed.Input.Parts[0].Text
	require.Equal(t, []string{"user: " + text, "assistant: answer to " + text}, f.lines(id))
	require.EqualValues(t, 2, landed.Version)
}

func lastOf(events []*conversation.Event) *conversation.Event { return events[len(events)-1] }

func TestV4_AppendThatRacesMakesTheRunFail(t *testing.T) {
	t.Parallel()
	p := newPuppet()
	f := setup(t, p, nil)
	id := f.create()
	run := f.say(id, "hi")
	a := p.next(t)

	params := conversation.AppendParams{Messages: []conversation.Message{user(t, "from elsewhere")}}
	_, err := f.engine.Append(f.ctx, alice, id, params)
	var active *conversation.RunActiveError
	require.ErrorAs(t, err, &active)
	require.Equal(t, run.ID, active.RunID)
	params.Race = true
	res, err := f.engine.Append(f.ctx, alice, id, params)
	require.NoError(t, err)
	require.EqualValues(t, 1, res.Version)

	a.finish(nil)
	ended := f.wait(run.ID)
	require.Equal(t, conversation.RunFailed, ended.Status)
	require.Equal(t, conversation.CodeConcurrentAppend, ended.Error.Code)
	require.Equal(t, []string{"user: from elsewhere"}, f.lines(id))
	require.Equal(t, conversation.StreamError, f.get(id).StreamStatus)
}

func TestV6_OnlyMessagesChangeTheVersion(t *testing.T) {
	t.Parallel()
	f := setup(t, says("hello"), nil)
	id := f.createWith(conversation.CreateParams{Mode: conversation.ModeFast})
	f.run(id, conversation.TurnRequest{Text: "hi"})
	changes := map[string]func() error{
		"title":   func() error { _, err := f.engine.SetTitle(f.ctx, alice, id, "new"); return err },
		"promote": func() error { _, err := f.engine.Promote(f.ctx, alice, id); return err },
		"participant": func() error {
			_, err := f.engine.AddParticipant(f.ctx, alice, id, conversation.Participant{UserID: "bob"})
			return err
		},
		"delete":  func() error { _, err := f.engine.Delete(f.ctx, alice, id); return err },
		"restore": func() error { _, err := f.engine.Restore(f.ctx, alice, id); return err },
	}
	for _, name := range []string{"title", "promote", "participant", "delete", "restore"} {
		require.NoError(t, changes[name](), name)
		require.EqualValues(t, 2, f.get(id).Version, name)
	}
	run := f.run(id, conversation.TurnRequest{Text: "again", ExpectedVersion: conversation.At(2)})
	require.EqualValues(t, 4, run.Version)
}
