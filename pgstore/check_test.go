package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

func TestCheck_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	opts := &pgstore.Options{Schema: "checked"}
	admin := server.Pool(t, 2)
	exec := func(sql string) {
		t.Helper()
		_, err := admin.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	exec("create role app login")
	pool := server.Pool(t, 2, func(c *pgxpool.Config) { c.ConnConfig.User = "app" })
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	says := func(sentence string) {
		t.Helper()
		require.ErrorContains(t, s.Check(t.Context()), sentence)
	}

	says("there is no schema checked: run pgstore.Migrate")
	exec("create schema checked")
	says("role app may not use schema checked: grant usage")
	exec("grant usage on schema checked to app")
	says("schema checked has no tables of this package: run pgstore.Migrate")
	require.NoError(t, pgstore.Migrate(t.Context(), admin, opts))
	says("grant select, insert, update, delete on all tables in schema checked to app")
	exec("grant select, insert, update, delete on all tables in schema checked to app")
	require.NoError(t, s.Check(t.Context()))

	exec("delete from checked.migration where version > 1")
	says("is at migration 1 and this program needs")
	require.NoError(t, pgstore.Migrate(t.Context(), server.Pool(t, 1), &pgstore.Options{Schema: "other"}))
	exec("insert into checked.migration (version, name) values (2, 'again'), (3, 'newer')")
	says("run a version of it that is as new as the schema")
	exec("delete from checked.migration where version > 2")
	require.NoError(t, s.Check(t.Context()))

	exec("alter role app set default_transaction_read_only = on")
	pool.Reset()
	says("the server takes no writes: connect to the primary")
	_, err = s.CreateConversation(t.Context(), newConversation())
	require.ErrorIs(t, err, store.ErrUnavailable)

	server.Crash(t)
	require.ErrorIs(t, s.Check(t.Context()), store.ErrUnavailable)
}

func TestCheck_RowLevelSecurityIsSetEverywhereOrNowhere(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	plain, pool := open(t, server, opts)
	secure := &pgstore.Options{Schema: opts.Schema, RowLevelSecurity: true}
	s, err := pgstore.New(pool, secure)
	require.NoError(t, err)
	require.ErrorContains(t, s.Check(t.Context()), "run pgstore.Migrate with Options.RowLevelSecurity")
	require.NoError(t, pgstore.Migrate(t.Context(), pool, secure))
	require.ErrorContains(t, plain.Check(t.Context()), "set Options.RowLevelSecurity")
	require.ErrorContains(t, s.Check(t.Context()), "is exempt from row level security")
}

func TestCalls_WithoutTablesSayMigrate(t *testing.T) {
	t.Parallel()
	pool := pgtest.Start(t).Pool(t, 1)
	s, err := pgstore.New(pool, &pgstore.Options{Schema: "never_migrated"})
	require.NoError(t, err)
	_, err = s.CreateConversation(t.Context(), newConversation())
	require.ErrorContains(t, err, "run pgstore.Migrate")
	require.False(t, store.SafeToRepeat(err))
}
