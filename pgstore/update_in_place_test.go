package pgstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// TestAppend_UpdatesTheHotRowInPlace: an append within a minute of the last one
// touches no index of the conversation, and the table does not grow.
func TestAppend_UpdatesTheHotRowInPlace(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	opts := &pgstore.Options{Schema: "hot"}
	s, pool := open(t, server, opts)
	ids := conversations(t, s, 20)
	size := func() (bytes int64) {
		require.NoError(t, pool.QueryRow(t.Context(), "select pg_total_relation_size('hot.conversation')").Scan(&bytes))
		return bytes
	}
	before := size()
	for range 40 {
		for _, id := range ids {
			_, err := s.Append(t.Context(), &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: messages(2), Preview: "hello"}})
			require.NoError(t, err)
		}
	}
	// The numbers arrive when the session is idle, or at its end.
	pool.Reset()
	var all, hot int
	require.Eventually(t, func() bool {
		require.NoError(t, pool.QueryRow(t.Context(), "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where schemaname = 'hot' and relname = 'conversation'").Scan(&all, &hot))
		return all >= 800
	}, soon, tick)
	// A row moves when its minute does: at most once for each that has begun.
	require.GreaterOrEqual(t, hot, all-2*len(ids))
	require.Less(t, size(), before+8*8192)
}

// TestAppendEvents_DoNotWaitForTheDisk: their transaction alone commits softly.
func TestAppendEvents_DoNotWaitForTheDisk(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "wal_writer_delay=10s", "wal_writer_flush_after=0", "autovacuum=off")
	for name, url := range map[string]string{"direct": server.URL(), "pooled": server.Bouncer(t, "postgres", 2)} {
		pool := pgtest.NewPool(t, url, 2)
		opts := &pgstore.Options{Schema: "soft_" + name}
		require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
		s, err := pgstore.New(pool, opts)
		require.NoError(t, err)
		run := start(t, s, conversations(t, s, 1)[0])
		// flushed is how far the log is on the disk, written how far it goes.
		lag := func() (bytes int64) {
			require.NoError(t, pool.QueryRow(t.Context(), "select pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()").Scan(&bytes))
			return bytes
		}
		_, err = s.Renew(t.Context(), store.Lease{Owner: "w", Duration: soon}, []store.RunKey{run.RunKey()})
		require.NoError(t, err)
		require.Zero(t, lag(), "%s: a lease is on the disk when it is answered", name)
		for i := range int64(5) {
			errs, err := s.AppendEvents(t.Context(), []store.EventAppend{{Key: run.RunKey(), EventPack: store.EventPack{First: i + 1, Last: i + 1, Body: body(0)}}})
			require.NoError(t, err)
			require.NoError(t, errs[0])
		}
		require.Greater(t, lag(), int64(1000), "%s: packs are not", name)
		_, err = s.Renew(t.Context(), store.Lease{Owner: "w", Duration: soon}, []store.RunKey{run.RunKey()})
		require.NoError(t, err)
		require.Zero(t, lag(), "%s: and the next call waits again", name)
	}
}
