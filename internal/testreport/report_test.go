package testreport_test

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/testreport"
)

// events runs the packages of testdata/sample and returns go test's own words.
func events(t *testing.T, packages ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-json", "-count=1"}, packages...)...)
	cmd.Dir = "testdata/sample"
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	require.NotEmpty(t, out)
	return out
}

func report(t *testing.T, in []byte) (string, testreport.Tally) {
	t.Helper()
	var out strings.Builder
	tally, err := testreport.Write(&out, bytes.NewReader(in))
	require.NoError(t, err)
	return out.String(), tally
}

func TestWrite_AllPassed(t *testing.T) {
	t.Parallel()
	out, tally := report(t, events(t, "./fine", "./empty"))

	require.Equal(t, testreport.Tally{Passed: 1}, tally)
	require.True(t, tally.OK())
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 3, out)
	require.Regexp(t, `^\?\s+sample/empty\s+\[no test files\]$`, lines[0])
	require.Regexp(t, `^ok\s+sample/fine\s+[0-9.]+s$`, lines[1])
	require.Equal(t, "1 passed, 0 failed, 0 skipped", lines[2])
}

func TestWrite_FailuresAndSkipsShowTheirOutput(t *testing.T) {
	t.Parallel()
	out, tally := report(t, events(t, "./mixed"))

	// Subtests count, and a test whose subtest failed has failed too.
	require.Equal(t, testreport.Tally{Passed: 2, Failed: 2, Skipped: 1}, tally)
	require.False(t, tally.OK())
	require.Contains(t, out, "one is not two")
	require.Contains(t, out, "no database here")
	require.NotContains(t, out, "passing output")
	require.NotContains(t, out, "good output")
	require.NotContains(t, out, "=== RUN")
	require.True(t, strings.HasPrefix(out, "# sample/mixed\n"), out)
	require.Regexp(t, `(?m)^FAIL\s+sample/mixed`, out)
	require.True(t, strings.HasSuffix(out, "\n2 passed, 2 failed, 1 skipped\n"), out)
}

func TestWrite_TestThatEndsTheProcessHasFailed(t *testing.T) {
	t.Parallel()
	out, tally := report(t, events(t, "./dies"))

	require.Equal(t, testreport.Tally{Failed: 1}, tally)
	require.Contains(t, out, "--- UNFINISHED: TestExits")
	require.Regexp(t, `(?m)^FAIL\s+sample/dies`, out)
}

func TestWrite_PackageThatDoesNotBuildHasFailed(t *testing.T) {
	t.Parallel()
	out, tally := report(t, events(t, "./broken", "./fine"))

	require.Equal(t, testreport.Tally{Passed: 1, Failed: 1}, tally)
	require.Contains(t, out, "undefined: undefined")
	require.Contains(t, out, "[build failed]")
}

func TestWrite_OutputCutShortIsAFailure(t *testing.T) {
	t.Parallel()
	all := events(t, "./fine")
	lines := bytes.SplitAfter(bytes.TrimSpace(all), []byte("\n"))
	require.Greater(t, len(lines), 3)
	for n := range lines {
		_, tally := report(t, bytes.Join(lines[:n], nil))
		require.False(t, tally.OK(), "the first %d of %d lines", n, len(lines))
	}
}

func TestWrite_OtherLinesAreCopied(t *testing.T) {
	t.Parallel()
	out, tally := report(t, []byte("go: cannot find main module\n"))

	require.Equal(t, "go: cannot find main module\n0 passed, 0 failed, 0 skipped\n", out)
	require.False(t, tally.OK(), "nothing ran")
}

func TestWrite_ReadError(t *testing.T) {
	t.Parallel()
	broken := errors.New("pipe broke")
	_, err := testreport.Write(&strings.Builder{}, iotest.ErrReader(broken))

	require.ErrorIs(t, err, broken)
}

func FuzzWrite(f *testing.F) {
	f.Add([]byte(`{"Action":"run","Package":"p","Test":"T"}` + "\n" + `{"Action":"pass","Package":"p","Test":"T"}` + "\n" + `{"Action":"pass","Package":"p"}`))
	f.Add([]byte(`{"Action":"fail","Package":"p"}` + "\nok\n{\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, tally := report(t, in)
		require.True(t, strings.HasSuffix(out, tally.String()+"\n"), "%q", out)
	})
}
