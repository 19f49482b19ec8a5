package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// cluster is a PostgreSQL server of our own. It listens on a socket in its own
// directory and nowhere else, so that no port can be taken.
type cluster struct {
	bin      string // directory of the programs
	dir      string
	settings []string
	guard    *guard // nil while it does not run
	kept     bool
}

func newCluster(settings ...string) (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	bin, err := machine().server(ctx)
	if err != nil {
		return nil, err
	}
	clearOld(time.Now().Add(-24 * time.Hour))
	dir, err := directory()
	if err != nil {
		return nil, err
	}
	c := &cluster{bin: bin, dir: dir, settings: settings}
	if err := c.create(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cluster) create(ctx context.Context) error {
	err := run(ctx, c.dir, filepath.Join(c.bin, "initdb"), "-D", c.data(),
		"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	return c.start(ctx)
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// url names the socket.
func (c *cluster) url() string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(c.dir) + "&port=5432"
}

// args are those of the server: a socket only, room for many tests at once,
// and the settings.
func (c *cluster) args() []string {
	args := []string{"-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "port=5432", "-c", "max_connections=300"}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	return args
}

// command is a line for a shell that starts the server again.
func (c *cluster) command() string {
	return filepath.Join(c.bin, "postgres") + " " + strings.ReplaceAll(strings.Join(c.args(), " "), "listen_addresses=", "listen_addresses=''")
}

// start starts the server and waits until it answers.
func (c *cluster) start(ctx context.Context) error {
	g, err := guarded(c.dir, "QUIT", filepath.Join(c.bin, "postgres"), c.args()...)
	if err != nil {
		return err
	}
	c.guard = g
	return g.await(ctx, c.url())
}

// await returns when the server at url answers.
func (g *guard) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgconn.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		if words, ended := g.ended(); ended {
			return fmt.Errorf("the server ended while it started: %s", words)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer within %v: %w", readyWithin, err)
		}
	}
}

// crash ends the server at once; its data stays.
func (c *cluster) crash() error {
	if err := keep(c.dir); err != nil {
		return err
	}
	if err := c.halt(); err != nil {
		return err
	}
	if c.kept {
		return nil
	}
	return letGo(c.dir)
}

// keep lets the data stay for good.
func (c *cluster) keep() error {
	c.kept = true
	return keep(c.dir)
}

func (c *cluster) halt() error {
	if c.guard == nil {
		return nil
	}
	g := c.guard
	c.guard = nil
	return g.stop()
}

// stop ends the server and removes its data unless that is to be kept.
func (c *cluster) stop() error {
	if err := c.halt(); err != nil || c.kept {
		return err
	}
	return os.RemoveAll(c.dir)
}

// clearOld removes what failed tests kept before the given time.
func clearOld(before time.Time) {
	marks, err := filepath.Glob(filepath.Join(os.TempDir(), "parley-pg-*", "keep"))
	if err != nil {
		return
	}
	for _, mark := range marks {
		if info, err := os.Stat(mark); err == nil && info.ModTime().Before(before) {
			os.RemoveAll(filepath.Dir(mark))
		}
	}
}
