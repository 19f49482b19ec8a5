package faultproxy_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/internal/faultproxy"
	"github.com/parley-go/parley/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// setup returns a proxy, a connection through it and one past it. Both see a
// table of counters, of which this test has one.
func setup(t *testing.T) (p *faultproxy.Proxy, through, past *pgx.Conn, schema string) {
	t.Helper()
	server := pgtest.Start(t)
	p = faultproxy.New(t, server.URL())
	past = connect(t, server.URL())
	schema = server.Schema(t)
	_, err := past.Exec(t.Context(), "create schema "+schema+"; create table "+schema+".counter (n int); insert into "+schema+".counter values (0)")
	require.NoError(t, err)
	return p, connect(t, p.URL()), past, schema
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // some were cut
	})
	return conn
}

// count adds one.
func count(ctx context.Context, conn *pgx.Conn, schema string) error {
	_, err := conn.Exec(ctx, "update "+schema+".counter set n = n + 1")
	return err
}

func counted(t *testing.T, conn *pgx.Conn, schema string) (n int) {
	t.Helper()
	require.NoError(t, conn.QueryRow(t.Context(), "select n from "+schema+".counter").Scan(&n))
	return n
}

func TestWithoutOrdersEverythingPasses(t *testing.T) {
	t.Parallel()
	p, through, past, schema := setup(t)
	for range 20 {
		require.NoError(t, count(t.Context(), through, schema))
	}
	var long string
	require.NoError(t, through.QueryRow(t.Context(), "select repeat('x', 1000000)").Scan(&long))
	require.Len(t, long, 1000000)
	require.Equal(t, 20, counted(t, past, schema))
	require.Equal(t, faultproxy.Counts{}, p.Counts())
}

func TestCutDeliversNothing(t *testing.T) {
	t.Parallel()
	p, through, past, schema := setup(t)
	p.Set(faultproxy.Faults{Cut: 1})
	require.Error(t, count(t.Context(), through, schema))
	require.True(t, through.IsClosed())
	_, err := pgx.Connect(t.Context(), p.URL())
	require.Error(t, err, "new connections are cut, too")
	p.Set(faultproxy.Faults{})
	require.NoError(t, count(t.Context(), connect(t, p.URL()), schema))
	require.Equal(t, 1, counted(t, past, schema))
	require.GreaterOrEqual(t, p.Counts().Cuts, int64(2))
}

func TestSwallowDeliversAndLosesTheAnswer(t *testing.T) {
	t.Parallel()
	p, through, past, schema := setup(t)
	p.Set(faultproxy.Faults{Swallow: 1})
	require.Error(t, count(t.Context(), through, schema))
	require.Equal(t, 1, counted(t, past, schema), "what was answered was done")
	require.Equal(t, faultproxy.Counts{Swallows: 1}, p.Counts())
}

func TestCutAllEndsWhatWaits(t *testing.T) {
	t.Parallel()
	p, through, past, schema := setup(t)
	lock, err := past.Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), "lock table "+schema+".counter")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- count(t.Context(), through, schema) }()
	require.Empty(t, done)
	p.CutAll()
	require.Error(t, <-done)
	require.NoError(t, lock.Rollback(t.Context()))
}

func TestHoldKeepsWhatIsSentAndDeliversItLater(t *testing.T) {
	t.Parallel()
	p, through, past, schema := setup(t)
	release := p.Hold()
	done := make(chan error, 1)
	go func() { done <- count(t.Context(), through, schema) }()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := pgx.Connect(ctx, p.URL())
	require.ErrorIs(t, err, context.DeadlineExceeded, "new connections hang")
	require.Empty(t, done)
	require.Zero(t, counted(t, past, schema))
	release()
	release()
	require.NoError(t, <-done)
	require.Equal(t, 1, counted(t, past, schema))
}

func TestDelayHoldsUp(t *testing.T) {
	t.Parallel()
	p, through, past, schema := setup(t)
	p.Set(faultproxy.Faults{Delay: 20 * time.Millisecond})
	var longest time.Duration
	for range 30 {
		began := time.Now()
		require.NoError(t, count(t.Context(), through, schema))
		longest = max(longest, time.Since(began))
	}
	require.Greater(t, longest, 10*time.Millisecond)
	require.Equal(t, 30, counted(t, past, schema))
}
