package conversation_test

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// tamper is a store whose operations a test can hold up, refuse, or deprive of
// their answer. Operations are named by their method.
type tamper struct {
	store.Store

	mu    sync.Mutex
	hooks map[string]hook
	dead  error
	seen  map[string]int
	muted atomic.Bool
}

// hook is what a test does to one operation. Either may be nil, and an error
// takes the place of the answer.
type hook struct {
	before func(ctx context.Context) error // nothing was done yet
	after  func(ctx context.Context) error // it was done
}

func tampered(s store.Store) *tamper {
	return &tamper{Store: s, hooks: make(map[string]hook), seen: make(map[string]int)}
}

// on puts a hook on an operation, in place of the one that was there.
func (s *tamper) on(op string, h hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[op] = h
}

// off takes the hook away.
func (s *tamper) off(op string) { s.on(op, hook{}) }

// die makes every operation fail from now on, as for a process that has lost
// its network for good. What it has written stays.
func (s *tamper) die() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = store.ErrUnavailable
}

// count returns how often an operation was asked for.
func (s *tamper) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[op]
}

func (s *tamper) look(op string) (hook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[op]++
	return s.hooks[op], s.dead
}

// times makes a hook that strikes the first n times only.
func times(n int, err error) func(context.Context) error {
	var mu sync.Mutex
	return func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if n == 0 {
			return nil
		}
		n--
		return err
	}
}

// hang waits for the end of the call's context.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func through[T any](ctx context.Context, s *tamper, op string, call func() (T, error)) (T, error) {
	var none T
	h, err := s.look(op)
	if err == nil && h.before != nil {
		err = h.before(ctx)
	}
	if err != nil {
		return none, err
	}
	out, err := call()
	if err == nil && h.after != nil {
		err = h.after(ctx)
	}
	if _, dead := s.look(op + ", answered"); dead != nil {
		err = dead
	}
	if err != nil {
		return none, err
	}
	return out, nil
}

func (s *tamper) CreateConversation(ctx context.Context, c *store.NewConversation) (*store.Conversation, error) {
	return through(ctx, s, "CreateConversation", func() (*store.Conversation, error) { return s.Store.CreateConversation(ctx, c) })
}

func (s *tamper) GetConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	return through(ctx, s, "GetConversation", func() (*store.Conversation, error) { return s.Store.GetConversation(ctx, scope, id) })
}

func (s *tamper) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	return through(ctx, s, "Messages", func() (*store.MessagePage, error) { return s.Store.Messages(ctx, scope, id, q) })
}

func (s *tamper) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	return through(ctx, s, "Append", func() (*store.AppendResult, error) { return s.Store.Append(ctx, a) })
}

func (s *tamper) StartRun(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	return through(ctx, s, "StartRun", func() (*store.StartResult, error) { return s.Store.StartRun(ctx, a) })
}

func (s *tamper) FinishRun(ctx context.Context, a *store.FinishRun) (*store.FinishResult, error) {
	return through(ctx, s, "FinishRun", func() (*store.FinishResult, error) { return s.Store.FinishRun(ctx, a) })
}

func (s *tamper) GetRun(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Run, error) {
	return through(ctx, s, "GetRun", func() (*store.Run, error) { return s.Store.GetRun(ctx, scope, id) })
}

func (s *tamper) ListRuns(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.RunQuery) ([]store.Run, error) {
	return through(ctx, s, "ListRuns", func() ([]store.Run, error) { return s.Store.ListRuns(ctx, scope, id, q) })
}

func (s *tamper) RequestStop(ctx context.Context, a *store.StopRun) (*store.StopResult, error) {
	return through(ctx, s, "RequestStop", func() (*store.StopResult, error) { return s.Store.RequestStop(ctx, a) })
}

func (s *tamper) Claim(ctx context.Context, a *store.Claim) ([]store.Claimed, error) {
	return through(ctx, s, "Claim", func() ([]store.Claimed, error) { return s.Store.Claim(ctx, a) })
}

func (s *tamper) Renew(ctx context.Context, lease store.Lease, keys []store.RunKey) ([]store.Renewal, error) {
	return through(ctx, s, "Renew", func() ([]store.Renewal, error) { return s.Store.Renew(ctx, lease, keys) })
}

func (s *tamper) Release(ctx context.Context, keys []store.RunKey) error {
	_, err := through(ctx, s, "Release", func() (any, error) { return nil, s.Store.Release(ctx, keys) })
	return err
}

func (s *tamper) AddNudge(ctx context.Context, scope store.Scope, n *store.Nudge) (*store.Nudge, error) {
	return through(ctx, s, "AddNudge", func() (*store.Nudge, error) { return s.Store.AddNudge(ctx, scope, n) })
}

func (s *tamper) TakeNudges(ctx context.Context, key store.RunKey) ([]store.Nudge, error) {
	return through(ctx, s, "TakeNudges", func() ([]store.Nudge, error) { return s.Store.TakeNudges(ctx, key) })
}

func (s *tamper) AppendEvents(ctx context.Context, packs []store.EventAppend) ([]error, error) {
	return through(ctx, s, "AppendEvents", func() ([]error, error) { return s.Store.AppendEvents(ctx, packs) })
}

func (s *tamper) ReadEvents(ctx context.Context, scope store.Scope, run uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	return through(ctx, s, "ReadEvents", func() (*store.EventPage, error) { return s.Store.ReadEvents(ctx, scope, run, after, limit) })
}

func (s *tamper) Marks(ctx context.Context, refs []store.WatchRef) ([]store.Mark, error) {
	return through(ctx, s, "Marks", func() ([]store.Mark, error) { return s.Store.Marks(ctx, refs) })
}

func (s *tamper) Notify(ctx context.Context, hints []store.Hint) error {
	_, err := through(ctx, s, "Notify", func() (any, error) { return nil, s.Store.Notify(ctx, hints) })
	return err
}

// Listen hears nothing once the store is dead, or muted.
func (s *tamper) Listen(ctx context.Context, fn func(store.Hint)) error {
	return s.Store.Listen(ctx, func(h store.Hint) {
		if _, err := s.look("hint"); err == nil && !s.muted.Load() {
			fn(h)
		}
	})
}

// mute loses every hint.
func (s *tamper) mute() { s.muted.Store(true) }
