package faultstore_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/faultstore"
	"github.com/parley-go/parley/store/storetest/internal/reference"
	"github.com/stretchr/testify/require"
)

// Without orders the wrapper is the store.
func TestTransparent(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return faultstore.New(reference.New("")) })
}

var scope = store.Scope{Tenant: "acme", User: "ann"}

func isUnknown(err error) bool { return errors.Is(err, store.ErrOutcomeUnknown) }

func setup(t *testing.T) (*faultstore.Store, *store.Append) {
	s := faultstore.New(reference.New(""))
	c, err := s.CreateConversation(t.Context(), &store.NewConversation{Conversation: store.Conversation{
		Tenant: "acme", ID: uuid.New(), Owner: "ann", Mode: "standard", Channel: "web", Surface: "web",
	}})
	require.NoError(t, err)
	return s, &store.Append{Scope: scope, ConversationID: c.ID, Tail: store.Tail{
		Messages: []store.Message{{ID: uuid.New(), Role: "user", Parts: []byte(`[]`)}},
	}}
}

func version(t *testing.T, s store.Store, a *store.Append) int64 {
	c, err := s.GetConversation(t.Context(), scope, a.ConversationID)
	require.NoError(t, err)
	return c.Version
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    faultstore.Fault
		want     error
		applied  int64
		replayed bool
	}{
		"none":           {faultstore.None, nil, 1, true},
		"unavailable":    {faultstore.Unavailable, store.ErrUnavailable, 0, false},
		"unknown before": {faultstore.UnknownBefore, store.ErrOutcomeUnknown, 0, false},
		"unknown after":  {faultstore.UnknownAfter, store.ErrOutcomeUnknown, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, a := setup(t)
			s.Next("Append", tc.fault)
			_, err := s.Append(t.Context(), a)
			require.ErrorIs(t, err, tc.want)
			require.Equal(t, tc.applied, version(t, s, a))
			again, err := s.Append(t.Context(), a)
			require.NoError(t, err)
			require.Equal(t, tc.replayed, again.Replayed)
			require.Equal(t, int64(1), version(t, s, a))
			require.Equal(t, 2, s.Calls("Append"))
		})
	}
}

// An answer that is an error was not lost.
func TestUnknownAfter_KeepsARefusal(t *testing.T) {
	t.Parallel()
	s, a := setup(t)
	a.Expected = new(int64)
	*a.Expected = 7
	s.Next("Append", faultstore.UnknownAfter)
	_, err := s.Append(t.Context(), a)
	require.ErrorIs(t, err, store.ErrVersionConflict)
}

func TestNext_InOrder(t *testing.T) {
	t.Parallel()
	s, a := setup(t)
	s.Next("Append", faultstore.Unavailable, faultstore.UnknownBefore)
	s.Next("Append", faultstore.UnknownAfter)
	for _, want := range []error{store.ErrUnavailable, store.ErrOutcomeUnknown, store.ErrOutcomeUnknown, nil} {
		_, err := s.Append(t.Context(), a)
		require.ErrorIs(t, err, want)
	}
	s.Next("Append", faultstore.Unavailable)
	s.Heal()
	_, err := s.Append(t.Context(), a)
	require.NoError(t, err)
}

func TestNext_RefusesNonsense(t *testing.T) {
	t.Parallel()
	s := faultstore.New(nil)
	require.Panics(t, func() { s.Next("Apend", faultstore.Unavailable) })
	require.Panics(t, func() { s.Next("Messages", faultstore.UnknownAfter) })
	require.Panics(t, func() { s.Hold("Nothing") })
	require.Panics(t, func() { s.Calls("Nothing") })
}

// Every method but Listen asks for its fault, before the store is touched:
// there is none.
func TestEveryMethod(t *testing.T) {
	t.Parallel()
	s := faultstore.New(nil)
	methods := reflect.TypeFor[store.Store]()
	for i := range methods.NumMethod() {
		method := methods.Method(i)
		if method.Name == "Listen" {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 1; j < method.Type.NumIn(); j++ {
			args = append(args, reflect.Zero(method.Type.In(j)))
		}
		s.Next(method.Name, faultstore.Unavailable)
		results := reflect.ValueOf(s).MethodByName(method.Name).Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		require.ErrorIs(t, err, store.ErrUnavailable, method.Name)
		require.Equal(t, 1, s.Calls(method.Name))
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	s, a := setup(t)
	s.Random(1, faultstore.Rates{Unavailable: 0.2, UnknownBefore: 0.2, UnknownAfter: 0.2})
	unavailable, unknown, fine := 0, 0, 0
	for range 1000 {
		switch _, err := s.Append(t.Context(), a); {
		case err == nil:
			fine++
		case store.SafeToRepeat(err) && !isUnknown(err):
			unavailable++
		default:
			require.ErrorIs(t, err, store.ErrOutcomeUnknown)
			unknown++
		}
	}
	require.InDelta(t, 200, unavailable, 80)
	require.InDelta(t, 400, unknown, 80)
	require.InDelta(t, 400, fine, 80)
	for range 100 {
		_, err := s.GetConversation(t.Context(), scope, a.ConversationID)
		require.False(t, isUnknown(err), "a read has no outcome to lose")
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, a := setup(t)
		release := s.Hold("Append")
		done := make(chan error, 1)
		go func() {
			_, err := s.Append(t.Context(), a)
			done <- err
		}()
		synctest.Wait()
		require.Empty(t, done)
		require.Equal(t, 1, s.Calls("Append"))
		require.Zero(t, version(t, s, a), "nothing is applied while it is held")
		release()
		release()
		require.NoError(t, <-done)
		require.Equal(t, int64(1), version(t, s, a))

		s.Hold("Append")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Append(ctx, a)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, a := setup(t)
		s.Random(3, faultstore.Rates{Delay: time.Minute})
		var longest time.Duration
		for range 50 {
			began := time.Now()
			_, err := s.Append(t.Context(), a)
			require.NoError(t, err)
			longest = max(longest, time.Since(began))
			require.Less(t, time.Since(began), time.Minute)
		}
		require.Greater(t, longest, 20*time.Second)

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Append(ctx, a)
		require.ErrorIs(t, err, context.Canceled)
	})
}
