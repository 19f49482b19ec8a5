//go:build unix

package crashtest_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/store"
)

// apart is how wrong the clocks are: one engine's is so much ahead of the
// database's, another's so much behind.
const apart = 10 * time.Minute

// Engines whose clocks are twenty minutes apart keep their leases, lose them
// when they die, and write no time of their own.
func TestCrash_Clocks(t *testing.T) {
	program := wrongClock(t)
	w := newWorld(t, pgtest.Start(t))
	w.setup.Lease = shortLease
	ahead := hireAs(t, "ahead", program, skewVariable+"="+apart.String())
	behind := hireAs(t, "behind", program, skewVariable+"="+(-apart).String())
	right := hire(t, "right")
	all := []*remote{ahead, behind, right}
	for _, r := range all {
		w.begin(r)
	}

	// Each holds a run for longer than a lease, and nobody takes it away.
	runs := w.outlive(t, all, shortLease+shortLease/2)
	for i, wrong := range []time.Duration{apart, -apart, 0} {
		// The engine makes the ids of runs, and they have its time in them.
		sec, nsec := runs[i].id.Time().UnixTime()
		require.WithinDuration(t, time.Now().Add(wrong), time.Unix(sec, nsec), apart/2, "the clock is not what it should be")
	}
	for i, run := range runs {
		require.Equal(t, conversation.RunCompleted, all[i].wait(t, run.id).Status)
		require.Equal(t, []string{"1 " + all[i].name}, w.ledger.attempts(t, run.id), "a lease was not respected")
	}

	// Those that are wrong die one after the other: their runs are taken over
	// when the lease is over by the database's clock, and not before.
	for i, victim := range all[:2] {
		run := accepted{conversation: w.create(), script: Script{Words: 3, Hold: 1}}
		run.id = victim.start(t, Turn{Conversation: run.conversation, Script: run.script}).Run
		right.open(t, run.id)(2)
		killed := time.Now()
		victim.kill(t)
		var until time.Time
		require.NoError(t, w.pool.QueryRow(t.Context(), "select lease_until from "+w.schema+".run where id = $1", run.id).Scan(&until))
		require.WithinDuration(t, killed, until, shortLease+time.Second, "the lease is not by the database's clock")
		require.Equal(t, conversation.RunCompleted, right.wait(t, run.id).Status)
		made := w.ledger.attempts(t, run.id)
		require.Len(t, made, 2)
		require.NotEqual(t, "2 "+all[i].name, made[1])
		began := w.began(t, run.id, 2)
		require.False(t, began.Before(until), "taken over before the lease was over")
		require.Less(t, began.Sub(killed), shortLease+grace)
	}
	w.nobodysTime(t)
}

// The test above would notice an engine that measures leases by a clock of its
// own: one for which statement_timestamp() is ten minutes ago loses its run at
// once.
func TestCrash_ClocksRejectsAMutant(t *testing.T) {
	w := newWorld(t, pgtest.Start(t))
	w.setup.Lease = shortLease
	right := hire(t, "right")
	w.begin(right)
	_, err := w.pool.Exec(t.Context(), fmt.Sprintf(`create function %s.statement_timestamp() returns timestamptz language sql volatile
		as $$ select pg_catalog.statement_timestamp() - interval '%d seconds' $$`, w.schema, int(apart.Seconds())))
	require.NoError(t, err)
	wrong := hire(t, "wrong")
	at, err := url.Parse(w.setup.URL)
	require.NoError(t, err)
	query := at.Query()
	query.Set("search_path", w.schema+",pg_catalog")
	at.RawQuery = query.Encode()
	w.setup.URL = at.String()
	w.begin(wrong)

	run := w.outlive(t, []*remote{wrong}, 0)[0]
	right.wait(t, run.id)
	require.Contains(t, w.ledger.attempts(t, run.id), "2 right")
}

// outlive starts a run at each of the workers that goes on until so much time
// has passed.
func (w *world) outlive(t *testing.T, workers []*remote, d time.Duration) []accepted {
	t.Helper()
	runs := make([]accepted, len(workers))
	for i, r := range workers {
		runs[i] = accepted{conversation: w.create(), script: Script{Words: 4, Gate: true}}
		runs[i].id = r.start(t, Turn{Conversation: runs[i].conversation, Script: runs[i].script}).Run
	}
	if d == 0 {
		return runs
	}
	pause(t.Context(), d)
	for _, run := range runs {
		w.ledger.openGate(t, run.id)
	}
	return runs
}

// began tells when an attempt began.
func (w *world) began(t *testing.T, run uuid.UUID, attempt int) (at time.Time) {
	t.Helper()
	require.NoError(t, w.pool.QueryRow(t.Context(),
		"select began from "+w.schema+".attempt where run_id = $1 and attempt = $2", run, attempt).Scan(&at))
	return at
}

// nobodysTime checks every time in every table of the store: an engine's would
// be minutes away.
func (w *world) nobodysTime(t *testing.T) {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), `select format('select %L || min(%I) || %L || max(%I) from %I.%I
		where %I not between now() - interval ''5 minutes'' and now() + interval ''1 minute''
		having count(*) > 0', table_name || '.' || column_name || ': ', column_name, ' to ', column_name, table_schema, table_name, column_name)
		from information_schema.columns where table_schema = $1 and data_type like 'timestamp%'
		and column_name not in ('deadline', 'queue_until')`, w.schema)
	require.NoError(t, err)
	queries := collect[string](t, rows)
	require.Greater(t, len(queries), 10)
	for _, query := range queries {
		found, err := w.pool.Query(t.Context(), query)
		require.NoError(t, err)
		require.Empty(t, collect[string](t, found), "a time that is not the database's")
	}
	// These lie ahead by what the run asked for, from its first claim on.
	require.Zero(t, w.ledger.count(t, `select count(*) from %s.run
		where deadline is not null and deadline <> started_at + timeout / 1000 * interval '1 microsecond'`))
	runs := w.ledger.count(t, `select count(*) from %s.run where status <> $1`, store.RunCompleted)
	require.Zero(t, runs)
}
