package pgstore

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-go/parley/store"
)

// Store is a store.Store in PostgreSQL. It is safe for concurrent use, starts no
// goroutine and needs no closing; the pool is closed by who opened it.
type Store struct {
	pool *pgxpool.Pool
	opts Options
	sql  statements
	log  *slog.Logger

	poolMode pgx.QueryExecMode // that of the pool, which its batches use
	mode     atomic.Int32      // that of single statements; 0 until known
	search   atomic.Int32      // whether there is an index of trigrams
}

var _ store.Store = (*Store)(nil)

// New returns a store on the pool. It does not connect; Check does. Nil options
// are the defaults.
func New(pool *pgxpool.Pool, opts *Options) (*Store, error) {
	if pool == nil {
		return nil, errors.New("pgstore: New needs a pool; open one with pgxpool.New")
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	config := pool.Config().ConnConfig
	s := &Store{pool: pool, opts: o, sql: render(o.Schema), log: log, poolMode: config.DefaultQueryExecMode}
	switch {
	case o.ExecMode != 0:
		s.setMode(o.ExecMode)
	case s.poolMode == pgx.QueryExecModeSimpleProtocol || s.poolMode == pgx.QueryExecModeDescribeExec:
		// The first cannot say what type a parameter is, the second needs one
		// session for its two steps.
		s.setMode(pgx.QueryExecModeExec)
	case s.poolMode != pgx.QueryExecModeCacheStatement:
		s.setMode(s.poolMode)
	case config.StatementCacheCapacity == 0:
		s.setMode(pgx.QueryExecModeExec) // the host has switched the cache off
	}
	return s, nil
}

func (s *Store) setMode(mode pgx.QueryExecMode) { s.mode.Store(int32(mode)) }

// execMode returns how single statements are sent, and finds it out first if
// nobody said.
func (s *Store) execMode(ctx context.Context, conn *pgx.Conn) (pgx.QueryExecMode, error) {
	if mode := s.mode.Load(); mode != 0 {
		return pgx.QueryExecMode(mode), nil
	}
	pooled, err := behindPooler(ctx, conn)
	if err != nil {
		return 0, err
	}
	mode := pgx.QueryExecModeCacheStatement
	if pooled {
		mode = pgx.QueryExecModeCacheDescribe
	}
	s.setMode(mode)
	return mode, nil
}

// behindPooler reports whether something between here and the server hands its
// sessions on: the process id that was told at the start is then not that of
// the process that answers.
func behindPooler(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var pid uint32
	err := conn.QueryRow(ctx, "select pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid)
	return pid != conn.PgConn().PID(), err
}
