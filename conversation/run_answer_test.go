package conversation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func TestR1_IterationsAreBounded(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		for {
			step, err := turn.Step(ctx)
			if err != nil {
				return fmt.Errorf("step: %w", err)
			}
			if err := turn.Textf("%d ", step.Number); err != nil {
				return err
			}
		}
	}), nil)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "hi", Override: &conversation.Override{MaxIterations: 3}})
	require.Equal(t, conversation.RunFailed, run.Status)
	require.Equal(t, conversation.CodeMaxIterations, run.Error.Code)
	require.Equal(t, 3, run.Iterations)
	require.Equal(t, "1 2 3 ", textOf(f.replay(run.ID, conversation.Cursor{})))
	require.Empty(t, f.log(id))
	require.Equal(t, conversation.DefaultMaxIterations, f.run(id, conversation.TurnRequest{Text: "hi"}).Iterations)
}

func TestStructuredAnswers(t *testing.T) {
	t.Parallel()
	schema := json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}`)
	text := func(s string) conversation.ResponderFunc { return says(s) }
	value := func(s string) conversation.ResponderFunc {
		return func(_ context.Context, turn *conversation.Turn) error { return turn.Structured(json.RawMessage(s)) }
	}
	for name, c := range map[string]struct {
		say  conversation.Responder
		want string // the value; "" is a mismatch
	}{
		"a value that fits": {value(`{"n":1}`), `{"n":1}`},
		"one that does not": {value(`{"n":"one"}`), ""},
		"one with more":     {value(`{"n":1,"m":2}`), ""},
		"no JSON":           {value(`{"n":`), ""},
		"text that is JSON": {text(" {\"n\":2}\n"), `{"n":2}`},
		"text that misses":  {text(`{"m":2}`), ""},
		"text that is text": {text("n is 2"), ""},
		"nothing":           {text(""), ""},
		"corrected by itself": {conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
			if turn.Structured(json.RawMessage(`{}`)) == nil {
				return errors.New("a misfit was taken")
			}
			return turn.Structured(json.RawMessage(`{"n":3}`))
		}), `{"n":3}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, c.say, nil)
			id := f.create()
			run := f.run(id, conversation.TurnRequest{Text: "hi", Override: &conversation.Override{OutputSchema: schema}})
			if c.want == "" {
				require.Equal(t, conversation.RunFailed, run.Status)
				require.Equal(t, conversation.CodeSchema, run.Error.Code)
				require.Empty(t, f.log(id))
				return
			}
			require.Equal(t, conversation.RunCompleted, run.Status)
			require.JSONEq(t, c.want, string(run.FinalStructured))
			require.Nil(t, run.FinalText)
			require.Equal(t, []string{"user: hi", "assistant: [" + c.want + "]"}, f.lines(id))
		})
	}
}

func TestUsageIsSummed(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		if turn.Usage(conversation.Usage{PromptTokens: -1}) == nil {
			return errors.New("negative usage was taken")
		}
		if err := turn.Usage(conversation.Usage{PromptTokens: 10, CompletionTokens: 5}); err != nil {
			return err
		}
		return turn.Usage(conversation.Usage{PromptTokens: 1, CompletionTokens: 2, TotalTokens: 7})
	}), nil)
	run := f.run(f.create(), conversation.TurnRequest{Text: "hi"})
	require.Equal(t, conversation.Usage{PromptTokens: 11, CompletionTokens: 7, TotalTokens: 22}, run.Usage)
}

// What a Responder's goroutines say after it has returned is refused, and is no
// race either.
func TestR1_EmittingAfterTheTurn(t *testing.T) {
	t.Parallel()
	for range 5 {
		late := make(chan error, 4)
		f := setup(t, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
			emit := []func() error{
				func() error { return turn.Message(conversation.Text("x")) },
				func() error { return turn.Reasoning("y") },
				func() error { return turn.Status("z") },
				func() error { return turn.Text("t") },
			}
			for i := range emit {
				go func() {
					for n := 0; n < 500 && emit[i]() == nil; n++ {
						runtime.Gosched()
					}
					<-ctx.Done()
					late <- emit[i]()
				}()
			}
			return turn.Text("said ")
		}), nil)
		id := f.create()
		run := f.run(id, conversation.TurnRequest{Text: "hi"})
		for range 4 {
			require.ErrorIs(t, <-late, conversation.ErrTurnOver)
		}
		require.Equal(t, conversation.RunCompleted, run.Status)
		require.Equal(t, *run.FinalText, textOf(f.replay(run.ID, conversation.Cursor{})))
	}
}

func TestR1_ATurnThatWritesTooMuch(t *testing.T) {
	t.Parallel()
	cfg := &conversation.Config{MaxMessageBytes: 100}
	f := setup(t, says(strings.Repeat("x", 101)), cfg)
	id := f.create()
	run := f.run(id, conversation.TurnRequest{Text: "hi"})
	require.Equal(t, conversation.CodeTooLarge, run.Error.Code)
	require.Empty(t, f.log(id))

	// One that does not mind has said nothing.
	f = setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		if turn.Text(strings.Repeat("x", 101)) == nil {
			return errors.New("it was taken")
		}
		return nil
	}), cfg)
	id = f.create()
	require.Equal(t, conversation.RunCompleted, f.run(id, conversation.TurnRequest{Text: "hi"}).Status)
	require.Equal(t, []string{"user: hi"}, f.lines(id), "no empty message")
}

func TestR8_ADeletedConversationFencesItsRuns(t *testing.T) {
	t.Parallel()
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprintf("elsewhere %t", elsewhere), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPuppet()
				f := setup(t, p, nil)
				at := f
				if elsewhere {
					at = f.join(newPuppet(), nil)
				}
				synctest.Wait()
				id := f.create()
				run := f.say(id, "hi")
				a := p.next(t)
				require.NoError(t, a.Text("half"))
				queued := f.start(id, conversation.TurnRequest{Text: "later", OnBusy: conversation.BusyEnqueue})
				here := follow(t, f, run.ID)
				time.Sleep(time.Second)
				_, err := at.engine.Delete(at.ctx, alice, id)
				require.NoError(t, err)
				<-a.ctx.Done()
				require.ErrorIs(t, context.Cause(a.ctx), conversation.ErrLeaseLost)
				require.ErrorIs(t, a.Text("late"), conversation.ErrTurnOver)
				require.NoError(t, here.err())
				require.Equal(t, conversation.EventRunStopped, lastOf(here.events()).Type)
				for _, r := range []uuid.UUID{run.ID, queued.ID} {
					got := f.wait(r)
					require.Equal(t, conversation.RunStopped, got.Status)
					require.Equal(t, conversation.CodeDeleted, got.Error.Code)
				}
				require.Empty(t, f.log(id))
				_, err = f.engine.Restore(f.ctx, alice, id)
				require.NoError(t, err)
				require.Equal(t, conversation.RunStopped, f.look(run.ID).Status)
				f.say(id, "again")
				p.next(t).finish(nil)
			})
		})
	}
}

func TestR8_APurgeDuringARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPuppet()
		f := setup(t, p, nil)
		g := f.join(newPuppet(), nil)
		id := f.create()
		run := f.say(id, "hi")
		a := p.next(t)
		require.NoError(t, a.Text("half"))
		waiting := make(chan error, 1)
		go func() { _, err := f.engine.Wait(f.ctx, alice, run.ID); waiting <- err }()
		time.Sleep(time.Second)
		_, err := g.engine.PurgeUser(g.ctx, alice, "alice")
		require.NoError(t, err)
		<-a.ctx.Done()
		require.ErrorIs(t, a.Text("late"), conversation.ErrTurnOver)
		require.ErrorIs(t, <-waiting, conversation.ErrNotFound)
		synctest.Wait()
		require.Equal(t, conversation.Stats{}, f.engine.Stats())
		_, err = f.engine.Run(f.ctx, alice, run.ID, conversation.ViewParticipant)
		require.ErrorIs(t, err, conversation.ErrNotFound)
	})
}

// An id may be used again after a purge, and nothing of the old conversation is remembered.
func TestL6_AnIDThatIsUsedAgain(t *testing.T) {
	t.Parallel()
	prompts := make(chan string, 2)
	f := setup(t, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
		prompts <- turn.SystemPrompt()
		return nil
	}), nil)
	id := uuid.New()
	for _, prompt := range []string{"old", "new"} {
		f.createWith(conversation.CreateParams{ID: id, Defaults: conversation.Defaults{SystemPrompt: prompt}})
		f.run(id, conversation.TurnRequest{Text: "hi"})
		f.wait(f.start(id, conversation.TurnRequest{Text: "hi"}).ID)
		require.Equal(t, prompt, <-prompts)
		require.Equal(t, prompt, <-prompts)
		_, err := f.engine.Purge(f.ctx, alice, id)
		require.NoError(t, err)
	}
}

func TestTurn_ALongLogCostsWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	const length = 100_000
	s := tampered(memstore.New(nil))
	p := newPuppet()
	f := setupOn(t, s, p, nil)
	id := f.create()
	fill(t, f, id, length)
	before := s.count("Messages")
	run := f.say(id, "hi")
	a := p.next(t)
	require.EqualValues(t, length, a.Version())
	window, err := a.Window(a.ctx, 20)
	require.NoError(t, err)
	require.Len(t, window, 20)
	require.EqualValues(t, length-19, window[0].Seq)
	require.EqualValues(t, length, window[19].Seq)
	require.Equal(t, 1, s.count("Messages")-before, "one read")
	n := 0
	for m, err := range a.History(a.ctx, conversation.HistoryOptions{NewestFirst: true}) {
		require.NoError(t, err)
		require.EqualValues(t, length-n, m.Seq)
		if n++; n == 150 {
			break
		}
	}
	require.Equal(t, 3, s.count("Messages")-before, "a page of a hundred at a time")
	n = 0
	for m, err := range a.History(a.ctx, conversation.HistoryOptions{Since: length - 250}) {
		require.NoError(t, err)
		n++
		require.EqualValues(t, length-250+n, m.Seq)
	}
	require.Equal(t, 250, n)
	a.finish(nil)
	require.EqualValues(t, length+1, f.wait(run.ID).Version)
}

// fill appends short messages until the log has so many. It writes rows: the
// engine would check each of them.
func fill(t testing.TB, f *fixture, id uuid.UUID, length int) {
	t.Helper()
	content, err := conversation.NewContent(conversation.Text("a message of the usual kind"))
	require.NoError(t, err)
	parts, err := content.MarshalJSON()
	require.NoError(t, err)
	scope := store.Scope{Tenant: f.caller.Tenant, User: f.caller.User}
	for have := 0; have < length; {
		rows := make([]store.Message, min(1000, length-have))
		for i := range rows {
			role := []conversation.Role{conversation.RoleUser, conversation.RoleAssistant}[i%2]
			rows[i] = store.Message{ID: uuid.New(), Role: string(role), Parts: parts}
		}
		have += len(rows)
		_, err := f.store.Append(context.Background(), &store.Append{Scope: scope, ConversationID: id, Tail: store.Tail{Messages: rows}})
		require.NoError(t, err)
	}
}
