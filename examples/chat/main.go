// Command chat is a server to try everything with: the HTTP routes over an
// engine, whose agent is Eliza. It needs no model, no key and no database.
//
//	go run ./examples/chat
//	go run ./examples/chat -addr 127.0.0.1:9000 -store postgres://localhost/parley
//
// Who asks is told by development tokens, which anybody can write:
//
//	Authorization: Bearer dev.<tenant>.<user>[.admin][.readonly]
//
// So it listens on loopback addresses only, unless it is told otherwise. Several
// servers may share a database: what one does not finish, another does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/parley-go/parley/conversation"
)

// options are the flags.
type options struct {
	addr       string
	store      string
	lease      time.Duration
	runTimeout time.Duration
	maxRuns    int
	expose     bool
}

// memory is the store that needs nothing and forgets at the end.
const memory = "memory"

func parse(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	flags.StringVar(&o.store, "store", memory, "where conversations are kept: memory, or the `URL` of a PostgreSQL database, which is migrated")
	flags.DurationVar(&o.lease, "lease", conversation.DefaultLease, "how long a run stays with a process that is not heard of")
	flags.DurationVar(&o.runTimeout, "run-timeout", conversation.DefaultRunTimeout, "how long a run may take")
	flags.IntVar(&o.maxRuns, "max-runs", conversation.DefaultMaxRuns, "runs in flight; beyond them the answer is 429")
	flags.BoolVar(&o.expose, "expose", false, "listen on an address that others can reach, though anybody can write a token")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintln(stderr, err)
		flags.Usage()
		return nil, err
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2)
	}
	if err := untilSignal(o); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// untilSignal serves until it is interrupted or terminated. A second signal ends
// the process at once.
func untilSignal(o *options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return serve(ctx, o, os.Stdout, slog.New(slog.NewTextHandler(os.Stderr, nil)))
}
