package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// finder looks for programs; tests give it another machine to look at.
type finder struct {
	path  string   // list of directories, as in PATH
	globs []string // directories besides, as patterns; of several matches the newest version is taken
	root  bool     // whether packages may be installed

	// install installs a Debian package.
	install func(ctx context.Context, name string) error
}

// machine is the finder for this machine.
func machine() *finder {
	return &finder{
		path: os.Getenv("PATH"),
		globs: []string{
			"/usr/lib/postgresql/*/bin",
			"/usr/pgsql-*/bin",
			"/opt/homebrew/opt/postgresql@*/bin",
			"/usr/local/opt/postgresql@*/bin",
			"/usr/sbin",
		},
		root:    os.Geteuid() == 0,
		install: aptInstall,
	}
}

// errNoServer says what to do when there is no server and no way to one.
var errNoServer = errors.New("no PostgreSQL server found: install PostgreSQL 13 or later, or set " + urlVariable +
	" to the URL of a server that tests may fill")

// errNoBouncer does it for PgBouncer.
var errNoBouncer = errors.New("no PgBouncer found: install pgbouncer so that its program is on the PATH")

// server returns the directory of PostgreSQL's programs.
func (f *finder) server(ctx context.Context) (string, error) {
	return f.directory(ctx, "postgresql", errNoServer, "postgres", "initdb")
}

// bouncer returns the path of PgBouncer.
func (f *finder) bouncer(ctx context.Context) (string, error) {
	dir, err := f.directory(ctx, "pgbouncer", errNoBouncer, "pgbouncer")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "pgbouncer"), nil
}

// directory returns one that has all the programs, after an installation of
// the package if there was none. missing is the answer when that is impossible.
func (f *finder) directory(ctx context.Context, debian string, missing error, programs ...string) (string, error) {
	if dir := f.look(programs); dir != "" {
		return dir, nil
	}
	if !f.root {
		return "", missing
	}
	if err := f.install(ctx, debian); err != nil {
		return "", fmt.Errorf("%w (installing Debian's package failed: %w)", missing, err)
	}
	if dir := f.look(programs); dir != "" {
		return dir, nil
	}
	return "", missing
}

// look searches the PATH, then the other places.
func (f *finder) look(programs []string) string {
	for _, dir := range filepath.SplitList(f.path) {
		// A link may stand alone in a directory of links: its target has the siblings.
		target, err := filepath.EvalSymlinks(filepath.Join(dir, programs[0]))
		if err != nil {
			continue
		}
		if dir := filepath.Dir(target); complete(dir, programs) {
			return dir
		}
	}
	for _, glob := range f.globs {
		dirs, err := filepath.Glob(glob)
		if err != nil {
			continue
		}
		slices.SortFunc(dirs, func(a, b string) int { return int(1000 * (version(b) - version(a))) })
		for _, dir := range dirs {
			if complete(dir, programs) {
				return dir
			}
		}
	}
	return ""
}

// version returns the first number in a path such as /usr/lib/postgresql/9.6/bin, 0 without one.
func version(dir string) float64 {
	for i := 0; i < len(dir); i++ {
		if dir[i] < '0' || dir[i] > '9' {
			continue
		}
		end := i
		for end < len(dir) && (dir[end] >= '0' && dir[end] <= '9' || dir[end] == '.') {
			end++
		}
		if v, err := strconv.ParseFloat(dir[i:end], 64); err == nil {
			return v
		}
		i = end
	}
	return 0
}

func complete(dir string, programs []string) bool {
	for _, p := range programs {
		if info, err := os.Stat(filepath.Join(dir, p)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

// installing keeps two tests of one binary from installing at once.
var installing sync.Mutex

// aptInstall installs a package with apt-get, waiting for other users of it.
func aptInstall(ctx context.Context, name string) error {
	installing.Lock()
	defer installing.Unlock()
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for _, args := range [][]string{
		{"-qq", "update"},
		{"-qq", "-o", "DPkg::Lock::Timeout=240", "install", "-y", "--no-install-recommends", name},
	} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %v: %w: %s", args, err, lastLine(out))
		}
	}
	return nil
}
