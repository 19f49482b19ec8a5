//go:build unix

package crashtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/rpc"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// workerVariable makes the test binary a worker: a process with an engine that
// does what the test tells it over its standard input and output.
const workerVariable = "PARLEY_CRASHTEST_WORKER"

// work is the main function of a worker. It returns the exit code.
func work() int {
	server := rpc.NewServer()
	w := &Worker{readers: map[int]*reader{}}
	if err := server.RegisterName("Worker", w); err != nil {
		return complain(err)
	}
	server.ServeConn(stdio{}) // until the test closes it
	if err := w.close(); err != nil {
		return complain(err)
	}
	if err := goleak.Find(); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// stdio is the worker's side of the connection.
type stdio struct{}

func (stdio) Read(b []byte) (int, error)  { return os.Stdin.Read(b) }
func (stdio) Write(b []byte) (int, error) { return os.Stdout.Write(b) }
func (stdio) Close() error                { return errors.Join(os.Stdin.Close(), os.Stdout.Close()) }

// Worker is what a worker process does. Its exported methods are called by the
// test, each in a goroutine of its own.
type Worker struct {
	setup  Setup
	pool   *pgxpool.Pool
	proof  *pgxpool.Pool
	store  *pgstore.Store
	engine *conversation.Engine

	mu      sync.Mutex
	readers map[int]*reader
	reading sync.WaitGroup
}

// Setup says what a worker works on, and how.
type Setup struct {
	Name     string
	URL      string // of the database as the engine sees it
	Direct   string // of the database past everything in between, for records of the test
	Schema   string
	Quiet    bool // no notifications
	Conns    int32
	NoEngine bool // the store only

	Lease       time.Duration
	Claim       time.Duration // how often it looks for runs
	MaxAttempts int
}

// Hello is what a worker says of itself.
type Hello struct {
	PID int
}

// ask is the context of one call of the test.
func ask() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// Hello tells the process id.
func (w *Worker) Hello(_ struct{}, h *Hello) error {
	*h = Hello{PID: os.Getpid()}
	return nil
}

// Migrate brings the schema to the newest version.
func (w *Worker) Migrate(s Setup, r *Reply) error {
	ctx, cancel := ask()
	defer cancel()
	config, err := pgxpool.ParseConfig(s.URL)
	if err != nil {
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	opts := &pgstore.Options{Schema: s.Schema}
	if err := pgstore.Migrate(ctx, pool, opts); err != nil {
		r.Failure = classify(err)
		return nil
	}
	opened, err := pgstore.New(pool, opts)
	if err != nil {
		return err
	}
	r.Failure = classify(opened.Check(ctx))
	return nil
}

// Begin opens the store and starts the engine.
func (w *Worker) Begin(s Setup, _ *struct{}) error {
	ctx, cancel := ask()
	defer cancel()
	w.setup = s
	var err error
	if w.pool, err = open(ctx, s.URL, s.Conns); err != nil {
		return err
	}
	if w.proof, err = open(ctx, s.Direct, 4); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.store, err = pgstore.New(w.pool, &pgstore.Options{Schema: s.Schema, NoNotify: s.Quiet, Logger: log})
	if err != nil || s.NoEngine {
		return err
	}
	w.engine, err = conversation.New(w.store, conversation.ResponderFunc(w.respond), &conversation.Config{
		Logger: log, Lease: s.Lease, ClaimInterval: s.Claim, MaxAttempts: s.MaxAttempts, MaxQueued: 1000, NewID: wrongID,
	})
	if err != nil {
		return err
	}
	return w.engine.Start(ctx)
}

func open(ctx context.Context, url string, conns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = conns
	config.ConnConfig.ConnectTimeout = 2 * time.Second
	return pgxpool.NewWithConfig(ctx, config)
}

// close ends the engine as a host does, and everything else.
func (w *Worker) close() error {
	var err error
	if w.engine != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what still runs is handed over at once
		err = w.engine.Shutdown(ctx)
	}
	w.reading.Wait()
	for _, pool := range []*pgxpool.Pool{w.pool, w.proof} {
		if pool != nil {
			pool.Close()
		}
	}
	return err
}

// Turn is a turn that the test asks for.
type Turn struct {
	Conversation uuid.UUID
	Script       Script
	Key          string
	Busy         conversation.BusyPolicy
	Expected     *int64
}

// Reply is what became of a call: a failure, or a run.
type Reply struct {
	Failure  Failure
	Run      uuid.UUID
	Status   conversation.RunStatus
	Code     string // of the run's error
	Version  int64
	Attempt  int
	Text     string // of a run that completed
	Replayed bool
}

func (r *Reply) fill(run *conversation.Run, err error) {
	if err != nil {
		r.Failure = classify(err)
		return
	}
	r.Run, r.Status, r.Version, r.Attempt, r.Replayed = run.ID, run.Status, run.Version, run.Attempt, run.Replayed
	if run.Error != nil {
		r.Code = run.Error.Code
	}
	if run.FinalText != nil {
		r.Text = *run.FinalText
	}
}

// Create makes a conversation with this id.
func (w *Worker) Create(id uuid.UUID, r *Reply) error {
	ctx, cancel := ask()
	defer cancel()
	_, err := w.engine.Create(ctx, alice, conversation.CreateParams{ID: id})
	r.Failure = classify(err)
	return nil
}

// Start starts a turn.
func (w *Worker) Start(t Turn, r *Reply) error {
	ctx, cancel := ask()
	defer cancel()
	r.fill(w.engine.StartRun(ctx, alice, t.Conversation, conversation.TurnRequest{
		Text: t.Script.text(), Key: t.Key, OnBusy: t.Busy, ExpectedVersion: t.Expected,
	}))
	return nil
}

// Wait waits for the end of a run.
func (w *Worker) Wait(run uuid.UUID, r *Reply) error {
	ctx, cancel := ask()
	defer cancel()
	r.fill(w.engine.Wait(ctx, alice, run))
	return nil
}

// Stop stops a run.
func (w *Worker) Stop(run uuid.UUID, r *Reply) error {
	ctx, cancel := ask()
	defer cancel()
	stopped, err := w.engine.StopRun(ctx, alice, run)
	if err != nil {
		r.Failure = classify(err)
		return nil
	}
	r.fill(stopped.Run, nil)
	return nil
}

// Nudge hands a text to a run.
func (w *Worker) Nudge(run uuid.UUID, r *Reply) error {
	ctx, cancel := ask()
	defer cancel()
	_, err := w.engine.NudgeRun(ctx, alice, run, "hurry")
	r.Failure = classify(err)
	return nil
}

// Failure is an error on its way to the test: the sentinel that it is, or its
// text. The zero value is none.
type Failure struct {
	Sentinel string
	Text     string
}

func (f Failure) none() bool { return f == Failure{} }

// is reports whether the failure is one of the sentinels.
func (f Failure) is(sentinels ...error) bool {
	for _, s := range sentinels {
		if f.Sentinel == s.Error() {
			return true
		}
	}
	return false
}

// repeatable reports whether the call may be repeated blindly.
func (f Failure) repeatable() bool { return f.is(store.ErrOutcomeUnknown, store.ErrUnavailable) }

// typed are the errors that a caller can act on.
var typed = []error{
	store.ErrOutcomeUnknown, store.ErrUnavailable, // the first, because it may wrap the second
	store.ErrNotFound, store.ErrExists, store.ErrVersionConflict, store.ErrRunActive, store.ErrIdempotencyMismatch,
	store.ErrDeleted, store.ErrToolOutputsPending, store.ErrFenced, conversation.ErrOverloaded, conversation.ErrNotRunning,
	context.DeadlineExceeded, io.EOF,
}

func classify(err error) Failure {
	if err == nil {
		return Failure{}
	}
	for _, s := range typed {
		if errors.Is(err, s) {
			return Failure{Sentinel: s.Error(), Text: err.Error()}
		}
	}
	return Failure{Text: err.Error()}
}
