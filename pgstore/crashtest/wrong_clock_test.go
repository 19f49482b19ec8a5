//go:build unix

package crashtest_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// skewVariable says by how much the clock of a program built by wrongClock is wrong.
const skewVariable = "PARLEY_CRASHTEST_SKEW"

// timed are the packages that get the wrong clock: the engine and the store.
// (What makes the ids gets it from wrongID.)
var timed = []string{"github.com/parley-go/parley/conversation", "github.com/parley-go/parley/pgstore"}

// asksTime finds where a package asks for the time.
var asksTime = regexp.MustCompile(`\btime\.(Now|Since|Until)\b`)

// clockSource is a file for each of them. Durations come out right, as they do
// from a clock that is wrong by the same all the time.
const clockSource = `package NAME

import (
	"os"
	"time"
)

var wrongBy, _ = time.ParseDuration(os.Getenv("` + skewVariable + `"))

func wrongNow() time.Time                     { return time.Now().Add(wrongBy) }
func wrongSince(t time.Time) time.Duration    { return wrongNow().Sub(t) }
func wrongUntil(t time.Time) time.Duration    { return t.Sub(wrongNow()) }
var _, _, _ = wrongNow, wrongSince, wrongUntil
`

// wrongID makes ids with a time that is wrong like the clock.
func wrongID() uuid.UUID {
	id := uuid.Must(uuid.NewV7())
	wrong, err := time.ParseDuration(os.Getenv(skewVariable))
	if err == nil {
		ms := uint64(time.Now().Add(wrong).UnixMilli())
		id[0], id[1] = byte(ms>>40), byte(ms>>32)
		binary.BigEndian.PutUint32(id[2:], uint32(ms))
	}
	return id
}

// wrongClock builds this test binary with a clock that is wrong by what
// skewVariable says. Go asks the kernel for the time and not the C library, so
// nothing can give a program another time from outside. The build lays other
// files over those that ask for it.
func wrongClock(t *testing.T) string {
	t.Helper()
	dir := place(t)
	over := map[string]string{}
	lay := func(path, text string) {
		file := filepath.Join(dir, strings.ReplaceAll(path, string(filepath.Separator), "-"))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		over[path] = file
	}
	for _, name := range timed {
		where, err := exec.CommandContext(t.Context(), "go", "list", "-buildvcs=false", "-f", "{{.Dir}}", name).Output()
		require.NoError(t, err)
		files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(where)), "*.go"))
		require.NoError(t, err)
		asked := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if strings.HasSuffix(file, "_test.go") || !asksTime.Match(text) {
				continue
			}
			asked++
			lay(file, asksTime.ReplaceAllString(string(text), "wrong$1")+"\nvar _ time.Duration\n")
		}
		if asked == 0 {
			require.NotEqual(t, timed[0], name, "the engine has a clock of another kind")
			continue
		}
		lay(filepath.Join(strings.TrimSpace(string(where)), "wrong_clock.go"), strings.Replace(clockSource, "NAME", filepath.Base(name), 1))
	}
	list, err := json.Marshal(map[string]any{"Replace": over})
	require.NoError(t, err)
	overlay, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "worker")
	require.NoError(t, os.WriteFile(overlay, list, 0o600))
	args := []string{"test", "-c", "-vet=off", "-buildvcs=false", "-overlay=" + overlay, "-o", program}
	if raceDetector {
		args = append(args, "-race") // what is compiled already can be used
	}
	said, err := exec.CommandContext(t.Context(), "go", append(args, ".")...).CombinedOutput()
	require.NoError(t, err, string(said))
	return program
}
