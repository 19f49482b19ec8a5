// Command testreport reads `go test -json` from its standard input and prints
// the report of package testreport. It exits with 1 unless tests ran and all of
// them passed, none skipped.
package main

import (
	"fmt"
	"os"

	"github.com/parley-go/parley/internal/testreport"
)

func main() {
	tally, err := testreport.Write(os.Stdout, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if !tally.OK() {
		os.Exit(1)
	}
}
