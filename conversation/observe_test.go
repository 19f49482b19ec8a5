package conversation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// witness is an Observer that writes down what it is told.
type witness struct {
	mu     sync.Mutex
	begins []*conversation.RunBegin
	ends   []*conversation.RunEnd
	lines  []string
}

type traceKey struct{}

func traced(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

func (w *witness) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *witness) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.lines...)
}

func (w *witness) begin(i int) *conversation.RunBegin {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begins[i]
}

func (w *witness) end(i int) *conversation.RunEnd {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ends[i]
}

func (w *witness) Carry(ctx context.Context) map[string]string {
	if id, ok := ctx.Value(traceKey{}).(string); ok {
		return map[string]string{"trace": id}
	}
	return nil
}

func (w *witness) BeginRun(ctx context.Context, b *conversation.RunBegin) (context.Context, conversation.RunObserver) {
	w.mu.Lock()
	w.begins = append(w.begins, b)
	w.mu.Unlock()
	w.say("begin %d, claimed %t, trace %q", b.Run.Attempt, b.Claimed, b.Carried["trace"])
	return traced(ctx, "run of "+b.Carried["trace"]), w
}

func (w *witness) Step(n int) { w.say("step %d", n) }

func (w *witness) ToolCall(c conversation.ToolCall, client bool) {
	w.say("call %s %s, client %t", c.ID, c.Name, client)
}

func (w *witness) ToolResult(p conversation.Part) {
	w.say("result %s, error %t", p.ToolCallID, p.IsError)
}

func (w *witness) End(e *conversation.RunEnd) {
	status, code := conversation.RunStatus(""), ""
	if e.Run != nil {
		status = e.Run.Status
		if e.Run.Error != nil {
			code = e.Run.Error.Code
		}
	}
	w.mu.Lock()
	w.ends = append(w.ends, e)
	w.mu.Unlock()
	w.say("%s %s %s, %d tokens, %d iterations", e.Outcome, status, code, e.Usage.TotalTokens, e.Iterations)
}

// searches answers in two steps, with a search between them, and leaves a
// second search without a result.
var searches = conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
	if _, err := turn.Step(ctx); err != nil {
		return err
	}
	for _, id := range []string{"s1", "s2"} {
		if _, err := turn.ToolCall(conversation.ToolCall{ID: id, Name: "web-search"}); err != nil {
			return err
		}
	}
	if err := turn.ToolResult(output("s1", "found")); err != nil {
		return err
	}
	if err := turn.Usage(conversation.Usage{PromptTokens: 5, CompletionTokens: 2}); err != nil {
		return err
	}
	if _, err := turn.Step(ctx); err != nil {
		return err
	}
	return turn.Text("traced by " + ctx.Value(traceKey{}).(string))
})

func searchable() conversation.CreateParams {
	return conversation.CreateParams{Defaults: conversation.Defaults{Settings: conversation.Settings{
		Model: "m", MCPServers: []conversation.MCPServer{{Alias: "web", URL: "https://x", Headers: map[string]conversation.Secret{"k": "canary"}}},
	}}}
}

func TestObserverIsToldOfARun(t *testing.T) {
	t.Parallel()
	w := &witness{}
	f := setup(t, searches, &conversation.Config{Observer: w})
	id := f.createWith(searchable())
	run, err := f.engine.RunTurn(traced(f.ctx, "request"), f.caller, id, conversation.TurnRequest{Text: "hi"})
	require.NoError(t, err)
	require.Equal(t, "traced by run of request", *run.FinalText)
	require.Equal(t, []string{
		`begin 1, claimed false, trace "request"`,
		"step 1", "call s1 web-search, client false", "call s2 web-search, client false", "result s1, error false",
		"result s2, error true", "step 2",
		"ended completed , 7 tokens, 2 iterations",
	}, w.told(), "all of it before the caller has the answer")

	begin, end := w.begin(0), w.end(0)
	require.Equal(t, "acme", begin.Tenant)
	require.Equal(t, run.ID, begin.Run.ID)
	require.Equal(t, id, begin.Run.ConversationID)
	require.Equal(t, id, begin.Conversation.ID)
	require.Equal(t, "alice", begin.Run.UserID)
	require.Equal(t, "m", begin.Run.Effective.Model)
	require.Zero(t, begin.QueueWait)
	require.Equal(t, run.ID, end.Run.ID)
	for _, s := range []*conversation.RunBegin{begin} {
		for _, server := range append(s.Run.Effective.MCPServers, s.Conversation.Defaults.MCPServers...) {
			require.Equal(t, conversation.Secret(conversation.Redacted), server.Headers["k"], "C4")
		}
	}
	shown, err := json.Marshal(run)
	require.NoError(t, err)
	require.NotContains(t, string(shown), `"carried"`, "what is carried is the observer's")
}

func TestObserverIsToldOfEveryEnd(t *testing.T) {
	t.Parallel()
	last := func(w *witness) string { lines := w.told(); return lines[len(lines)-1] }
	begin := func(t *testing.T, cfg *conversation.Config) (*fixture, *witness, *puppet, *conversation.Run) {
		t.Helper()
		w, p := &witness{}, newPuppet()
		cfg.Observer = w
		f := setup(t, p, cfg)
		return f, w, p, f.say(f.create("tool"), "hi")
	}
	t.Run("failed", func(t *testing.T) {
		t.Parallel()
		f, w, p, run := begin(t, &conversation.Config{})
		p.next(t).finish(errors.New("secret"))
		f.wait(run.ID)
		require.Equal(t, "ended failed responder_error, 0 tokens, 0 iterations", last(w))
	})
	t.Run("requires action", func(t *testing.T) {
		t.Parallel()
		f, w, p, run := begin(t, &conversation.Config{})
		a := p.next(t)
		_, err := a.ToolCall(conversation.ToolCall{ID: "c", Name: "tool"})
		require.NoError(t, err)
		a.finish(nil)
		f.wait(run.ID)
		require.Equal(t, []string{"call c tool, client true", "ended requires_action , 0 tokens, 1 iterations"}, w.told()[1:])
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		f, w, p, run := begin(t, &conversation.Config{})
		p.next(t)
		_, err := f.engine.StopRun(f.ctx, f.caller, run.ID)
		require.NoError(t, err)
		require.Equal(t, "ended stopped stopped, 0 tokens, 0 iterations", last(w))
	})
	t.Run("timed out", func(t *testing.T) {
		t.Parallel()
		f, w, _, run := begin(t, &conversation.Config{RunTimeout: 20 * time.Millisecond})
		f.wait(run.ID)
		require.Equal(t, "ended timed_out timeout, 0 tokens, 0 iterations", last(w))
	})
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		f, w, p, run := begin(t, &conversation.Config{})
		a := p.next(t)
		require.NoError(t, a.Usage(conversation.Usage{PromptTokens: 3}))
		_, err := f.engine.Delete(f.ctx, f.caller, run.ConversationID)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return last(w) == "lost  , 3 tokens, 0 iterations" }, patience, time.Millisecond)
	})
}

// TestObserverIsToldOfRunsTakenOver by an engine that neither got the request
// nor began the run.
func TestObserverIsToldOfRunsTakenOver(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	first, second, p, q := &witness{}, &witness{}, newPuppet(), newPuppet()
	e, err := conversation.New(s, p, &conversation.Config{Observer: first})
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context()))
	c, err := e.Create(t.Context(), alice, conversation.CreateParams{})
	require.NoError(t, err)
	run, err := e.StartRun(traced(t.Context(), "request"), alice, c.ID, conversation.TurnRequest{Text: "hi"})
	require.NoError(t, err)
	p.next(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, e.Shutdown(ended))
	require.Equal(t, []string{`begin 1, claimed false, trace "request"`, "handed_over  , 0 tokens, 0 iterations"}, first.told())

	f := setupOn(t, s, q, &conversation.Config{Observer: second})
	a := q.next(t)
	require.Equal(t, "run of request", a.ctx.Value(traceKey{}))
	a.finish(nil)
	f.wait(run.ID)
	require.Equal(t, []string{`begin 2, claimed true, trace "request"`, "ended completed , 0 tokens, 0 iterations"}, second.told())
	require.Zero(t, second.begin(0).QueueWait)
}

func TestObserverIsToldHowLongATurnWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, p := &witness{}, newPuppet()
		f := setup(t, p, &conversation.Config{Observer: w})
		id := f.create()
		f.say(id, "one")
		a := p.next(t)
		queued, err := f.engine.StartRun(traced(f.ctx, "later"), f.caller, id,
			conversation.TurnRequest{Text: "two", OnBusy: conversation.BusyEnqueue})
		require.NoError(t, err)
		time.Sleep(3 * time.Second)
		a.finish(nil)
		p.next(t).finish(nil)
		f.wait(queued.ID)
		require.Equal(t, []string{
			`begin 1, claimed false, trace ""`, "ended completed , 0 tokens, 0 iterations",
			`begin 1, claimed true, trace "later"`, "ended completed , 0 tokens, 0 iterations",
		}, w.told())
		require.GreaterOrEqual(t, w.begin(1).QueueWait, 2990*time.Millisecond)
		require.Less(t, w.begin(1).QueueWait, 4*time.Second)
	})
}

// hostile is an Observer that does whatever it must not.
type hostile struct{ carried map[string]string }

func (h hostile) Carry(context.Context) map[string]string {
	if h.carried == nil {
		panic("carry")
	}
	return h.carried
}

func (h hostile) BeginRun(_ context.Context, b *conversation.RunBegin) (context.Context, conversation.RunObserver) {
	if h.carried != nil && b.Carried != nil {
		panic("carried")
	}
	return nil, h
}
func (hostile) Step(int)                             { panic("step") }
func (hostile) ToolCall(conversation.ToolCall, bool) { panic("call") }
func (hostile) ToolResult(conversation.Part)         { panic("result") }
func (hostile) End(*conversation.RunEnd)             { panic("end") }

func TestObserverCannotHarmARun(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]hostile{
		"panics":          {},
		"too much":        {map[string]string{"k": strings.Repeat("x", 5000)}},
		"many":            {map[string]string{"a": strings.Repeat("x", 3000), "b": strings.Repeat("x", 3000)}},
		"cannot be kept":  {map[string]string{"k": "a\x00b"}},
		"no text for key": {map[string]string{"\xff": "v"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
				return searches(traced(ctx, "itself"), turn)
			}), &conversation.Config{Observer: o})
			run := f.run(f.createWith(searchable()), conversation.TurnRequest{Text: "hi"})
			require.Equal(t, conversation.RunCompleted, run.Status)
			require.Equal(t, "traced by itself", *run.FinalText)
			require.Equal(t, 2, run.Iterations)
		})
	}
}

// silent is an Observer that wants to know nothing.
type silent struct{}

func (silent) Carry(context.Context) map[string]string { return nil }

func (silent) BeginRun(ctx context.Context, _ *conversation.RunBegin) (context.Context, conversation.RunObserver) {
	return ctx, nil
}

// BenchmarkObserver compares turns without an Observer with those of an engine
// that has one.
func BenchmarkObserver(b *testing.B) {
	for _, tt := range []struct {
		name string
		cfg  conversation.Config
	}{{"none", conversation.Config{}}, {"silent", conversation.Config{Observer: silent{}}}} {
		b.Run(tt.name, func(b *testing.B) {
			engine, err := conversation.New(memstore.New(nil), says("a", "b", "c"), &tt.cfg)
			require.NoError(b, err)
			require.NoError(b, engine.Start(b.Context()))
			defer func() { require.NoError(b, engine.Shutdown(context.Background())) }()
			c, err := engine.Create(b.Context(), alice, conversation.CreateParams{})
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, err := engine.RunTurn(b.Context(), alice, c.ID, conversation.TurnRequest{Text: "hi"})
				require.NoError(b, err)
			}
		})
	}
}
