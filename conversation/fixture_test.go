package conversation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

// fixture is an engine at work on a store, and a caller. Tests that need a
// second engine on the same store call join. Everything works inside a
// synctest bubble too, if setup is called there.
type fixture struct {
	t      *testing.T
	ctx    context.Context
	store  store.Store
	engine *conversation.Engine
	caller conversation.Caller
}

// alice is the caller of most tests, bob another user of the same tenant, and
// mallory the same user id in another tenant.
var (
	alice   = conversation.Caller{Tenant: "acme", User: "alice", Name: "Alice", Permissions: conversation.PermReadWrite}
	bob     = conversation.Caller{Tenant: "acme", User: "bob", Name: "Bob", Permissions: conversation.PermReadWrite}
	mallory = conversation.Caller{Tenant: "evil", User: "alice", Permissions: conversation.PermReadWrite}
	admin   = conversation.Caller{Tenant: "acme", User: "root", Admin: true, Permissions: conversation.PermReadWrite}
)

// setup starts an engine over a memory store of its own. It is shut down with
// the test, and must have given every slot back by then.
func setup(t *testing.T, r conversation.Responder, cfg *conversation.Config) *fixture {
	t.Helper()
	return setupOn(t, memstore.New(nil), r, cfg)
}

// setupOn is setup over a given store.
func setupOn(t *testing.T, s store.Store, r conversation.Responder, cfg *conversation.Config) *fixture {
	t.Helper()
	engine, err := conversation.New(s, r, cfg)
	require.NoError(t, err)
	require.NoError(t, engine.Start(context.Background()))
	f := &fixture{t: t, ctx: t.Context(), store: s, engine: engine, caller: alice}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel() // what still runs is handed over at once
		require.NoError(t, engine.Shutdown(ended))
		require.Equal(t, conversation.Stats{}, engine.Stats(), "slots were not given back")
	})
	return f
}

// join starts another engine on the same store.
func (f *fixture) join(r conversation.Responder, cfg *conversation.Config) *fixture {
	f.t.Helper()
	return setupOn(f.t, f.store, r, cfg)
}

// as returns the same engine for another caller.
func (f *fixture) as(c conversation.Caller) *fixture {
	g := *f
	g.caller = c
	return &g
}

// create makes a conversation with these tools of the client's own.
func (f *fixture) create(tools ...string) uuid.UUID {
	f.t.Helper()
	var d conversation.Defaults
	for _, name := range tools {
		d.Tools = append(d.Tools, conversation.Tool{Name: name})
	}
	return f.createWith(conversation.CreateParams{Defaults: d})
}

func (f *fixture) createWith(p conversation.CreateParams) uuid.UUID {
	f.t.Helper()
	c, err := f.engine.Create(f.ctx, f.caller, p)
	require.NoError(f.t, err)
	return c.ID
}

func (f *fixture) get(id uuid.UUID) *conversation.Conversation {
	f.t.Helper()
	c, err := f.engine.Get(f.ctx, f.caller, id, conversation.ViewParticipant)
	require.NoError(f.t, err)
	return c
}

// start starts a turn that must be accepted.
func (f *fixture) start(id uuid.UUID, req conversation.TurnRequest) *conversation.Run {
	f.t.Helper()
	run, err := f.engine.StartRun(f.ctx, f.caller, id, req)
	require.NoError(f.t, err)
	return run
}

// say starts a turn with a text.
func (f *fixture) say(id uuid.UUID, text string) *conversation.Run {
	f.t.Helper()
	return f.start(id, conversation.TurnRequest{Text: text})
}

// run starts a turn and waits for its end.
func (f *fixture) run(id uuid.UUID, req conversation.TurnRequest) *conversation.Run {
	f.t.Helper()
	return f.wait(f.start(id, req).ID)
}

// patience bounds what a test waits for; it is never reached by one that passes.
// In a bubble it is the time of the bubble.
const patience = 2 * time.Minute

// wait waits for the end of a run.
func (f *fixture) wait(run uuid.UUID) *conversation.Run {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	ended, err := f.engine.Wait(ctx, f.caller, run)
	require.NoError(f.t, err)
	return ended
}

func (f *fixture) look(run uuid.UUID) *conversation.Run {
	f.t.Helper()
	r, err := f.engine.Run(f.ctx, f.caller, run, conversation.ViewParticipant)
	require.NoError(f.t, err)
	return r
}

// log returns all messages of a conversation and checks rule V1 on them.
func (f *fixture) log(id uuid.UUID) []conversation.Message {
	f.t.Helper()
	var all []conversation.Message
	q := conversation.MessageQuery{Limit: conversation.MaxMessagePageSize}
	for {
		page, err := f.engine.Messages(f.ctx, f.caller, id, q)
		require.NoError(f.t, err)
		all = append(all, page.Messages...)
		if !page.HasMore {
			require.Len(f.t, all, int(page.Version), "V1: the version is the number of the newest message")
			break
		}
		q.Cursor = page.Next
	}
	for i := range all {
		require.EqualValues(f.t, i+1, all[i].Seq, "V1: numbers have no gaps")
	}
	return all
}

// lines returns the log as "role: text", with the other parts in brackets.
func (f *fixture) lines(id uuid.UUID) []string {
	f.t.Helper()
	messages := f.log(id)
	lines := make([]string, len(messages))
	for i := range messages {
		lines[i] = line(f.t, &messages[i])
	}
	return lines
}

func line(t *testing.T, m *conversation.Message) string {
	t.Helper()
	parts, err := m.Content.Parts()
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString(string(m.Role) + ":")
	for _, p := range parts {
		b.WriteByte(' ')
		switch p.Type {
		case conversation.PartText:
			b.WriteString(p.Text)
		case conversation.PartToolCall:
			b.WriteString("[" + p.Name + " " + p.ToolCallID + "]")
		case conversation.PartToolResult:
			b.WriteString("[" + p.ToolCallID)
			if p.IsError {
				b.WriteString(" failed")
			}
			for _, o := range p.Parts {
				b.WriteString(" " + o.Text)
			}
			b.WriteString("]")
		case conversation.PartStructured:
			b.WriteString("[" + string(p.Value) + "]")
		default:
			b.WriteString("[" + string(p.Type) + " " + p.Name + p.Text + "]")
		}
	}
	if m.Incomplete {
		b.WriteString(" (incomplete)")
	}
	return b.String()
}

// events opens the stream of a run.
func (f *fixture) events(run uuid.UUID, after conversation.Cursor) *conversation.Stream {
	f.t.Helper()
	s, err := f.engine.Events(f.ctx, f.caller, run, after, conversation.ViewParticipant)
	require.NoError(f.t, err)
	f.t.Cleanup(s.Close)
	return s
}

// replay reads a run's events from a place to the terminal one, and checks
// rule S1 on them.
func (f *fixture) replay(run uuid.UUID, after conversation.Cursor) []*conversation.Event {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	var all []*conversation.Event
	for e, err := range f.events(run, after).All(ctx) {
		require.NoError(f.t, err)
		all = append(all, e)
	}
	wellFormed(f.t, all)
	return all
}

// wellFormed checks that events which reach to the end of a run are numbered
// without gaps, except that a restart may take numbers back, and that the
// terminal one is the last and the only one.
func wellFormed(t *testing.T, events []*conversation.Event) {
	t.Helper()
	require.NotEmpty(t, events)
	for i, e := range events {
		require.Equal(t, i == len(events)-1, e.Type.Terminal(), "S1: event %d of %d is %s", i, len(events), e.Type)
		require.LessOrEqual(t, e.FirstSeq, e.Seq)
		if i > 0 && e.Type != conversation.EventRunRestarted {
			require.Equal(t, events[i-1].Seq+1, e.FirstSeq, "S1: no gap before event %d, %s", i, e.Type)
		}
	}
}

// textOf puts the text deltas together that came after the last restart (rule S2).
func textOf(events []*conversation.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch e.Type {
		case conversation.EventRunRestarted:
			b.Reset()
		case conversation.EventTextDelta:
			b.WriteString(e.Delta)
		default:
		}
	}
	return b.String()
}

// types lists what kinds of events came, in order.
func types(events []*conversation.Event) []conversation.EventType {
	out := make([]conversation.EventType, len(events))
	for i, e := range events {
		out[i] = e.Type
	}
	return out
}

// says answers every turn with these deltas.
func says(deltas ...string) conversation.ResponderFunc {
	return func(_ context.Context, turn *conversation.Turn) error {
		for _, d := range deltas {
			if err := turn.Text(d); err != nil {
				return err
			}
		}
		return nil
	}
}

// calls answers a user's message with calls of the named tools, whose ids are
// their names, and tool outputs with "done".
func calls(tools ...string) conversation.ResponderFunc {
	return func(_ context.Context, turn *conversation.Turn) error {
		if turn.InputText() == "" {
			return turn.Text("done")
		}
		for _, name := range tools {
			if _, err := turn.ToolCall(conversation.ToolCall{ID: name, Name: name}); err != nil {
				return err
			}
		}
		return nil
	}
}

// output answers a call with a text.
func output(id, text string) conversation.ToolOutput {
	return conversation.ToolOutput{ToolCallID: id, Parts: []conversation.Part{conversation.Text(text)}}
}

// puppet is a Responder that the test plays. Each turn it is given comes out of
// next, and ends when the test says so, or with its context.
type puppet struct {
	acts chan *act
}

// act is one call of a puppet.
type act struct {
	*conversation.Turn
	ctx  context.Context
	back chan error
}

func newPuppet() *puppet { return &puppet{acts: make(chan *act, 64)} }

// Respond implements conversation.Responder.
func (p *puppet) Respond(ctx context.Context, turn *conversation.Turn) error {
	a := &act{Turn: turn, ctx: ctx, back: make(chan error, 1)}
	p.acts <- a
	select {
	case err := <-a.back:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next waits for the next turn.
func (p *puppet) next(t *testing.T) *act {
	t.Helper()
	select {
	case a := <-p.acts:
		return a
	case <-time.After(patience):
		require.FailNow(t, "no turn came")
		return nil
	}
}

// finish makes Respond return.
func (a *act) finish(err error) { a.back <- err }
