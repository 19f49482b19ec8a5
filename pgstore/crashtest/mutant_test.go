//go:build unix

package crashtest_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/faultproxy"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
)

// mutants are ways to get a log on PostgreSQL wrong that look right. Each of
// them is checked as TestCrash_Linearizable checks the store, and must fail.
var mutants = map[string]func(t *testing.T){
	"no version condition": func(t *testing.T) {
		s := bare(t, pgtest.Start(t))
		storetest.RunLinearizable(t, func(*testing.T) store.Store { return unconditional{s} }, storetest.Options{})
	},
	"read, then write": func(t *testing.T) {
		server := pgtest.Start(t)
		s := readThenWrite{schema: server.Schema(t), pool: server.Pool(t, 8)}
		opts := &pgstore.Options{Schema: s.schema}
		require.NoError(t, pgstore.Migrate(t.Context(), s.pool, opts))
		var err error
		s.Store, err = pgstore.New(s.pool, opts)
		require.NoError(t, err)
		storetest.RunLinearizable(t, func(*testing.T) store.Store { return s }, storetest.Options{})
	},
	"blind retry": func(t *testing.T) {
		s, network := spoiled(t, pgtest.Start(t))
		storetest.RunLinearizable(t, func(*testing.T) store.Store { return blindRetry{s} },
			storetest.Options{Heal: func() { network.Set(faultproxy.Faults{}) }})
	},
	"synchronous_commit off": func(t *testing.T) {
		server := pgtest.New(t, "wal_writer_delay=10s")
		opts := &pgstore.Options{Schema: server.Schema(t)}
		pool := server.Pool(t, 8, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["synchronous_commit"] = "off" })
		require.NoError(t, pgstore.Migrate(t.Context(), server.Pool(t, 1), opts))
		s, err := pgstore.New(pool, opts)
		require.NoError(t, err)
		p := &progress{Store: s, at: map[int64]func(){
			50:  func() { _, _ = pool.Exec(context.Background(), "checkpoint") }, // the conversations are to outlive it
			600: func() { server.Crash(t); server.Restart(t) },
		}}
		storetest.RunLinearizable(t, p.open, storetest.Options{Heal: p.work.Wait})
	},
}

// mutantVariable names the mutant that the test binary is to check.
const mutantVariable = "PARLEY_CRASHTEST_MUTANT"

func TestCrash_LinearizableRejectsMutants(t *testing.T) {
	if name := os.Getenv(mutantVariable); name != "" {
		mutants[name](t)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	for name := range mutants {
		t.Run(name, func(t *testing.T) {
			env := []string{
				mutantVariable + "=" + name, "TMPDIR=" + place(t),
				"PARLEY_TEST_POSTGRES=" + pgtest.Start(t).URL(), // the same server for all of them
			}
			p := spawn(t, name, nil, env, self, "-test.run=^TestCrash_LinearizableRejectsMutants$", "-test.timeout="+(2*patience).String())
			said, err := io.ReadAll(p)
			require.NoError(t, err)
			p.killed = true // it is to fail
			require.Regexp(t, "operations on one log: Illegal|answers that no store may give", string(said))
		})
	}
}

// unconditional appends at the head, whatever the writer expected.
type unconditional struct{ store.Store }

// Append implements store.Store.
func (s unconditional) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	b := *a
	b.Expected = nil
	return s.Store.Append(ctx, &b)
}

// readThenWrite compares the version in a statement before the one that writes.
type readThenWrite struct {
	store.Store
	schema string
	pool   *pgxpool.Pool
}

// Append implements store.Store.
func (s readThenWrite) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	var head int64
	err := s.pool.QueryRow(ctx, "select version from "+s.schema+".conversation where id = $1", a.ConversationID).Scan(&head)
	if err != nil {
		return nil, err
	}
	if a.Expected != nil && *a.Expected != head {
		return nil, &store.VersionConflictError{Expected: *a.Expected, Current: head}
	}
	ids := make([]uuid.UUID, len(a.Messages))
	for i := range ids {
		ids[i] = a.Messages[i].ID
	}
	_, err = s.pool.Exec(ctx, fmt.Sprintf(`with m as (
		insert into %[1]s.message (tenant, conversation_id, seq, id, created_at, incomplete, role, parts)
		select $1, $2, $3::bigint + nr, id, now(), false, 'user', '[]' from unnest($4::uuid[]) with ordinality m(id, nr)
		on conflict (tenant, conversation_id, seq) do update set id = excluded.id
	) update %[1]s.conversation set version = $3::bigint + cardinality($4::uuid[]) where id = $2`, s.schema),
		a.Scope.Tenant, a.ConversationID, head, ids)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return &store.AppendResult{Version: head + int64(len(ids)), Messages: a.Messages}, nil
}

// blindRetry makes an append of unknown outcome again as a new one.
type blindRetry struct{ store.Store }

// Append implements store.Store.
func (s blindRetry) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	for {
		result, err := s.Store.Append(ctx, a)
		if f := classify(err); !f.is(store.ErrOutcomeUnknown) {
			return result, err
		}
		again := *a
		again.Expected, again.Messages = nil, slices.Clone(a.Messages)
		for i := range again.Messages {
			id, err := uuid.NewV7()
			if err != nil {
				return nil, err
			}
			again.Messages[i].ID = id
		}
		a = &again
	}
}
