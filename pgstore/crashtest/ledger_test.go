//go:build unix

package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
)

// ledger is what Responders write down, in tables of the test's own, past the
// store and past everything that spoils the network.
type ledger struct {
	schema string
	pool   *pgxpool.Pool
}

// sqlLedger makes its tables. A row of holder stands for a Responder at work; a
// second one in the same conversation is a row of clash.
const sqlLedger = `
create table %[1]s.attempt (run_id uuid, attempt int, worker text, began timestamptz default clock_timestamp(), cause text);
create table %[1]s.holder (conversation_id uuid primary key, run_id uuid);
create table %[1]s.clash (conversation_id uuid, run_id uuid, holder uuid);
create table %[1]s.gate (run_id uuid)`

func (l ledger) create(t *testing.T) {
	t.Helper()
	_, err := l.pool.Exec(t.Context(), fmt.Sprintf(sqlLedger, l.schema))
	require.NoError(t, err)
}

// write writes until it has succeeded or ctx ends: the server may be down.
func (l ledger) write(ctx context.Context, sql string, args ...any) error {
	for {
		_, err := l.pool.Exec(ctx, fmt.Sprintf(sql, l.schema), args...)
		var refused *pgconn.PgError
		if err == nil || ctx.Err() != nil || errors.As(err, &refused) && refused.Code[:2] != "57" {
			return err
		}
		pause(ctx, 5*poll)
	}
}

// began records that a Responder has begun. Where the answer to that is lost it
// is recorded twice, so only tests whose servers stay up count the records.
func (l ledger) began(ctx context.Context, turn *conversation.Turn, worker string) error {
	return l.write(ctx, `with a as (
		insert into %[1]s.attempt (run_id, attempt, worker) values ($1, $2, $3)
	), h as (
		insert into %[1]s.holder values ($4, $1) on conflict do nothing returning 1
	)
	insert into %[1]s.clash select $4, $1, (select run_id from %[1]s.holder where conversation_id = $4) where not exists (select from h)`,
		turn.RunID(), turn.Attempt(), worker, turn.Conversation().ID)
}

// ended records why a Responder has ended.
func (l ledger) ended(turn *conversation.Turn, worker string, why error) {
	ctx, cancel := ask()
	defer cancel()
	cause := "done"
	if why != nil {
		cause = why.Error()
	}
	_ = l.write(ctx, `with h as (delete from %[1]s.holder where run_id = $1)
		update %[1]s.attempt set cause = $4 where run_id = $1 and attempt = $2 and worker = $3`,
		turn.RunID(), turn.Attempt(), worker, cause) // a missing record fails the test that looks for it
}

// gate waits until the test has opened the gate of the run, and reports whether
// it has.
func (l ledger) gate(ctx context.Context, run uuid.UUID) bool {
	for pause(ctx, poll) {
		var open bool
		err := l.pool.QueryRow(ctx, "select exists (select from "+l.schema+".gate where run_id = $1)", run).Scan(&open)
		if err == nil && open {
			return true
		}
	}
	return false
}

// openGate lets the run go on.
func (l ledger) openGate(t *testing.T, run uuid.UUID) {
	t.Helper()
	_, err := l.pool.Exec(t.Context(), "insert into "+l.schema+".gate values ($1)", run)
	require.NoError(t, err)
}

// attempts returns which worker made which attempt at a run, in their order.
func (l ledger) attempts(t *testing.T, run uuid.UUID) []string {
	t.Helper()
	rows, err := l.pool.Query(t.Context(), `select attempt || ' ' || worker from `+l.schema+`.attempt where run_id = $1 order by began`, run)
	require.NoError(t, err)
	return collect[string](t, rows)
}

// count returns the number that a query gives.
func (l ledger) count(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, l.pool.QueryRow(t.Context(), fmt.Sprintf(sql, l.schema), args...).Scan(&n))
	return n
}
