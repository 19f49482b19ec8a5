//go:build unix

package crashtest_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
)

// orphanVariable makes the test binary the one that is killed.
const orphanVariable = "PARLEY_CRASHTEST_ORPHANS"

// When the test binary is killed, no process that it started stays: no server,
// no worker, not even one that is stopped.
func TestCrash_NothingStaysBehind(t *testing.T) {
	if os.Getenv(orphanVariable) != "" {
		// On file descriptor 1 is the pipe to the test.
		w := newWorld(t, pgtest.New(t, "fsync=off"))
		workers := w.employ(2)
		workers[0].signal(t, syscall.SIGSTOP)
		var server int
		require.NoError(t, w.pool.QueryRow(t.Context(),
			"select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int").Scan(&server))
		_, err := fmt.Fprintln(os.Stdout, "started", os.Getpid(), server,
			workers[0].pid, workers[0].cmd.Process.Pid, workers[1].pid, workers[1].cmd.Process.Pid)
		require.NoError(t, err)
		<-t.Context().Done() // until it is killed
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	p := spawn(t, "test binary", nil, []string{orphanVariable + "=1"}, self,
		"-test.run=^TestCrash_NothingStaysBehind$", "-test.v", "-test.timeout="+(2*patience).String())
	var pids []int
	for lines := bufio.NewScanner(p); pids == nil && lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || words[0] != "started" {
			continue
		}
		for _, word := range words[1:] {
			pid, err := strconv.Atoi(word)
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	require.Len(t, pids, 6)
	for _, pid := range pids {
		require.NoError(t, syscall.Kill(pid, 0), "it runs")
	}
	p.mu.Lock()
	p.pid = pids[0]
	p.mu.Unlock()
	p.kill(t)
	p.end(t)
	eventually(t, func() bool {
		for _, pid := range pids {
			if running(pid) {
				return false
			}
		}
		return true
	}, "processes stay behind: %v", pids)
}

// running reports whether there is such a process, or what is left of one that
// nobody has waited for.
func running(pid int) bool { return syscall.Kill(pid, 0) == nil }
