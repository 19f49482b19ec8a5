//go:build !unix

package pgtest

import (
	"context"
	"errors"
)

// errForeign says what to do where no server can be guarded.
var errForeign = errors.New("on this system no PostgreSQL server can be started for a test: set " + urlVariable +
	" to the URL of a server that tests may fill")

type guard struct{}

func guarded(string, string, string, ...string) (*guard, error) { return nil, errForeign }

func (g *guard) stop() error           { return errForeign }
func (g *guard) ended() (string, bool) { return errForeign.Error(), true }

func keep(string) error  { return errForeign }
func letGo(string) error { return errForeign }

func directory() (string, error) { return "", errForeign }

func run(context.Context, string, string, ...string) error { return errForeign }

func lastLine(out []byte) string { return string(out) }
