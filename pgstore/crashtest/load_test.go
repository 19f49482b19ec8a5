//go:build unix

package crashtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/store"
)

// load is what clients do while things go wrong.
type load struct {
	w       *world
	workers []*remote
	store   store.Store // what appenders write to
	stop    chan struct{}
	clients sync.WaitGroup

	appended, ended atomic.Int64 // what was acknowledged

	mu       sync.Mutex
	turns    []accepted
	appends  []*appender
	wrong    []Failure // answers that no caller can act on
	unknown  int
	pestered int // runs that were stopped
}

// load starts appenders, each in a conversation of its own, and as many clients
// that make turns at every worker.
func (w *world) load(t *testing.T, workers []*remote, s store.Store, clients int) *load {
	t.Helper()
	l := &load{w: w, workers: workers, store: s, stop: make(chan struct{})}
	for _, id := range w.creates(clients) {
		a := &appender{load: l, conversation: id}
		l.appends = append(l.appends, a)
		l.clients.Go(a.work)
	}
	for i, id := range w.creates(clients * len(workers)) {
		l.clients.Go(func() { l.converse(t, i, id) })
	}
	t.Cleanup(sync.OnceFunc(func() { l.end() }))
	return l
}

func (l *load) over() bool {
	select {
	case <-l.stop:
		return true
	default:
		return l.w.t.Failed()
	}
}

func (l *load) end() {
	l.mu.Lock()
	if !l.over() {
		close(l.stop)
	}
	l.mu.Unlock()
	l.clients.Wait()
}

// advance waits until more was acknowledged.
func (l *load) advance(t *testing.T) {
	t.Helper()
	appended, ended := l.appended.Load()+40, l.ended.Load()+int64(len(l.workers)*3)
	eventually(t, func() bool { return t.Failed() || l.appended.Load() >= appended && l.ended.Load() >= ended },
		"the load does not get on: %d appends and %d turns were acknowledged", l.appended.Load(), l.ended.Load())
}

// note keeps an answer, and reports whether the call is to be made again.
func (l *load) note(f Failure) (again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.is(store.ErrOutcomeUnknown) {
		l.unknown++
	}
	if !f.none() && !f.repeatable() {
		l.wrong = append(l.wrong, f)
	}
	return f.repeatable()
}

// converse makes one turn after the other in a conversation, each at the next
// worker, and has its stream read by the one after that. A call that may be
// repeated is, with the same key and perhaps elsewhere.
func (l *load) converse(t *testing.T, i int, id uuid.UUID) {
	for turn := 0; !l.over(); turn++ {
		run := accepted{conversation: id, script: Script{Words: 10, Pause: 5 * time.Millisecond}}
		reply := l.insist(t, i+turn, "Start", Turn{
			Conversation: id, Script: run.script, Key: fmt.Sprint(turn), Busy: conversation.BusyEnqueue,
		})
		if reply == nil {
			return
		}
		run.id = reply.Run
		reader := l.workers[(i+turn+1)%len(l.workers)]
		var number int
		run.stream = &Stream{}
		if !assert.NoError(t, reader.call(t.Context(), "Open", run.id, &number)) ||
			!assert.NoError(t, reader.call(t.Context(), "Collect", Collect{Reader: number, Events: whole}, run.stream)) {
			return
		}
		l.mu.Lock()
		l.turns = append(l.turns, run)
		l.mu.Unlock()
		l.ended.Add(1)
	}
}

// insist makes a call until it has an outcome, at this worker first and then at
// the next. Nil is the answer when that was an error.
func (l *load) insist(t *testing.T, at int, method string, args any) *Reply {
	for ; ; at++ {
		var reply Reply
		err := l.workers[at%len(l.workers)].call(t.Context(), method, args, &reply)
		if !assert.NoError(t, err) { //nolint:testifylint // it runs beside the test, where require must not
			return nil
		}
		if !l.note(reply.Failure) {
			if reply.Failure.none() {
				return &reply
			}
			return nil
		}
		pause(t.Context(), poll)
	}
}

// verify ends the load and checks what became of everything.
func (l *load) verify(t *testing.T) {
	t.Helper()
	l.end()
	require.False(t, t.Failed())
	require.Empty(t, l.wrong, "answers that no caller can act on")
	for _, a := range l.appends {
		a.verify(t)
	}
	byConversation := map[uuid.UUID][]accepted{}
	restarted := 0
	for _, r := range l.turns {
		byConversation[r.conversation] = append(byConversation[r.conversation], r)
		if len(r.stream.restarts()) > 0 {
			restarted++
		}
	}
	t.Logf("%d turns, %d of them restarted, and %d appends; %d answers were lost", len(l.turns), restarted, l.appended.Load(), l.unknown)
	for id, turns := range byConversation {
		lines := l.w.log(id)
		require.Len(t, lines, 2*len(turns), "each turn is in the log once")
		for i, r := range turns {
			r.stream.wellFormed(t)
			require.Equal(t, conversation.EventRunCompleted, r.stream.last().Type)
			attempt := r.stream.last().Attempt
			require.Equal(t, []line{
				{Role: conversation.RoleUser, Run: r.id, Text: r.script.text()},
				{Role: conversation.RoleAssistant, Run: r.id, Text: r.script.answer(r.id, attempt)},
			}, lines[2*i:2*i+2])
			require.Equal(t, lines[2*i+1].Text, r.stream.text(), "S2: the deltas are the text")
		}
	}
	require.Zero(t, l.w.ledger.count(t, `select count(*) from (select conversation_id, key from %s.run where key <> '' group by 1, 2 having count(*) > 1) twice`),
		"V7: one key, one run")
}

// appender is a client that appends to a log of its own.
type appender struct {
	*load
	conversation uuid.UUID
	calls        []*appendCall
}

// appendCall is an append and what the client knows of it.
type appendCall struct {
	ids          []uuid.UUID
	acknowledged bool // else its outcome is unknown
}

// work appends until the load ends. It repeats what may be repeated; now and
// then it gives up instead, as a client does that dies.
func (a *appender) work() {
	for !a.over() {
		call := &appendCall{}
		arg := &store.Append{Scope: store.Scope{Tenant: alice.Tenant, User: alice.User}, ConversationID: a.conversation}
		for range 1 + rand.IntN(3) {
			id, err := uuid.NewV7()
			if err != nil {
				panic(err) // the system has no random bytes
			}
			call.ids = append(call.ids, id)
			arg.Messages = append(arg.Messages, store.Message{ID: id, Role: "user", Parts: []byte(`[{"type":"text","text":"x"}]`)})
		}
		a.calls = append(a.calls, call)
		for {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			_, err := a.store.Append(ctx, arg)
			cancel()
			failure := classify(err)
			again := a.note(failure)
			if failure.none() {
				call.acknowledged = true
				a.appended.Add(1)
			}
			if !again || failure.is(store.ErrOutcomeUnknown) && rand.IntN(4) == 0 {
				break
			}
			pause(ctx, poll)
		}
	}
}

// verify checks that the log consists of the client's appends, in their order,
// each of them whole and once: all that were acknowledged, and no half.
func (a *appender) verify(t *testing.T) {
	t.Helper()
	page, err := a.w.store.Messages(t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, a.conversation, &store.MessageQuery{Limit: 1 << 20})
	require.NoError(t, err)
	var log []uuid.UUID
	for _, m := range page.Messages {
		log = append(log, m.ID)
	}
	require.Len(t, log, int(page.Version))
	for _, call := range a.calls {
		there := len(log) >= len(call.ids) && slices.Equal(log[:len(call.ids)], call.ids)
		if there {
			log = log[len(call.ids):]
		}
		require.True(t, there || !call.acknowledged, "an acknowledged append is missing")
	}
	require.Empty(t, log, "the log has something that nobody appended, or a half, or twice")
}
