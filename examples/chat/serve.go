package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/examples/internal/agent"
	"github.com/parley-go/parley/httpadapter"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/pgstore"
)

const (
	wordPace = 40 * time.Millisecond // of what Eliza says
	grace    = 5 * time.Second       // for runs to end by themselves at shutdown
	parting  = 3 * time.Second       // for answers to reach their clients after that
)

// serve listens until ctx ends, and then leaves in order.
func serve(ctx context.Context, o *options, stdout io.Writer, log *slog.Logger) error {
	listener, err := listen(ctx, o.addr, o.expose)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has done it, unless there is none
	engine, closeStore, err := open(ctx, o, log)
	if err != nil {
		return err
	}
	defer closeStore()
	if err := engine.Start(ctx); err != nil {
		return err
	}
	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: authenticate, Logger: log, AccessLog: log})
	if err != nil {
		return errors.Join(err, engine.Shutdown(ctx))
	}
	site := mount(handler)
	if !o.expose {
		site = onlyLocal(site)
	}
	server := &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		// An answer may have to wait for the end of a run. Streams set a deadline
		// for each event instead. A ReadTimeout would end both; the time a body may
		// take to arrive is the handler's to watch.
		WriteTimeout: cmp.Or(o.runTimeout, conversation.DefaultRunTimeout) + time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	announce(stdout, o, listener.Addr())

	select {
	case err = <-served:
	case <-ctx.Done():
		log.Info("shutting down", "grace", grace)
	}
	return errors.Join(err, leave(context.WithoutCancel(ctx), server, engine))
}

// leave takes no more requests, lets runs end, hands over those that do not, and
// lets streams say so.
func leave(ctx context.Context, server *http.Server, engine *conversation.Engine) error {
	ending, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	closing, cancel := context.WithTimeout(ctx, grace+parting)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- server.Shutdown(closing) }() // no new connections from here on
	err := engine.Shutdown(ending)                     // which ends the streams
	if late := <-closed; late != nil {
		// Clients that do not read: what they have not got by now is cut off.
		err = errors.Join(err, late, server.Close())
	}
	return err
}

// open makes the engine over the store that the flags name.
func open(ctx context.Context, o *options, log *slog.Logger) (*conversation.Engine, func(), error) {
	config := &conversation.Config{
		Logger: log, Titler: conversation.TitlerFunc(agent.Title),
		Lease: o.lease, RunTimeout: o.runTimeout, MaxRuns: o.maxRuns,
	}
	responder := agent.New(&agent.Options{Pace: wordPace})
	if o.store == memory {
		engine, err := conversation.New(memstore.New(nil), responder, config)
		return engine, func() {}, err
	}
	pool, err := pgxpool.New(ctx, o.store)
	if err != nil {
		return nil, nil, fmt.Errorf("-store must be memory or the URL of a PostgreSQL database: %w", err)
	}
	engine, err := openPostgres(ctx, pool, responder, config)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return engine, pool.Close, nil
}

func openPostgres(ctx context.Context, pool *pgxpool.Pool, r conversation.Responder, c *conversation.Config) (*conversation.Engine, error) {
	options := &pgstore.Options{Logger: c.Logger}
	if err := pgstore.Migrate(ctx, pool, options); err != nil {
		return nil, err
	}
	s, err := pgstore.New(pool, options)
	if err != nil {
		return nil, err
	}
	return conversation.New(s, r, c)
}

// listen listens on loopback addresses, and on others only when told so.
func listen(ctx context.Context, addr string, expose bool) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !expose && !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("-addr %s can be reached by others, and anybody can write a development token; "+
			"listen on 127.0.0.1 or localhost, or say -expose if that is what you want", addr)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", resolved.String())
}
