package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest"
)

// TestStore_BehindPgBouncerWithRowLevelSecurity holds the store to the contract
// where it has it hardest: the sessions are a pooler's, and the role sees only
// what the policies show.
func TestStore_BehindPgBouncerWithRowLevelSecurity(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	admin := server.Pool(t, 4)
	_, err := admin.Exec(t.Context(), "create role app login")
	require.NoError(t, err)
	url := server.Bouncer(t, "app", 16)
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		opts := &pgstore.Options{Schema: server.Schema(t), RowLevelSecurity: true}
		require.NoError(t, pgstore.Migrate(t.Context(), admin, opts))
		_, err := admin.Exec(t.Context(), `grant usage on schema `+opts.Schema+` to app;
			grant select, insert, update, delete on all tables in schema `+opts.Schema+` to app`)
		require.NoError(t, err)
		s, err := pgstore.New(pgtest.NewPool(t, url, 8), opts)
		require.NoError(t, err)
		require.NoError(t, s.Check(t.Context()))
		return s
	})
}

func TestStore_EveryExecModeWorksBehindPgBouncer(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	url := server.Bouncer(t, "postgres", 2)
	for name, config := range map[string]struct {
		pool pgx.QueryExecMode
		opts pgx.QueryExecMode
	}{
		"found out":                     {pool: pgx.QueryExecModeCacheStatement},
		"the pool describes":            {pool: pgx.QueryExecModeCacheDescribe},
		"the pool executes":             {pool: pgx.QueryExecModeExec},
		"the pool is simple":            {pool: pgx.QueryExecModeSimpleProtocol},
		"the options execute":           {pool: pgx.QueryExecModeCacheStatement, opts: pgx.QueryExecModeExec},
		"the options describe":          {pool: pgx.QueryExecModeExec, opts: pgx.QueryExecModeCacheDescribe},
		"the pool has no cache at all":  {pool: pgx.QueryExecModeCacheStatement},
		"the pool describes every time": {pool: pgx.QueryExecModeDescribeExec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.NewPool(t, url, 6, func(c *pgxpool.Config) {
				c.ConnConfig.DefaultQueryExecMode = config.pool
				if name == "the pool has no cache at all" {
					c.ConnConfig.StatementCacheCapacity, c.ConnConfig.DescriptionCacheCapacity = 0, 0
				}
			})
			opts := &pgstore.Options{Schema: server.Schema(t), ExecMode: config.opts}
			require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
			s, err := pgstore.New(pool, opts)
			require.NoError(t, err)
			turns(t, s, 6, 10)
		})
	}
}

func TestListen_BehindPgBouncerNeedsASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	pool := pgtest.NewPool(t, server.Bouncer(t, "postgres", 2), 2)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	require.NoError(t, s.Listen(t.Context(), func(store.Hint) {}), "it says at once that it has no such means")

	opts.ListenConfig, err = pgx.ParseConfig(server.URL())
	require.NoError(t, err)
	s, err = pgstore.New(pool, opts)
	require.NoError(t, err)
	requireHeard(t, s, s)
}
