package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/faultstore"
	"github.com/parley-go/parley/store/storetest/internal/reference"
	"github.com/stretchr/testify/require"
)

func TestReference_Linearizable(t *testing.T) {
	t.Parallel()
	storetest.RunLinearizable(t, func(t *testing.T) store.Store { return reference.New("") }, storetest.Options{})
}

// faults are those of a bad day.
var faults = faultstore.Rates{Unavailable: 0.05, UnknownBefore: 0.05, UnknownAfter: 0.05, Delay: 100 * time.Microsecond}

func TestReference_LinearizableUnderFaults(t *testing.T) {
	t.Parallel()
	s := faultstore.New(reference.New(""))
	s.Random(1, faults)
	storetest.RunLinearizable(t, func(t *testing.T) store.Store { return s }, storetest.Options{Heal: s.Heal})
}

// blindRetry makes an append of unknown outcome again as a new one.
type blindRetry struct{ store.Store }

func (s blindRetry) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	for {
		result, err := s.Store.Append(ctx, a)
		if !errors.Is(err, store.ErrOutcomeUnknown) {
			return result, err
		}
		again := *a
		again.Expected, again.Messages = nil, slices.Clone(a.Messages)
		for i := range again.Messages {
			again.Messages[i].ID = uuid.New()
		}
		a = &again
	}
}

// falseSuccess takes a lost answer for a good one.
type falseSuccess struct{ store.Store }

func (s falseSuccess) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	result, err := s.Store.Append(ctx, a)
	if errors.Is(err, store.ErrOutcomeUnknown) && a.Expected != nil {
		return &store.AppendResult{Version: *a.Expected + int64(len(a.Messages)), Messages: a.Messages}, nil
	}
	return result, err
}

// falseConflict takes a lost answer for a conflict with the head it then reads.
type falseConflict struct{ store.Store }

func (s falseConflict) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	result, err := s.Store.Append(ctx, a)
	if !errors.Is(err, store.ErrOutcomeUnknown) || a.Expected == nil {
		return result, err
	}
	c, getErr := s.Store.GetConversation(ctx, a.Scope, a.ConversationID)
	if getErr != nil {
		return nil, err
	}
	return nil, &store.VersionConflictError{Expected: *a.Expected, Current: c.Version}
}

// readThenWrite compares outside the store.
type readThenWrite struct{ store.Store }

func (s readThenWrite) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	if a.Expected == nil {
		return s.Store.Append(ctx, a)
	}
	c, err := s.Store.GetConversation(ctx, a.Scope, a.ConversationID)
	if err != nil {
		return nil, err
	}
	if c.Version != *a.Expected {
		return nil, &store.VersionConflictError{Expected: *a.Expected, Current: c.Version}
	}
	late := *a
	late.Expected = nil
	return s.Store.Append(ctx, &late)
}

// staleRead answers reads from a while ago.
type staleRead struct {
	store.Store
	mu    sync.Mutex
	pages map[uuid.UUID]*store.MessagePage
	reads int
}

func (s *staleRead) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	page, err := s.Store.Messages(ctx, scope, id, q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.pages[id]; err == nil && old != nil && s.reads%4 != 0 {
		page = old
	} else if err == nil {
		s.pages[id] = page
	}
	s.reads++
	return page, err
}

func TestLinearizable_RejectsMutants(t *testing.T) {
	t.Parallel()
	faulty := func(m reference.Mutation) *faultstore.Store {
		s := faultstore.New(reference.New(m))
		s.Random(1, faults)
		return s
	}
	for name, open := range map[string]func() store.Store{
		"no version condition":     func() store.Store { return reference.New(reference.NoVersionCheck) },
		"read then write":          func() store.Store { return reference.New(reference.ReadThenWrite) },
		"read then write, outside": func() store.Store { return readThenWrite{faulty("")} },
		"no version at the end":    func() store.Store { return reference.New(reference.FinishIgnoresVersion) },
		"log not fenced":           func() store.Store { return reference.New(reference.LogUnfenced) },
		"runs not fenced":          func() store.Store { return reference.New(reference.FinishUnfenced) },
		"partial append":           func() store.Store { return reference.New(reference.PartialAppend) },
		"gap in the log":           func() store.Store { return reference.New(reference.SeqByLength) },
		"append not replayed":      func() store.Store { return faulty(reference.NoAppendReplay) },
		"finish not replayed":      func() store.Store { return faulty(reference.NoFinishReplay) },
		"replay of a part":         func() store.Store { return blindRetry{faulty(reference.PartialReplayCompletes)} },
		"blind retry":              func() store.Store { return blindRetry{faulty("")} },
		"false success":            func() store.Store { return falseSuccess{faulty("")} },
		"false conflict":           func() store.Store { return falseConflict{faulty("")} },
		"stale reads":              func() store.Store { return &staleRead{Store: faulty(""), pages: map[uuid.UUID]*store.MessagePage{}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range tries {
				if storetest.LinearizableFails(open(), storetest.Options{Operations: 1000}) != "" {
					return
				}
			}
			require.Fail(t, "the mutant is accepted")
		})
	}
}
