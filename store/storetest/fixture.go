package storetest

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

const (
	// long is a lease that does not end during a check.
	long = time.Hour
	// short is a lease that a check waits to see the end of.
	short = 60 * time.Millisecond
	// brief is a lease that is over before anybody looks.
	brief = time.Microsecond
	tick  = 2 * time.Millisecond
)

// newID makes an id as the engine does.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func ptr[T any](v T) *T { return &v }

// newConversation is what ann creates unless a check says otherwise.
func (e *env) newConversation(edits ...func(*store.NewConversation)) *store.NewConversation {
	n := &store.NewConversation{Conversation: store.Conversation{
		Tenant: e.scope.Tenant, ID: newID(), Owner: e.scope.User,
		Mode: "standard", Channel: "web", Surface: "web",
		Defaults: []byte(`{"model": "m"}`), Metadata: []byte(`{}`),
	}}
	for _, edit := range edits {
		edit(n)
	}
	return n
}

// create makes a conversation of ann.
func (e *env) create(edits ...func(*store.NewConversation)) *store.Conversation {
	e.Helper()
	c, err := e.store.CreateConversation(e.ctx, e.newConversation(edits...))
	require.NoError(e, err)
	return c
}

// get looks at a conversation with nothing hidden.
func (e *env) get(id uuid.UUID) *store.Conversation {
	e.Helper()
	c, err := e.store.GetConversation(e.ctx, store.Scope{Tenant: e.scope.Tenant, Wide: true}, id)
	require.NoError(e, err)
	return c
}

// getRun looks at a run with nothing hidden.
func (e *env) getRun(id uuid.UUID) *store.Run {
	e.Helper()
	r, err := e.store.GetRun(e.ctx, store.Scope{Tenant: e.scope.Tenant, Wide: true}, id)
	require.NoError(e, err)
	return r
}

// messages makes n messages with new ids.
func messages(n int) []store.Message {
	out := make([]store.Message, n)
	for i := range out {
		id := newID()
		out[i] = store.Message{ID: id, Role: "user", Parts: fmt.Appendf(nil, `[{"text": %q}]`, id)}
	}
	return out
}

func ids(messages []store.Message) []uuid.UUID {
	out := make([]uuid.UUID, len(messages))
	for i, m := range messages {
		out[i] = m.ID
	}
	return out
}

// newAppend is an append of n messages at whatever head there is.
func (e *env) newAppend(id uuid.UUID, n int, edits ...func(*store.Append)) *store.Append {
	a := &store.Append{Scope: e.scope, ConversationID: id, Tail: store.Tail{Messages: messages(n)}}
	for _, edit := range edits {
		edit(a)
	}
	return a
}

// say appends n messages.
func (e *env) say(id uuid.UUID, n int, edits ...func(*store.Append)) *store.AppendResult {
	e.Helper()
	result, err := e.store.Append(e.ctx, e.newAppend(id, n, edits...))
	require.NoError(e, err)
	return result
}

func expected(version int64) func(*store.Append) {
	return func(a *store.Append) { a.Expected = &version }
}

// waitFor leaves calls behind that wait for outputs.
func (e *env) waitForOutputs(id uuid.UUID) {
	e.Helper()
	e.say(id, 1, func(a *store.Append) { a.Pending = []byte(`["call"]`) })
}

// newStart is a start that holds the run with a long lease.
func (e *env) newStart(id uuid.UUID, edits ...func(*store.StartRun)) *store.StartRun {
	s := &store.StartRun{
		Scope: e.scope, ConversationID: id, ID: newID(), Fingerprint: "print",
		Spec: []byte(`{"do": "it"}`), Timeout: time.Minute, Busy: store.BusyReject, MaxQueued: 100,
		Lease: &store.Lease{Owner: "engine", Duration: long},
	}
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// start starts a run.
func (e *env) start(id uuid.UUID, edits ...func(*store.StartRun)) *store.Run {
	e.Helper()
	result, err := e.store.StartRun(e.ctx, e.newStart(id, edits...))
	require.NoError(e, err)
	require.False(e, result.Replayed)
	return &result.Run
}

func busy(policy store.Busy) func(*store.StartRun) {
	return func(s *store.StartRun) { s.Busy = policy }
}

func unclaimed(s *store.StartRun) { s.Lease = nil }

func settling(s *store.StartRun) { s.Settles = true }

func leased(d time.Duration) func(*store.StartRun) {
	return func(s *store.StartRun) { s.Lease = &store.Lease{Owner: "engine", Duration: d} }
}

// enqueue queues a run on a busy conversation.
func (e *env) enqueue(id uuid.UUID, edits ...func(*store.StartRun)) *store.Run {
	e.Helper()
	r := e.start(id, append([]func(*store.StartRun){busy(store.BusyEnqueue)}, edits...)...)
	require.True(e, r.Queued, "the conversation is busy, so the run waits")
	return r
}

// newFinish ends the attempt that the row shows, with n messages.
func newFinish(r *store.Run, n int, edits ...func(*store.FinishRun)) *store.FinishRun {
	f := &store.FinishRun{
		Key: r.RunKey(), Status: store.RunCompleted, Result: []byte(`{"ended": "well"}`),
		Tail: store.Tail{Messages: messages(n)},
	}
	for i := range f.Messages {
		f.Messages[i].RunID, f.Messages[i].Role = r.ID, "assistant"
	}
	for _, edit := range edits {
		edit(f)
	}
	return f
}

// finish ends the attempt.
func (e *env) finish(r *store.Run, n int, edits ...func(*store.FinishRun)) *store.FinishResult {
	e.Helper()
	result, err := e.store.FinishRun(e.ctx, newFinish(r, n, edits...))
	require.NoError(e, err)
	return result
}

// end ends a run that holds the conversation, whoever holds the run.
func (e *env) end(r *store.Run) {
	e.Helper()
	if r.Status == store.RunPending {
		e.stop(r.ID)
		return
	}
	e.finish(r, 0)
}

// claimAll takes over everything that may be claimed.
func (e *env) claimAll(d time.Duration) []store.Claimed {
	e.Helper()
	claimed, err := e.store.Claim(e.ctx, &store.Claim{Lease: store.Lease{Owner: "rescuer", Duration: d}, Limit: 1000})
	require.NoError(e, err)
	return claimed
}

// claim takes over the run, as soon as that is possible.
func (e *env) claim(id uuid.UUID, d time.Duration) *store.Claimed {
	e.Helper()
	var found *store.Claimed
	e.eventually("the run can be claimed", func() bool {
		for _, c := range e.claimAll(d) {
			if c.Run.ID == id {
				found = &c
			}
		}
		return found != nil
	})
	return found
}

// eventually polls until the condition holds; it runs in the check's goroutine.
func (e *env) eventually(what string, holds func() bool) {
	e.Helper()
	deadline := time.Now().Add(e.soon)
	for !holds() {
		if time.Now().After(deadline) {
			require.FailNow(e, "in vain: "+what)
		}
		pause(e.ctx, tick)
	}
}

// clock is the store's present moment, as a creation shows it.
func (e *env) clock() time.Time {
	e.Helper()
	n := e.newConversation(func(n *store.NewConversation) { n.Tenant, n.Owner = "clock", "clock" })
	c, err := e.store.CreateConversation(e.ctx, n)
	require.NoError(e, err)
	return c.CreatedAt
}

// passed waits until the store's clock is beyond the moment.
func (e *env) passed(moment time.Time) {
	e.Helper()
	e.eventually("the store's clock passes "+moment.String(), func() bool { return e.clock().After(moment) })
}
