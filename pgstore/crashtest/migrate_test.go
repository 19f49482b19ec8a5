//go:build unix

package crashtest_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/faultproxy"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/store"
)

// Twenty processes boot at once on an empty database.
func TestCrash_MigrateTwentyProcesses(t *testing.T) {
	server := pgtest.Start(t)
	s := Setup{URL: server.URL(), Schema: server.Schema(t)}
	workers := make([]*remote, 20)
	for i := range workers {
		workers[i] = hire(t, fmt.Sprint(i+1))
	}
	replies, errs := make([]Reply, len(workers)), make([]error, len(workers))
	var booting sync.WaitGroup
	for i, r := range workers {
		booting.Go(func() { errs[i] = r.call(t.Context(), "Migrate", s, &replies[i]) })
	}
	booting.Wait()
	for i := range workers {
		require.NoError(t, errs[i])
		require.True(t, replies[i].Failure.none(), replies[i].Failure.Text)
	}
}

// A migration that is interrupted in the middle leaves nothing, and the next one
// finds nothing in its way.
func TestCrash_MigrateInterrupted(t *testing.T) {
	server := pgtest.New(t, "fsync=off")
	_, err := server.Pool(t, 1).Exec(t.Context(), sqlStall)
	require.NoError(t, err)
	for _, tc := range []struct {
		name      string
		interrupt func(t *testing.T, r *remote, network *faultproxy.Proxy)
	}{
		{"process killed", func(t *testing.T, r *remote, _ *faultproxy.Proxy) { t.Helper(); r.kill(t) }},
		{"connection lost", func(_ *testing.T, _ *remote, network *faultproxy.Proxy) { network.CutAll() }},
		{"server crashed", func(t *testing.T, _ *remote, _ *faultproxy.Proxy) { t.Helper(); server.Crash(t); server.Restart(t) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			network := faultproxy.New(t, server.URL())
			s := Setup{URL: network.URL(), Schema: server.Schema(t)}
			lock, err := pgx.Connect(t.Context(), server.URL())
			require.NoError(t, err)
			_, err = lock.Exec(t.Context(), "select pg_advisory_lock(42)")
			require.NoError(t, err)
			r := hire(t, "migrating")
			var reply Reply
			done := make(chan error, 1)
			go func() { done <- r.call(t.Context(), "Migrate", s, &reply) }()
			eventually(t, func() bool {
				var stalled bool
				require.NoError(t, lock.QueryRow(t.Context(),
					"select exists (select from pg_locks where locktype = 'advisory' and objid = 42 and not granted)").Scan(&stalled))
				return stalled
			}, "the migration does not get to its middle")

			tc.interrupt(t, r, network)
			err = <-done
			_ = lock.Close(t.Context()) // it may be gone with the server
			if !r.killed {
				require.NoError(t, err)
				require.True(t, reply.Failure.is(store.ErrUnavailable), reply.Failure.Text)
			}
			pool := server.Pool(t, 1)
			eventually(t, func() bool {
				var others int
				require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity
					where backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()`).Scan(&others))
				return others == 0
			}, "the transaction does not end")
			var there bool
			require.NoError(t, pool.QueryRow(t.Context(), "select to_regnamespace($1) is not null", s.Schema).Scan(&there))
			require.False(t, there, "half of it was written")

			var again Reply
			hire(t, "next").must(t, "Migrate", s, &again)
			require.True(t, again.Failure.none(), again.Failure.Text)
		})
	}
}

// sqlStall makes every migration wait in its middle, behind a table of messages,
// while somebody holds the lock 42.
const sqlStall = `create function public.stall() returns event_trigger language plpgsql as $$
begin
	if exists (select from pg_event_trigger_ddl_commands() where object_identity like '%.message') then
		perform pg_advisory_xact_lock_shared(42);
	end if;
end $$;
create event trigger stall on ddl_command_end when tag in ('CREATE TABLE') execute function public.stall()`
