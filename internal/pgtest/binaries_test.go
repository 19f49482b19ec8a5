package pgtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// programs creates empty programs in dir and returns it.
func programs(t *testing.T, dir string, names ...string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for _, name := range names {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o755))
	}
	dir, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	return dir
}

func TestFinderFollowsALinkToTheSiblings(t *testing.T) {
	t.Parallel()
	home := programs(t, filepath.Join(t.TempDir(), "real"), "postgres", "initdb")
	links := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(home, "postgres"), filepath.Join(links, "postgres")))
	f := &finder{path: t.TempDir() + string(filepath.ListSeparator) + links}
	dir, err := f.server(t.Context())
	require.NoError(t, err)
	require.Equal(t, home, dir)
}

func TestFinderTakesTheNewestComplete(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	programs(t, filepath.Join(root, "9.6", "bin"), "postgres", "initdb")
	programs(t, filepath.Join(root, "15", "bin"), "postgres", "initdb")
	programs(t, filepath.Join(root, "16", "bin"), "initdb") // a client package only
	f := &finder{globs: []string{filepath.Join(root, "*", "bin")}}
	dir, err := f.server(t.Context())
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "15", "bin"), dir)
}

func TestFinderInstallsAsRootOnly(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "15", "bin")
	f := &finder{globs: []string{home}, install: func(_ context.Context, name string) error {
		require.Equal(t, "postgresql", name)
		programs(t, home, "postgres", "initdb")
		return nil
	}}
	_, err := f.server(t.Context())
	require.ErrorIs(t, err, errNoServer)
	f.root = true
	dir, err := f.server(t.Context())
	require.NoError(t, err)
	require.Equal(t, home, dir)
}

func TestFinderSaysWhatToDo(t *testing.T) {
	t.Parallel()
	offline := errors.New("no network")
	f := &finder{root: true, install: func(context.Context, string) error { return offline }}
	_, err := f.server(t.Context())
	require.ErrorIs(t, err, errNoServer)
	require.ErrorIs(t, err, offline)
	require.ErrorContains(t, err, "PARLEY_TEST_POSTGRES")
	_, err = f.bouncer(t.Context())
	require.ErrorIs(t, err, errNoBouncer)
}
