package pgstore_test

import (
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
)

func TestMigrate_TwentyProcessesBootAtOnce(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	pool := server.Pool(t, 20)
	errs := make([]error, 20)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = pgstore.Migrate(t.Context(), pool, opts) })
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	files, err := fs.Glob(pgstore.Migrations(), "*.sql")
	require.NoError(t, err)
	var applied int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from "+opts.Schema+".migration").Scan(&applied))
	require.Len(t, files, applied, "each once")
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	require.NoError(t, s.Check(t.Context()))
}

func TestMigrate_RefusesASchemaNewerThanItself(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	s, pool := open(t, server, opts)
	_, err := pool.Exec(t.Context(), "insert into "+opts.Schema+".migration (version, name) values (900, 'from the future')")
	require.NoError(t, err)

	var tooNew *pgstore.SchemaTooNewError
	require.ErrorAs(t, pgstore.Migrate(t.Context(), pool, opts), &tooNew)
	require.Equal(t, 900, tooNew.Have)
	require.ErrorAs(t, s.Check(t.Context()), &tooNew)
}

func TestMigrate_FailureChangesNothing(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	pool := server.Pool(t, 2)
	// A table in the way of one that a migration creates.
	_, err := pool.Exec(t.Context(), "create schema "+opts.Schema+"; create table "+opts.Schema+".nudge (n int)")
	require.NoError(t, err)
	require.Error(t, pgstore.Migrate(t.Context(), pool, opts))
	var tables int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from pg_tables where schemaname = $1", opts.Schema).Scan(&tables))
	require.Equal(t, 1, tables)
}

func TestSQL_IsTheSameSchemaAsAScript(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	sql, err := pgstore.SQL(opts)
	require.NoError(t, err)
	require.NotContains(t, sql, "parley.", "every table is in the schema that was asked for")
	conn, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err)
	s, _ := open(t, server, opts) // Migrate finds nothing to do
	require.NoError(t, s.Check(t.Context()))
}

func TestOptions_SchemaNameMayBeAWordOfSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	opts := &pgstore.Options{Schema: "order"}
	s, _ := open(t, server, opts)
	require.NoError(t, s.Check(t.Context()))
	require.Len(t, conversations(t, s, 1), 1)
}

func TestOptions_BadInputIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	pool := pgtest.Start(t).Pool(t, 1)
	for _, schema := range []string{"Parley", "1st", "a b", `a"; drop table x`, "ünï", strings.Repeat("x", 47)} {
		opts := &pgstore.Options{Schema: schema}
		_, err := pgstore.New(pool, opts)
		require.ErrorContains(t, err, "lower case letters", schema)
		require.ErrorContains(t, pgstore.Migrate(t.Context(), pool, opts), "lower case letters", schema)
		_, err = pgstore.SQL(opts)
		require.ErrorContains(t, err, "lower case letters", schema)
	}
	_, err := pgstore.New(pool, &pgstore.Options{ExecMode: pgx.QueryExecModeSimpleProtocol})
	require.ErrorContains(t, err, "use CacheStatement, CacheDescribe or Exec")
	_, err = pgstore.New(pool, &pgstore.Options{ExecMode: 99})
	require.ErrorContains(t, err, "not one of pgx's modes")
	_, err = pgstore.New(nil, nil)
	require.ErrorContains(t, err, "pgxpool.New")
	require.ErrorContains(t, pgstore.Migrate(t.Context(), nil, nil), "pgxpool.New")
}
