//go:build unix

package pgtest_test

import (
	"bufio"
	"context"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
)

// childVariable makes TestServerEndsWithAKilledProcess play the process that
// gets killed.
const childVariable = "PARLEY_PGTEST_CHILD"

func TestOneServerIsSharedAndAnswers(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	require.Same(t, s, pgtest.Start(t))
	var one int
	require.NoError(t, s.Pool(t, 2).QueryRow(t.Context(), "select 1").Scan(&one))
	require.Equal(t, 1, one)
}

func TestSchemaIsNewAndDroppedAfterwards(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	pool := s.Pool(t, 2)
	exists := func(schema string) bool {
		var found bool
		require.NoError(t, pool.QueryRow(t.Context(), "select to_regnamespace($1) is not null", schema).Scan(&found))
		return found
	}
	var first string
	t.Run("Ünï 'quoted\" and much longer than an identifier may ever be", func(t *testing.T) {
		first = s.Schema(t)
		require.NotEqual(t, first, s.Schema(t))
		require.Regexp(t, `^[a-z_][a-z0-9_]{0,45}$`, first)
		require.False(t, exists(first))
		_, err := pool.Exec(t.Context(), "create schema "+first)
		require.NoError(t, err)
		require.True(t, exists(first))
	})
	require.False(t, exists(first))
}

func TestCrashKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t)
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, s.URL())
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "create table kept (n int); insert into kept values (7)")
	require.NoError(t, err)

	s.Crash(t)
	require.Error(t, conn.Ping(ctx))
	_, err = pgx.Connect(ctx, s.URL())
	require.Error(t, err)

	s.Restart(t)
	var n int
	require.NoError(t, s.Pool(t, 1).QueryRow(ctx, "select n from kept").Scan(&n))
	require.Equal(t, 7, n)
}

func TestBouncerTakesTurnsOnItsConnections(t *testing.T) {
	t.Parallel()
	s := pgtest.New(t, "fsync=off")
	pool := pgtest.NewPool(t, s.Bouncer(t, "postgres", 1), 4)
	// Two clients, one server connection: both see the same backend.
	backend := func() int {
		conn, err := pool.Acquire(t.Context())
		require.NoError(t, err)
		t.Cleanup(conn.Release)
		var pid int
		require.NoError(t, conn.QueryRow(t.Context(), "select pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid))
		require.NotEqual(t, int(conn.Conn().PgConn().PID()), pid)
		return pid
	}
	first := backend()
	require.Equal(t, first, backend())
}

func TestServerEndsWithAKilledProcess(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		s := pgtest.New(t, "fsync=off")
		var pid int
		require.NoError(t, s.Pool(t, 1).QueryRow(t.Context(),
			"select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int").Scan(&pid))
		_, err := os.Stdout.WriteString("server " + strconv.Itoa(pid) + " " + s.URL() + "\n")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, os.Stdin) // until it is killed
		require.NoError(t, err)
		return
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(ctx, self, "-test.run=^TestServerEndsWithAKilledProcess$", "-test.v")
	child.Env = append(os.Environ(), childVariable+"=1")
	hold, err := child.StdinPipe()
	require.NoError(t, err)
	defer hold.Close()
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())

	pid, dir := 0, ""
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "server" {
			pid, err = strconv.Atoi(words[1])
			require.NoError(t, err)
			at, err := url.Parse(words[2])
			require.NoError(t, err)
			dir = at.Query().Get("host")
		}
	}
	require.NotZero(t, pid, "the child did not name its server")
	require.NoError(t, syscall.Kill(pid, 0), "the server runs")
	require.DirExists(t, dir)

	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir)
		return syscall.Kill(pid, 0) != nil && os.IsNotExist(err)
	}, time.Minute, 10*time.Millisecond, "the server and its directory go with the process")
}
