package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func Example() {
	main()
	// Output: You said: Hello
}

// The README shows this program, and not one that compiled once.
func TestReadmeShowsThisProgram(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("main.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, body, found := strings.Cut(string(program), "package main\n")
	require.True(t, found)
	require.Contains(t, string(readme), "```go\npackage main\n"+body+"```\n")
}
