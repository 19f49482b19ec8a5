package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
)

// setup returns a store in a schema of its own, and its pool.
func setup(t testing.TB, edits ...func(*pgstore.Options)) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	for _, edit := range edits {
		edit(opts)
	}
	return open(t, server, opts)
}

// setupPair returns two stores in one schema, each on a pool of its own, as two
// engines on one database have them.
func setupPair(t testing.TB) (a, b *pgstore.Store) {
	t.Helper()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	a, _ = open(t, server, opts)
	b, _ = open(t, server, opts)
	return a, b
}

func open(t testing.TB, server *pgtest.Server, opts *pgstore.Options) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	pool := server.Pool(t, 8)
	require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	return s, pool
}
