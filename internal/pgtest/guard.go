//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// watch runs a program and ends it by its id when standard input ends. That is
// when guard.stop closes the pipe or when the test process is gone, whatever
// took it: the operating system closes the pipe then. The directory $0 goes
// with it unless a file named keep is in it.
//
// It is in a process group of its own, so that a signal to the group of the
// test process does not end it first.
const watch = `
signal=$1; shift
{ "$@" </dev/null >>"$0/log" 2>&1 & echo $! >"$0/pid"; wait $!; echo $? >"$0/exit"; } &
read -r _
[ -e "$0/exit" ] || kill "-$signal" "$(cat "$0/pid")"
wait
[ -e "$0/keep" ] || rm -rf "$0"
`

// guard is a program that ends with the test process.
type guard struct {
	dir  string // belongs to the program's user
	cmd  *exec.Cmd
	pipe *os.File
}

// guarded starts a program. signal is the one that ends it at once.
func guarded(dir, signal, program string, args ...string) (*guard, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	_ = os.Remove(filepath.Join(dir, "exit")) // of the run before, if any
	// No context: what ends it is the pipe.
	cmd := exec.Command("/bin/sh", append([]string{"-c", watch, dir, signal, program}, args...)...) //nolint:noctx // see above
	cmd.Dir = dir
	cmd.Stdin = read
	cmd.SysProcAttr = unprivileged()
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		write.Close()
		return nil, err
	}
	return &guard{dir: dir, cmd: cmd, pipe: write}, nil
}

// stop ends the program and waits for it.
func (g *guard) stop() error {
	if err := g.pipe.Close(); err != nil {
		return err
	}
	return g.cmd.Wait()
}

// ended reports whether the program has ended by itself, and its last words.
func (g *guard) ended() (string, bool) {
	if _, err := os.Stat(filepath.Join(g.dir, "exit")); err != nil {
		return "", false
	}
	log, err := os.ReadFile(filepath.Join(g.dir, "log"))
	if err != nil {
		return err.Error(), true
	}
	return lastLine(log), true
}

// keep leaves the directory in place when the program ends.
func keep(dir string) error {
	return os.WriteFile(filepath.Join(dir, "keep"), nil, 0o600)
}

// letGo takes keep back.
func letGo(dir string) error {
	if err := os.Remove(filepath.Join(dir, "keep")); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// unprivileged says as whom a program is run that refuses root: the user
// postgres if there is one, else nobody; not as root, as whoever runs the test.
func unprivileged() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: servant()}
}

func servant() *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// directory makes one for a guarded program. Its name is short, because the
// path of a socket may have 100 bytes only.
func directory() (string, error) {
	dir, err := os.MkdirTemp("", "parley-pg-")
	if err != nil {
		return "", err
	}
	if os.Geteuid() == 0 {
		c := servant()
		if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// run runs a program to its end as the same user as guarded does.
func run(ctx context.Context, dir, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = unprivileged()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLine(out))
	}
	return nil
}

func lastLine(out []byte) string {
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	return string(lines[len(lines)-1])
}
