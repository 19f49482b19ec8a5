package conversation_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// titler counts how often it is asked and answers with what the test says.
type titler struct {
	mu      sync.Mutex
	asked   []*conversation.TitleRequest
	answers chan func(ctx context.Context) (string, error)
}

func newTitler() *titler {
	return &titler{answers: make(chan func(context.Context) (string, error), 16)}
}

// Title implements conversation.Titler.
func (r *titler) Title(ctx context.Context, req *conversation.TitleRequest) (string, error) {
	r.mu.Lock()
	r.asked = append(r.asked, req)
	r.mu.Unlock()
	return (<-r.answers)(ctx)
}

func (r *titler) times() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

func (r *titler) says(title string) {
	r.answers <- func(context.Context) (string, error) { return title, nil }
}

// titled waits until the conversation has this title.
func (f *fixture) titled(id uuid.UUID, title string) *conversation.Conversation {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.get(id).Title == title }, patience, time.Millisecond)
	return f.get(id)
}

// TestL1_DerivedAfterTheFirstCompletedTurn, and from what was said in it.
func TestL1_DerivedAfterTheFirstCompletedTurn(t *testing.T) {
	t.Parallel()
	r := newTitler()
	p := newPuppet()
	f := setup(t, p, &conversation.Config{Titler: r})
	id := f.create("ask")
	require.Empty(t, f.get(id).Title)

	// What does not complete has no title: a failed turn, a stopped one, a paused one.
	run := f.say(id, "fails")
	p.next(t).finish(errors.New("no"))
	f.wait(run.ID)
	run = f.say(id, "stopped")
	require.NoError(t, p.next(t).Text("half"))
	_, err := f.engine.StopRun(f.ctx, alice, run.ID)
	require.NoError(t, err)
	run = f.say(id, "pauses")
	turn := p.next(t)
	call, err := turn.ToolCall(conversation.ToolCall{Name: "ask"})
	require.NoError(t, err)
	turn.finish(nil)
	f.wait(run.ID)
	require.Zero(t, r.times())

	run = f.start(id, conversation.TurnRequest{Outputs: []conversation.ToolOutput{output(call.ID, "42")}})
	turn = p.next(t)
	require.NoError(t, turn.Text("It is "))
	require.NoError(t, turn.Text("42."))
	turn.finish(nil)
	f.wait(run.ID)
	before := f.get(id)
	r.says("The answer")
	c := f.titled(id, "The answer")
	require.False(t, c.TitleCustom)
	require.Equal(t, before.Version, c.Version, "V6")
	require.Equal(t, before.ActivityAt, c.ActivityAt)
	require.True(t, c.UpdatedAt.After(before.UpdatedAt))
	require.Equal(t, id, r.asked[0].Conversation.ID)
	require.Equal(t, run.ID, r.asked[0].Run.ID)
	require.Equal(t, "It is 42.", r.asked[0].Answer)

	// Once there is one, nobody asks again.
	run = f.say(id, "more")
	p.next(t).finish(nil)
	f.wait(run.ID)
	require.Equal(t, 1, r.times())
	require.Equal(t, "The answer", f.get(id).Title)
}

// TestL1_DerivedNeverOverwritesSet, whichever comes first.
func TestL1_DerivedNeverOverwritesSet(t *testing.T) {
	t.Parallel()
	r := newTitler()
	f := setup(t, says("ok"), &conversation.Config{Titler: r})
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	require.Eventually(t, func() bool { return r.times() == 1 }, patience, time.Millisecond)
	c, err := f.engine.SetTitle(f.ctx, alice, id, "Mine") // while the Titler thinks
	require.NoError(t, err)
	require.True(t, c.TitleCustom)
	stored := make(chan struct{})
	r.answers <- func(context.Context) (string, error) { close(stored); return "Derived", nil }
	<-stored
	f.run(id, conversation.TurnRequest{Text: "again"}) // no reason to derive one
	require.Equal(t, 1, r.times())
	c = f.get(id)
	require.Equal(t, "Mine", c.Title)
	require.True(t, c.TitleCustom)

	// One that was given at the creation is set as well.
	id = f.createWith(conversation.CreateParams{Title: "From the start"})
	f.run(id, conversation.TurnRequest{Text: "hi"})
	require.Equal(t, 1, r.times())
}

// TestL1_BlankTurnsDerivingOnAgain.
func TestL1_BlankTurnsDerivingOnAgain(t *testing.T) {
	t.Parallel()
	r := newTitler()
	f := setup(t, says("ok"), &conversation.Config{Titler: r})
	id := f.createWith(conversation.CreateParams{Title: "Mine"})
	for i, blank := range []string{"", "  \n\t", "\u3000"} {
		_, err := f.engine.SetTitle(f.ctx, alice, id, "Mine")
		require.NoError(t, err)
		c, err := f.engine.SetTitle(f.ctx, alice, id, blank)
		require.NoError(t, err)
		require.Empty(t, c.Title)
		require.False(t, c.TitleCustom)
		f.run(id, conversation.TurnRequest{Text: "hi"})
		r.says("Derived")
		c = f.titled(id, "Derived")
		require.False(t, c.TitleCustom)
		require.Equal(t, i+1, r.times())
	}
}

// TestL1_TitlesAreTrimmedAndBounded: set ones are refused beyond 200 characters,
// derived ones cut, and what cannot be stored is not let through.
func TestL1_TitlesAreTrimmedAndBounded(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	long := strings.Repeat("\U0001F600", 200)
	for given, want := range map[string]string{
		"  plain ": "plain", "\u2003wide\u3000": "wide", "two\nlines": "two\nlines", long: long, "  " + long + "  ": long,
		"100% _of_ \\ it": "100% _of_ \\ it", "<script>": "<script>", "e\u0301": "e\u0301",
	} {
		c, err := f.engine.SetTitle(f.ctx, alice, id, given)
		require.NoError(t, err, "%q", given)
		require.Equal(t, want, c.Title)
		require.True(t, c.TitleCustom)
		require.Equal(t, want, f.get(id).Title)
	}
	_, err := f.engine.SetTitle(f.ctx, alice, id, long+"x")
	require.Equal(t, []string{"title"}, paths(t, err))

	r := newTitler()
	g := setup(t, says("ok"), &conversation.Config{Titler: r})
	for given, want := range map[string]string{
		"  plain \n": "plain", long + long: long, strings.Repeat("x", 199) + " and more": strings.Repeat("x", 199),
		"a\x00b\xffc": "a\ufffdb\ufffdc", "\xe2\x82": "\ufffd",
	} {
		id := g.create()
		g.run(id, conversation.TurnRequest{Text: "hi"})
		r.says(given)
		c := g.titled(id, want)
		require.True(t, utf8.ValidString(c.Title))
	}
}

// TestL1_ATitlerThatDoesNotAnswer costs the conversation nothing: the next
// completed turn asks again.
func TestL1_ATitlerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(context.Context) (string, error){
		"fails":             func(context.Context) (string, error) { return "half a title", errors.New("no model today") },
		"panics":            func(context.Context) (string, error) { panic("at the titler") },
		"panics with nil":   func(context.Context) (string, error) { var c *conversation.Conversation; return c.Title, nil }, //nolint:govet // on purpose
		"has none":          func(context.Context) (string, error) { return "", nil },
		"has a blank one":   func(context.Context) (string, error) { return " \n ", nil },
		"has nothing to it": func(context.Context) (string, error) { return "\u3000", nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged lockedBuffer
			r := newTitler()
			f := setup(t, says("ok"), &conversation.Config{Titler: r, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
			id := f.create()
			run := f.run(id, conversation.TurnRequest{Text: "hi"})
			require.Equal(t, conversation.RunCompleted, run.Status, "the turn does not wait for its title")
			r.answers <- trouble
			f.run(id, conversation.TurnRequest{Text: "again"})
			r.says("At last")
			f.titled(id, "At last")
			require.Equal(t, 2, r.times())
			if strings.HasPrefix(name, "panics") || name == "fails" {
				require.NotEmpty(t, logged.String())
			}
		})
	}
}

// lockedBuffer is a buffer that several goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestL1_ASlowTitler gets its time, and no more: its context ends after 30 s,
// and whatever it says then is too late.
func TestL1_ASlowTitler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newTitler()
		f := setup(t, says("ok"), &conversation.Config{Titler: r})
		id := f.create()
		f.run(id, conversation.TurnRequest{Text: "hi"})
		began := time.Now()
		ended := make(chan time.Duration, 1)
		r.answers <- func(ctx context.Context) (string, error) {
			<-ctx.Done()
			ended <- time.Since(began)
			return "Too late", nil
		}
		require.Equal(t, conversation.DefaultTitleTimeout, <-ended)
		synctest.Wait()
		require.Empty(t, f.get(id).Title)
	})
}

// TestL1_TitlersDoNotHoldUpShutdown: neither one that listens to its context nor
// one that does not.
func TestL1_TitlersDoNotHoldUpShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newTitler()
		f := setup(t, says("ok"), &conversation.Config{Titler: r})
		id := f.create()
		f.run(id, conversation.TurnRequest{Text: "hi"})
		told := make(chan struct{})
		r.answers <- func(ctx context.Context) (string, error) {
			<-ctx.Done()
			close(told)
			return "", ctx.Err()
		}
		now, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		require.NoError(t, f.engine.Shutdown(now))
		<-told
		require.Less(t, time.Since(began), 5*time.Second)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newTitler()
		f := setup(t, says("ok"), &conversation.Config{Titler: r})
		id := f.create()
		f.run(id, conversation.TurnRequest{Text: "hi"})
		release := make(chan struct{})
		r.answers <- func(context.Context) (string, error) { <-release; return "late", nil }
		now, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		_ = f.engine.Shutdown(now) // it may complain, and must not hang
		require.Less(t, time.Since(began), 5*time.Second)
		close(release)
	})
}

// TestL1_TheTitleIsAnEventOfTheConversation, set, derived and cleared.
func TestL1_TheTitleIsAnEventOfTheConversation(t *testing.T) {
	t.Parallel()
	r := newTitler()
	f := setup(t, says("ok"), &conversation.Config{Titler: r})
	id := f.create()
	s, err := f.engine.Follow(f.ctx, alice, id, conversation.Cursor{}, conversation.ViewParticipant)
	require.NoError(t, err)
	defer s.Close()
	next := func() string {
		t.Helper()
		ctx, cancel := context.WithTimeout(f.ctx, patience)
		defer cancel()
		for {
			events, err := s.Next(ctx)
			require.NoError(t, err)
			for _, e := range events {
				if e.Type == conversation.EventTitleUpdated {
					require.Equal(t, uuid.Nil, e.RunID)
					require.Zero(t, e.Seq)
					return *e.Title
				}
			}
		}
	}
	_, err = f.engine.SetTitle(f.ctx, alice, id, "Set")
	require.NoError(t, err)
	require.Equal(t, "Set", next())
	_, err = f.engine.SetTitle(f.ctx, alice, id, "")
	require.NoError(t, err)
	require.Empty(t, next())
	f.run(id, conversation.TurnRequest{Text: "hi"})
	r.says("Derived")
	require.Equal(t, "Derived", next())
}

// TestV6_TheSameTitleChangesNothing, its time neither.
func TestV6_TheSameTitleChangesNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	a, err := f.engine.SetTitle(f.ctx, alice, id, "Same")
	require.NoError(t, err)
	b, err := f.engine.SetTitle(f.ctx, alice, id, " Same ")
	require.NoError(t, err)
	require.Equal(t, a, b)
}

// TestL1_NoTitlerNoTitle.
func TestL1_NoTitlerNoTitle(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), nil)
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "hi"})
	require.Empty(t, f.get(id).Title)
}

// TestL1_ATitlerFuncIsATitler, for hosts without a type of their own.
func TestL1_ATitlerFuncIsATitler(t *testing.T) {
	t.Parallel()
	f := setup(t, says("ok"), &conversation.Config{Titler: conversation.TitlerFunc(
		func(_ context.Context, req *conversation.TitleRequest) (string, error) {
			return "About " + req.Run.Input.Parts[0].Text, nil
		})})
	id := f.create()
	f.run(id, conversation.TurnRequest{Text: "cats"})
	f.titled(id, "About cats")
}
