// Package pgtest gives tests a real PostgreSQL server.
//
// The server is found in this order:
//
//  1. PARLEY_TEST_POSTGRES, the URL of a server that tests may fill;
//  2. installed binaries, on the PATH or where Debian puts them, from which a
//     server of the test binary's own is started;
//  3. as root with apt-get, Debian's package is installed, and then as above;
//  4. otherwise the test fails, with a sentence that says what to do. Nothing is
//     ever skipped.
//
// A server that was started here ends with the test binary, however that ends:
// a small shell waits for the end of a pipe that the operating system closes.
// PostgreSQL refuses to run as root, so root starts it as another user.
package pgtest

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// urlVariable names the environment variable with the URL of a server.
const urlVariable = "PARLEY_TEST_POSTGRES"

// readyWithin bounds the time from a start to the first answer; a start takes
// less than a second, recovery after a crash perhaps two.
const readyWithin = time.Minute

// Server is a PostgreSQL server. Its methods may be called from any goroutine,
// Crash and Restart from one at a time.
type Server struct {
	url     string
	cluster *cluster // nil when the server is not ours
}

// shared is the one server of the test binary.
var shared struct {
	sync.Mutex
	server *Server
}

// Start returns the server that all tests of this binary share, and starts it
// when the first of them asks. It does not flush to disk (fsync=off).
func Start(tb testing.TB) *Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server
	}
	if url := os.Getenv(urlVariable); url != "" {
		shared.server = &Server{url: url}
		return shared.server
	}
	c, err := newCluster("fsync=off", "full_page_writes=off")
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	shared.server = &Server{url: c.url(), cluster: c}
	return shared.server
}

// New starts a server for one test, which may crash it, and stops it when the
// test ends. Settings have the form name=value. It flushes to disk unless they
// say otherwise. PARLEY_TEST_POSTGRES has no part in it.
func New(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	c, err := newCluster(settings...)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.stop(); err != nil {
			tb.Errorf("pgtest: stop the server: %v", err)
		}
	})
	return &Server{url: c.url(), cluster: c}
}

// URL returns the connection string of the server, for a superuser.
func (s *Server) URL() string { return s.url }

// Crash stops the server as a power cut of its processes would: at once, with
// no word to its clients, leaving recovery to the next start.
func (s *Server) Crash(tb testing.TB) {
	tb.Helper()
	if s.cluster == nil {
		tb.Fatalf("pgtest: a server named by %s cannot be crashed; take one from New", urlVariable)
	}
	if err := s.cluster.crash(); err != nil {
		tb.Fatalf("pgtest: crash: %v", err)
	}
}

// Restart starts the server after a Crash and returns when it answers.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if s.cluster == nil {
		tb.Fatalf("pgtest: a server named by %s cannot be restarted; take one from New", urlVariable)
	}
	if err := s.cluster.start(context.Background()); err != nil {
		tb.Fatalf("pgtest: restart: %v", err)
	}
}

// Pool returns a pool of up to maxConns connections that closes when the test
// ends. Changes, if any, are made to its configuration first.
func (s *Server) Pool(tb testing.TB, maxConns int32, changes ...func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	return NewPool(tb, s.url, maxConns, changes...)
}

// NewPool is Pool for any URL, such as a Bouncer's.
func NewPool(tb testing.TB, url string, maxConns int32, changes ...func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	config.MaxConns = maxConns
	for _, change := range changes {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		tb.Fatalf("pgtest: open a pool: %v", err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// exec runs one statement on a connection of its own.
func (s *Server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}
