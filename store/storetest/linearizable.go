package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// Options says how much work RunLinearizable makes. The zero value is a good
// measure for every run of the tests.
type Options struct {
	Writers       int // concurrent clients; default 8
	Conversations int // that they share; default 3
	Operations    int // of all clients together; default 1500

	// Heal, unless nil, is called when the clients are done, so that a store
	// that was told to fail can be read in the end.
	Heal func()
}

// RunLinearizable lets clients append to a few logs, by appends and by runs,
// read them, and rescue each other's runs. Then it looks for one order of all
// operations that explains every answer. The store may answer ErrOutcomeUnknown
// and ErrUnavailable as often as it likes: wrap it with package faultstore.
func RunLinearizable(t *testing.T, open func(t *testing.T) store.Store, o Options) {
	t.Helper()
	linearizable(t, open(t), o)
}

func linearizable(t testT, s store.Store, o Options) {
	t.Helper()
	if o.Writers == 0 {
		o.Writers = 8
	}
	if o.Conversations == 0 {
		o.Conversations = 3
	}
	if o.Operations == 0 {
		o.Operations = 1500
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h := &history{ctx: ctx, store: s, attempts: map[uuid.UUID]int{}, began: time.Now(), scope: store.Scope{Tenant: "acme", User: "ann"}}
	for range o.Conversations {
		id := newID()
		require.NoError(t, h.insist(func() error {
			_, err := s.CreateConversation(ctx, &store.NewConversation{Conversation: store.Conversation{
				Tenant: "acme", ID: id, Owner: "ann", Mode: "standard", Channel: "web", Surface: "web",
			}})
			return err
		}))
		h.conversations = append(h.conversations, id)
	}

	h.left.Store(int64(o.Operations))
	var clients sync.WaitGroup
	for i := range o.Writers {
		clients.Go(func() {
			c := &client{history: h, id: i, draw: rand.New(rand.NewPCG(uint64(i), rand.Uint64())), heads: map[uuid.UUID]int64{}}
			for h.left.Add(-1) >= 0 && ctx.Err() == nil {
				c.act()
			}
		})
	}
	clients.Wait()
	require.NoError(t, ctx.Err(), "the clients came to no end")
	if o.Heal != nil {
		o.Heal()
	}
	last := &client{history: h, id: o.Writers}
	for _, id := range h.conversations {
		require.True(t, last.read(id), "the last read failed")
	}
	require.Empty(t, h.unexpected, "answers that no store may give")
	for _, id := range h.conversations {
		h.check(t, id)
	}
}

// history is what all clients saw.
type history struct {
	ctx           context.Context
	store         store.Store
	scope         store.Scope
	began         time.Time
	conversations []uuid.UUID
	left          atomic.Int64

	mu         sync.Mutex
	operations []operation
	attempts   map[uuid.UUID]int // the newest attempt at a run that a claim has answered
	unexpected []string
}

// insist makes a call until it has an outcome.
func (h *history) insist(call func() error) error {
	for {
		if err := call(); !store.SafeToRepeat(err) || h.ctx.Err() != nil {
			return err
		}
	}
}

func (h *history) now() int64 { return time.Since(h.began).Nanoseconds() }

func (h *history) record(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
}

// claimed notes that a claim has answered with this attempt.
func (h *history) claimed(r *store.Run) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts[r.ID] = max(h.attempts[r.ID], r.Attempt)
}

// replaced reports whether a later attempt is known, whose claim voided this one.
func (h *history) replaced(r *store.Run) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attempts[r.ID] > r.Attempt
}

// wrong notes an answer that is no answer.
func (h *history) wrong(call string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unexpected = append(h.unexpected, fmt.Sprintf("%s: %v", call, err))
}

// check looks for an order that explains what was seen of one conversation.
func (h *history) check(t testT, id uuid.UUID) {
	t.Helper()
	var seen []porcupine.Operation
	for _, o := range settle(h.operations, id) {
		seen = append(seen, porcupine.Operation{ClientId: o.client, Input: o, Call: o.call, Output: o, Return: o.end})
	}
	result, info := porcupine.CheckOperationsVerbose(logModel, seen, patience)
	if result != porcupine.Ok {
		t.Errorf("of %d operations on one log: %s; %s", len(seen), result, draw(t, info))
	}
}

// draw makes a page to look at of a history that has no explanation.
func draw(t testT, info porcupine.LinearizationInfo) string {
	if _, ok := t.(testing.TB); !ok {
		return "not drawn"
	}
	file, err := os.CreateTemp("", "linearizable-*.html")
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if err := porcupine.Visualize(logModel, info, file); err != nil {
		return err.Error()
	}
	return "see " + file.Name()
}

// isUnknown reports whether a write may have been applied or not.
func isUnknown(err error) bool { return errors.Is(err, store.ErrOutcomeUnknown) }
