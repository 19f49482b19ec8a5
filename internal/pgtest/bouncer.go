package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Bouncer starts a PgBouncer in transaction mode in front of the server, with
// few server connections of the user, so that clients take turns on them, and
// returns its URL. It is found like the server and ends with the test.
func (s *Server) Bouncer(tb testing.TB, user string, serverConns int) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	program, err := machine().bouncer(ctx)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	if s.cluster == nil {
		tb.Fatalf("pgtest: PgBouncer needs a server of the test's own; take one from New")
	}
	g, at, err := s.bouncer(ctx, program, user, serverConns)
	if err != nil {
		tb.Fatalf("pgtest: PgBouncer: %v", err)
	}
	tb.Cleanup(func() {
		if err := g.stop(); err != nil {
			tb.Errorf("pgtest: stop PgBouncer: %v", err)
		}
	})
	return at
}

func (s *Server) bouncer(ctx context.Context, program, user string, serverConns int) (*guard, string, error) {
	dir, err := directory()
	if err != nil {
		return nil, "", err
	}
	config := fmt.Sprintf(`[databases]
* = host=%s port=5432 user=%s
[pgbouncer]
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
auth_type = any
unix_socket_dir = %s
listen_port = 6432
ignore_startup_parameters = extra_float_digits
`, s.cluster.dir, user, serverConns, dir)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil { // PgBouncer is another user
		return nil, "", err
	}
	g, err := guarded(dir, "TERM", program, file)
	if err != nil {
		return nil, "", err
	}
	at := "postgres://postgres@/postgres?host=" + url.QueryEscape(dir) + "&port=6432"
	if err := g.await(ctx, at); err != nil {
		return nil, "", err
	}
	return g, at, nil
}
