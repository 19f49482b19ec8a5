package pgstore_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// ear collects the hints of a listener.
type ear struct {
	mu    sync.Mutex
	heard []store.Hint
}

// listen listens until the test ends, and then requires a quiet end.
func listen(t *testing.T, s *pgstore.Store) *ear {
	t.Helper()
	e := &ear{}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Listen(ctx, func(h store.Hint) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.heard = append(e.heard, h)
		})
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	return e
}

func (e *ear) has(h store.Hint) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.heard, h)
}

// hint is one that no other test sends.
func hint(tenant string) store.Hint {
	return store.Hint{Kind: store.HintRun, Tenant: tenant, ConversationID: uuid.Must(uuid.NewV7()), RunID: uuid.Must(uuid.NewV7())}
}

// requireHeard requires that what from says arrives at to.
func requireHeard(t *testing.T, from, to *pgstore.Store) {
	t.Helper()
	e := listen(t, to)
	h := hint("acme")
	require.Eventually(t, func() bool {
		require.NoError(t, from.Notify(t.Context(), []store.Hint{h}))
		return e.has(h)
	}, 20*time.Second, 20*time.Millisecond)
}

func TestNotify_ReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	a, b := setupPair(t)
	requireHeard(t, a, b)
}

func TestNotify_ManyAndOddHintsArriveWhole(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	e := listen(t, s)
	hints := []store.Hint{
		hint(`with "quotes" and \ and spaces`), hint("line\nend"), hint("Ünïcode 世界"), hint(""), hint(strings.Repeat("long ", 300)),
		{Kind: store.HintWork}, // no more than that
	}
	for range 300 { // more than one notification has room for
		hints = append(hints, hint("acme"))
	}
	require.Eventually(t, func() bool {
		require.NoError(t, s.Notify(t.Context(), hints))
		return e.has(hints[len(hints)-1])
	}, 20*time.Second, 20*time.Millisecond)
	for _, h := range hints {
		require.Eventually(t, func() bool { return e.has(h) }, 20*time.Second, time.Millisecond, "%v", h)
	}
}

func TestNotify_StaysInItsSchema(t *testing.T) {
	t.Parallel()
	a, _ := setup(t)
	b, _ := setup(t)
	e := listen(t, a)
	foreign, own := hint("acme"), hint("acme")
	require.Eventually(t, func() bool {
		require.NoError(t, b.Notify(t.Context(), []store.Hint{foreign}))
		require.NoError(t, a.Notify(t.Context(), []store.Hint{own}))
		return e.has(own)
	}, 20*time.Second, 20*time.Millisecond)
	require.False(t, e.has(foreign))
}

func TestListen_PassesOverWhatIsNoHint(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	s, pool := open(t, server, opts)
	e := listen(t, s)
	h := hint("acme")
	require.Eventually(t, func() bool {
		for _, junk := range []string{"", "hello", "1 2 3 4", "999 x y \"z\"", strings.Repeat("\n", 9)} {
			_, err := pool.Exec(t.Context(), "select pg_notify($1, $2)", opts.Schema+"_hints", junk)
			require.NoError(t, err)
		}
		require.NoError(t, s.Notify(t.Context(), []store.Hint{h}))
		return e.has(h)
	}, 20*time.Second, 20*time.Millisecond)
}

func TestListen_GoesOnAfterItsConnectionIsCut(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	s, pool := open(t, server, opts)
	e := listen(t, s)
	first, second := hint("acme"), hint("acme")
	say := func(h store.Hint) bool {
		require.NoError(t, s.Notify(t.Context(), []store.Hint{h}))
		return e.has(h)
	}
	require.Eventually(t, func() bool { return say(first) }, 20*time.Second, 20*time.Millisecond)
	var cut int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where query = $1`, `listen "`+opts.Schema+`_hints"`).Scan(&cut))
	require.Equal(t, 1, cut)
	require.Eventually(t, func() bool { return say(second) }, 20*time.Second, 20*time.Millisecond)
}

func TestNotify_SwitchedOffIsSilent(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, func(o *pgstore.Options) { o.NoNotify = true })
	require.NoError(t, s.Notify(t.Context(), []store.Hint{hint("acme")}))
	require.NoError(t, s.Listen(t.Context(), func(store.Hint) {}))
}
