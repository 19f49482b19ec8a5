package pgstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// access says what a lost answer means.
type access int

const (
	reading access = iota // a lost answer is a failed read
	writing               // a lost answer is an unknown outcome
)

// anyTenant is the tenant of work that is done for all of them.
const anyTenant = "*"

// call is a number of statements that are sent together, in one round trip and
// one transaction.
type call struct {
	name   string // for errors
	access access
	tenant string // for row level security
	steps  []step
}

// step is one statement. rows takes its result; it may be called again when the
// call is repeated after a deadlock, and begins anew then.
type step struct {
	sql     string
	args    []any
	planned bool // anew each time, for its arguments; a plan for any would be a bad one
	rows    func(rows pgx.Rows) error
}

// The bounds of repeating what the server has undone: a deadlock or a
// serialisation failure. Under heavy contention one repetition is seldom enough.
const (
	maxTries   = 12
	firstPause = 500 * time.Microsecond
)

// do performs the call and translates its error. Statements that the server has
// undone are repeated; so are reads, and writes of which nothing was sent, when
// the pool had a dead connection.
func (s *Store) do(ctx context.Context, c *call) error {
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return fail(c.name, err)
		}
		sent, err := s.attempt(ctx, c)
		if err == nil {
			return nil
		}
		verdict := judge(err, c.access, sent, ctx.Err())
		if verdict.pooled && s.opts.ExecMode == 0 {
			s.setMode(pgx.QueryExecModeCacheDescribe)
		}
		if !verdict.repeat || try == maxTries || verdict.broken && try > 3 {
			return fail(c.name, verdict.err)
		}
		if !pause(ctx, try) {
			return fail(c.name, ctx.Err())
		}
	}
}

// pause waits a little longer after each try, by chance, so that those who met
// do not meet again. It reports whether the context goes on.
func pause(ctx context.Context, try int) bool {
	bound := firstPause << min(try, 7)
	timer := time.NewTimer(rand.N(bound)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt sends the call once. sent says whether the server may have applied it
// although there is an error.
func (s *Store) attempt(ctx context.Context, c *call) (sent bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	mode, err := s.execMode(ctx, conn.Conn())
	if err != nil {
		return false, err
	}
	switch {
	case len(c.steps) == 1 && !s.opts.RowLevelSecurity:
		return s.single(ctx, conn, mode, &c.steps[0])
	case mode == s.poolMode:
		return s.batch(ctx, conn, c)
	default:
		return s.transaction(ctx, conn, mode, c)
	}
}

// single sends one statement, which is its own transaction.
func (s *Store) single(ctx context.Context, conn *pgxpool.Conn, mode pgx.QueryExecMode, st *step) (bool, error) {
	err := perform(ctx, conn, mode, st)
	return !unsent(err), err
}

// querier is what perform needs of a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func perform(ctx context.Context, q querier, mode pgx.QueryExecMode, st *step) error {
	if st.planned && mode == pgx.QueryExecModeCacheStatement {
		mode = pgx.QueryExecModeCacheDescribe
	}
	args := make([]any, 0, len(st.args)+1)
	rows, err := q.Query(ctx, st.sql, append(append(args, mode), st.args...)...)
	if err != nil {
		return err
	}
	return st.take(rows)
}

// take hands the result to its reader. Only after Close is it known that the
// server has finished, and with a statement of its own, that it has committed.
func (st *step) take(rows pgx.Rows) error {
	defer rows.Close()
	if st.rows != nil {
		if err := st.rows(rows); err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}

// batch sends all statements at once. Without a BEGIN among them they are one
// transaction, which ends with the last.
func (s *Store) batch(ctx context.Context, conn *pgxpool.Conn, c *call) (bool, error) {
	var b pgx.Batch
	if s.opts.RowLevelSecurity {
		b.Queue(s.sql.setTenant, c.tenant)
	}
	for i := range c.steps {
		st := &c.steps[i]
		b.Queue(st.sql, st.args...).Query(st.take)
	}
	err := conn.SendBatch(ctx, &b).Close()
	return !unsent(err), err
}

// transaction sends the statements one by one. It stands in for batch, which
// pgx sends in the pool's mode only. What fails before the commit was not
// applied.
func (s *Store) transaction(ctx context.Context, conn *pgxpool.Conn, mode pgx.QueryExecMode, c *call) (bool, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // after Commit it does nothing
	if s.opts.RowLevelSecurity {
		if err := perform(ctx, tx, mode, &step{sql: s.sql.setTenant, args: []any{c.tenant}}); err != nil {
			return false, err
		}
	}
	for i := range c.steps {
		if err := perform(ctx, tx, mode, &c.steps[i]); err != nil {
			return false, err
		}
	}
	err = tx.Commit(ctx)
	return !unsent(err), err
}

// errTornAnswer says that a statement gave a result of another form than its
// text promises, which a test would have shown.
var errTornAnswer = errors.New("the server's answer has another form than the statement promises")
