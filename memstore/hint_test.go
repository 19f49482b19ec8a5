package memstore_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func TestListen_EveryListenerHearsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(nil)
		ctx, cancel := context.WithCancel(t.Context())
		var heard [3][]store.Hint
		ended := make(chan error, len(heard))
		for i := range heard {
			go func() {
				ended <- s.Listen(ctx, func(h store.Hint) { heard[i] = append(heard[i], h) })
			}()
		}
		synctest.Wait()

		hints := []store.Hint{{Kind: store.HintWork, Tenant: "a"}, {Kind: store.HintRun, RunID: newID(t)}}
		require.NoError(t, s.Notify(t.Context(), hints))
		require.NoError(t, s.Notify(t.Context(), hints[:1]))
		synctest.Wait()
		cancel()
		for range heard {
			require.NoError(t, <-ended)
		}
		for i := range heard {
			require.Equal(t, []store.Hint{hints[0], hints[1], hints[0]}, heard[i])
		}

		require.NoError(t, s.Notify(t.Context(), hints), "nobody listens any more")
		synctest.Wait()
		require.Len(t, heard[0], 3)
	})
}

func TestNotify_NeverWaitsForAListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(nil)
		ctx, cancel := context.WithCancel(t.Context())
		release, ended := make(chan struct{}), make(chan error, 1)
		calls, inside := 0, 0
		go func() {
			ended <- s.Listen(ctx, func(store.Hint) {
				calls++
				inside++
				if inside != 1 {
					t.Errorf("%d calls at a time", inside)
				}
				<-release
				inside--
			})
		}()
		synctest.Wait()
		for range 5_000 {
			require.NoError(t, s.Notify(t.Context(), []store.Hint{{Kind: store.HintWork}}))
		}
		close(release)
		synctest.Wait()
		require.Greater(t, calls, 1)
		require.Less(t, calls, 5_000, "what a busy listener cannot keep is dropped")
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestListen_EndedContextReturnsNil(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Listen(ctx, func(store.Hint) { t.Error("called after the end") }))
}
