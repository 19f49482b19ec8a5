package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/examples/internal/agent"
)

func Example() {
	err := withEngine(context.Background(), agent.New(&agent.Options{Seed: 1966}), story)
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1. A conversation has defaults: a prompt, settings and tools, fixed for its life.
	//    "Trip to Rome" begins at version 0.
	// 2. A turn is a run. Its events are read while it goes on, here and in any other process.
	//    ada:   I want to go to Rome.
	//    eliza: What has kept you from it so far?
	//    The run is completed: question and answer are messages 1 and 2.
	// 3. Two tabs have both read version 2. The one that is late is told so, and nothing is written.
	//    ada:   Because I need a holiday.
	//    eliza: How did you manage without a holiday until now?
	//    VersionConflictError: expected 2, current 4.
	// 4. One run may have other settings. The conversation keeps its own.
	//    ada:   It is cold where I live.
	//    eliza: How do you feel when you say that?
	//    The run used model large, temperature 0.1, tool weather.
	//    model       is from the override
	//    temperature is from the override
	//    tools       is from the default
	// 5. A call of one of our tools pauses the run: the answer is ours to give.
	//    ada:   /tool weather {"city": "Rome"}
	//    The run is requires_action: weather({"city":"Rome"}) waits for its output.
	// 6. A turn that brings the output goes on from there.
	//    eliza: weather answered: 21 degrees and sunny
	//    The run is completed at version 10, and used 17 tokens.
	// 7. A fork begins with the log up to a version. Its parent stays as it is.
	//    ada:   Or to Oslo?
	//    eliza: Why does that question come up just now?
	// 8. Lists are searched by title, agent and latest message. Others see nothing of it.
	//    trip: Trip to Oslo, version 6
	//    trip: Trip to Rome, version 10
	//    oslo: Trip to Oslo, version 6
}

// program is the built quickstart.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "quickstart")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		program = filepath.Join(dir, "quickstart")
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// quickstart runs the program on some input, to its end.
func quickstart(t *testing.T, input string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func TestStory_IsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	first, _, err := quickstart(t, "")
	require.NoError(t, err)
	second, _, err := quickstart(t, "")
	require.NoError(t, err)

	require.Equal(t, first, second)
	require.Contains(t, first, "expected 2, current 4")
}

func TestChat_AnswersEachLine(t *testing.T) {
	t.Parallel()
	out, errs, err := quickstart(t, "hello\nI feel stuck\n", "-chat")

	require.NoError(t, err)
	require.Empty(t, errs)
	require.Equal(t, 2, strings.Count(out, "eliza: "), out)
	require.Contains(t, out, "stuck")
	require.True(t, strings.HasSuffix(out, "\n"), out)
}

func TestChat_ABadLineEndsNothing(t *testing.T) {
	t.Parallel()
	out, errs, err := quickstart(t, "\n   \n\xff\xfe\n/tool weather {}\nI feel \xe2\x98\xbc stuck", "-chat")

	require.NoError(t, err)
	require.Empty(t, errs)
	require.Contains(t, out, "error: content: must be valid UTF-8\n")
	require.Contains(t, out, "error: undeclared_tool: tool weather is not declared\n")
	require.Equal(t, 1, strings.Count(out, "eliza: "), "the last line needs no line feed, and blank ones are passed over: %s", out)
}

func TestChat_TheInputIsBounded(t *testing.T) {
	t.Parallel()
	_, errs, err := quickstart(t, strings.Repeat("a", 3<<20), "-chat")

	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Contains(t, errs, "too long")
}

func TestChat_Interrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-chat")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.WriteString(in, "hello\n")
	require.NoError(t, err)
	answer := make([]byte, 10) // it is answering, or waits for a line
	_, err = io.ReadFull(out, answer)
	require.NoError(t, err)

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "%s%s", answer, rest)
}
