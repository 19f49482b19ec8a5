//go:build unix

package crashtest_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/faultproxy"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
	"github.com/parley-go/parley/store/storetest/faultstore"
)

// Whatever happens on the way, there is one order of all appends, turns and
// reads of eight concurrent clients that explains every answer.
func TestCrash_Linearizable(t *testing.T) {
	t.Run("spoiled network", func(t *testing.T) {
		s, network := spoiled(t, pgtest.Start(t))
		p := &progress{Store: s, at: map[int64]func(){
			300: network.CutAll,
			600: func() { release := network.Hold(); pause(t.Context(), 200*time.Millisecond); release() },
			900: network.CutAll,
		}}
		storetest.RunLinearizable(t, p.open, storetest.Options{Heal: func() { p.work.Wait(); network.Set(faultproxy.Faults{}) }})
		require.NotZero(t, p.unknown.Load(), "no answer was lost")
		t.Logf("%d calls, %d of unknown outcome, %d unavailable", p.calls.Load(), p.unknown.Load(), p.unavailable.Load())
	})
	t.Run("crashed server", func(t *testing.T) {
		server := pgtest.New(t)
		s := bare(t, server)
		crash := func() { server.Crash(t); server.Restart(t) }
		p := &progress{Store: s, at: map[int64]func(){500: crash, 1500: crash}}
		storetest.RunLinearizable(t, p.open, storetest.Options{Heal: p.work.Wait})
		require.NotZero(t, p.unavailable.Load()+p.unknown.Load(), "nobody noticed the crash")
		t.Logf("%d calls, %d of unknown outcome, %d unavailable", p.calls.Load(), p.unknown.Load(), p.unavailable.Load())
	})
	t.Run("memstore", func(t *testing.T) {
		s := faultstore.New(memstore.New(nil))
		s.Random(1, faultstore.Rates{Unavailable: 0.05, UnknownBefore: 0.05, UnknownAfter: 0.05, Delay: 100 * time.Microsecond})
		storetest.RunLinearizable(t, func(*testing.T) store.Store { return s }, storetest.Options{Heal: s.Heal})
	})
}

// bare returns a store in a schema of its own on the server.
func bare(t *testing.T, server *pgtest.Server) *pgstore.Store {
	t.Helper()
	opts := &pgstore.Options{Schema: server.Schema(t)}
	pool := server.Pool(t, 8)
	require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	return s
}

// spoiled returns a store whose network has its weather.
func spoiled(t *testing.T, server *pgtest.Server) (*pgstore.Store, *faultproxy.Proxy) {
	t.Helper()
	opts := &pgstore.Options{Schema: server.Schema(t)}
	require.NoError(t, pgstore.Migrate(t.Context(), server.Pool(t, 1), opts))
	network := faultproxy.New(t, server.URL())
	s, err := pgstore.New(pgtest.NewPool(t, network.URL(), 8), opts)
	require.NoError(t, err)
	network.Set(weather)
	return s, network
}

// progress makes things happen after so many calls, beside those that follow. It
// holds up clients that find the storage unavailable, so that they do not use up
// all their operations while it is.
type progress struct {
	store.Store
	at   map[int64]func()
	work sync.WaitGroup

	calls, unknown, unavailable atomic.Int64
}

func (p *progress) open(*testing.T) store.Store { return p }

// note counts a call and its outcome.
func (p *progress) note(ctx context.Context, err error) {
	if happen := p.at[p.calls.Add(1)]; happen != nil {
		p.work.Go(happen)
	}
	switch {
	case errors.Is(err, store.ErrOutcomeUnknown):
		p.unknown.Add(1)
	case errors.Is(err, store.ErrUnavailable):
		p.unavailable.Add(1)
		pause(ctx, 5*poll)
	}
}

// Append implements store.Store.
func (p *progress) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	result, err := p.Store.Append(ctx, a)
	p.note(ctx, err)
	return result, err
}

// StartRun implements store.Store.
func (p *progress) StartRun(ctx context.Context, s *store.StartRun) (*store.StartResult, error) {
	result, err := p.Store.StartRun(ctx, s)
	p.note(ctx, err)
	return result, err
}

// FinishRun implements store.Store.
func (p *progress) FinishRun(ctx context.Context, f *store.FinishRun) (*store.FinishResult, error) {
	result, err := p.Store.FinishRun(ctx, f)
	p.note(ctx, err)
	return result, err
}

// Claim implements store.Store.
func (p *progress) Claim(ctx context.Context, c *store.Claim) ([]store.Claimed, error) {
	result, err := p.Store.Claim(ctx, c)
	p.note(ctx, err)
	return result, err
}

// Messages implements store.Store.
func (p *progress) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	page, err := p.Store.Messages(ctx, scope, id, q)
	p.note(ctx, err)
	return page, err
}
