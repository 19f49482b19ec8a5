package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// The listener's patience. A silent connection is asked every aliveEvery whether
// it still is one; after trouble it connects again, soon at first.
const (
	aliveEvery   = 30 * time.Second
	aliveWithin  = 10 * time.Second
	firstRetry   = 100 * time.Millisecond
	slowestRetry = 5 * time.Second
)

// errPooled says that the connection is not a session of the server's.
var errPooled = errors.New("a pooler hands the session on")

// Listen implements store.Store, on a connection of its own beside the pool's.
func (s *Store) Listen(ctx context.Context, fn func(store.Hint)) error {
	if s.opts.NoNotify {
		return nil
	}
	for wait := firstRetry; ; wait = min(2*wait, slowestRetry) {
		heard, err := s.listenOnce(ctx, fn)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of the context is the good end
		case errors.Is(err, errPooled):
			s.log.InfoContext(ctx, "pgstore: behind a pooler, readers poll", "option", "ListenConfig")
			return nil
		}
		if heard {
			wait = firstRetry
		}
		s.log.WarnContext(ctx, "pgstore: listener lost its connection", "error", err, "retry_in", wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// listenOnce listens until the connection or the context ends. heard says
// whether it got as far as listening.
func (s *Store) listenOnce(ctx context.Context, fn func(store.Hint)) (heard bool, err error) {
	conn, err := s.listener(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	pooled, err := behindPooler(ctx, conn)
	if err != nil {
		return false, err
	}
	if pooled {
		return false, errPooled
	}
	if _, err := conn.Exec(ctx, "listen "+pgx.Identifier{s.channel()}.Sanitize(), pgx.QueryExecModeExec); err != nil {
		return false, err
	}
	for {
		if err := awaitHints(ctx, conn, fn); err != nil {
			return true, err
		}
	}
}

// listener connects, as the pool would unless the options say otherwise.
func (s *Store) listener(ctx context.Context) (*pgx.Conn, error) {
	if s.opts.ListenConfig != nil {
		return pgx.ConnectConfig(ctx, s.opts.ListenConfig.Copy())
	}
	pool := s.pool.Config()
	config := pool.ConnConfig.Copy()
	if pool.BeforeConnect != nil {
		if err := pool.BeforeConnect(ctx, config); err != nil {
			return nil, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if pool.AfterConnect != nil {
		if err := pool.AfterConnect(ctx, conn); err != nil {
			return nil, errors.Join(err, conn.Close(ctx))
		}
	}
	return conn, nil
}

// awaitHints hands on the next notification, or sees that the connection is alive.
func awaitHints(ctx context.Context, conn *pgx.Conn, fn func(store.Hint)) error {
	quiet, cancel := context.WithTimeout(ctx, aliveEvery)
	defer cancel()
	n, err := conn.WaitForNotification(quiet)
	if err == nil {
		parseHints(n.Payload, func(h store.Hint) {
			if ctx.Err() == nil {
				fn(h)
			}
		})
		return nil
	}
	if ctx.Err() != nil || quiet.Err() == nil {
		return err
	}
	ask, stop := context.WithTimeout(ctx, aliveWithin)
	defer stop()
	return conn.Ping(ask)
}
