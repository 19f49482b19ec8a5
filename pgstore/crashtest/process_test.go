//go:build unix

package crashtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// guard runs a program on the pipes 3 and 4 and waits for a line. When its
// input ends without one, the test process is gone, whatever took it: then the
// program is killed, which also ends one that is stopped. As long as the guard
// has not waited for it, the program's id is not given to another.
const guard = `
"$@" <&3 >&4 &
exec 3<&- 4>&-
read -r _ || kill -9 $!
wait $!
`

// process is a program that the test started and that ends with it.
type process struct {
	name  string
	cmd   *exec.Cmd
	leash *os.File // the guard's input
	in    *os.File // the program's
	out   *os.File
	words logBuffer

	mu     sync.Mutex
	pid    int // of the program, 0 while it is not known
	killed bool
	over   bool
}

// spawn starts a program under guard. attr may be nil.
func spawn(t *testing.T, name string, attr *syscall.SysProcAttr, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{name: name}
	var theirs [3]*os.File
	pipes := []**os.File{&p.leash, &p.in, &p.out}
	for i, ours := range pipes {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		*ours, theirs[i] = w, r
		if ours == &p.out {
			*ours, theirs[i] = r, w
		}
		defer theirs[i].Close()
	}
	// No context: what ends it is the leash.
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", guard, "guard", program}, args...)...) //nolint:noctx // see above
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdin, p.cmd.ExtraFiles, p.cmd.Stderr = theirs[0], theirs[1:], &p.words
	if attr == nil {
		attr = &syscall.SysProcAttr{}
	}
	attr.Setpgid = true // a signal to the group of the test is not for the guard
	p.cmd.SysProcAttr = attr
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.end(t) })
	return p
}

// Read and Write make the process a connection.
func (p *process) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *process) Write(b []byte) (int, error) { return p.in.Write(b) }

// Close ends the program's input, which asks it to end.
func (p *process) Close() error { return p.in.Close() }

// signal sends the program a signal.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotZero(t, p.pid)
	require.False(t, p.over, "%s is over", p.name)
	require.NoError(t, syscall.Kill(p.pid, s))
	p.killed = p.killed || s == syscall.SIGKILL
}

// kill ends the program at once, as the system does when memory is short.
func (p *process) kill(t *testing.T) { t.Helper(); p.signal(t, syscall.SIGKILL) }

// farewell is how long a program may take to end.
const farewell = 20 * time.Second

// end asks the program to end, waits until it has, and says what was wrong with
// it: how it ended unless it was killed, and what it wrote if it found a race.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	p.over = true
	if p.pid != 0 {
		_ = syscall.Kill(p.pid, syscall.SIGCONT) // in case it was stopped
	}
	p.mu.Unlock()

	p.in.Close()
	require.NoError(t, p.out.SetReadDeadline(time.Now().Add(farewell)))
	// The output ends when the program does, and no sooner.
	_, err := io.Copy(io.Discard, p.out)
	if err == nil || errors.Is(err, os.ErrClosed) {
		_, _ = p.leash.WriteString("\n") // else the guard kills it
	}
	p.leash.Close()
	ended := p.cmd.Wait()
	p.out.Close()
	if err != nil {
		t.Errorf("%s did not end: %v", p.name, err)
	}
	if ended != nil && !p.killed {
		t.Errorf("%s: %v", p.name, ended)
	}
	if text := p.words.Bytes(); bytes.Contains(text, []byte("DATA RACE")) || t.Failed() && len(text) > 0 {
		t.Errorf("%s wrote:\n%s", p.name, text)
	}
}

// place returns a new directory with a short name, as sockets need it, that
// servers of another user may look into.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley-crash-") //nolint:usetesting // the name of t.TempDir is too long
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	return dir
}

// logBuffer keeps what a process writes, up to a bound.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

const maxLog = 64 << 10

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p[:min(len(p), maxLog-len(b.text))]...)
	return len(p), nil
}

func (b *logBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text
}

// pause waits, or until ctx ends, and reports whether it goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func newID(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id
}

// incompressible returns a JSON string of about that many bytes that takes as
// many on a disk.
func incompressible(t *testing.T, n int) []byte {
	t.Helper()
	raw := make([]byte, n*3/4)
	_, err := rand.Read(raw)
	require.NoError(t, err)
	return []byte(`"` + base64.StdEncoding.EncodeToString(raw) + `"`)
}
