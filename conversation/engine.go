package conversation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Responder is the host's side of a conversation: the seam to the model.
type Responder interface {
	// Respond produces the assistant's side of one turn. It is called at most
	// once per attempt, and returns when there is nothing more to say: nil ends
	// the run completed, or requires_action when calls of client tools are open;
	// an error fails it. ctx ends on stop, deadline, lost lease or shutdown, and
	// context.Cause says which. Calls run concurrently.
	Respond(ctx context.Context, turn *Turn) error
}

// ResponderFunc makes a Responder of a function.
type ResponderFunc func(ctx context.Context, turn *Turn) error

// Respond calls f.
func (f ResponderFunc) Respond(ctx context.Context, turn *Turn) error { return f(ctx, turn) }

// Engine runs conversations over a store. Make one with New, start it with
// Start, and end it with Shutdown. All methods are safe for concurrent use.
// Any number of engines may share a store, in any number of processes.
type Engine struct {
	store     store.Store
	responder Responder
	cfg       Config
	log       *slog.Logger
	owner     string // names this engine in leases
	hub       *hub
	fixed     fixedCache

	begun atomic.Bool // the loops run, or have run

	mu       sync.Mutex
	state    engineState
	attempts map[uuid.UUID]*attempt // runs that this engine holds
	inFlight int                    // slots taken: attempts, Responders that outlived theirs, and claiming
	claiming int                    // slots held for what a claim may bring; they refuse no start
	titling  int                    // Titlers at work
	idle     chan struct{}          // closed when nothing is left to wait for; nil while nobody waits
	handing  bool                   // runs are being handed over: no attempt may begin

	background context.Context // ends the loops
	cancel     context.CancelFunc
	errands    context.Context // ends what is not waited for once runs are handed over: claims, Titlers
	endErrands context.CancelFunc
	loops      sync.WaitGroup // background loops
	work       sync.WaitGroup // attempts, responders, titlers

	wakeClaim chan struct{}
	wakeFlush chan struct{}
	wakeWatch chan struct{}
	hints     hintQueue
}

type engineState uint8

const (
	stateNew engineState = iota
	stateRunning
	stateDraining
	stateClosed
)

// New makes an engine. A nil cfg is the default of every field. Nothing runs
// before Start.
func New(s store.Store, r Responder, cfg *Config) (*Engine, error) {
	if s == nil {
		return nil, errors.New("conversation: a store is needed")
	}
	if r == nil {
		return nil, errors.New("conversation: a responder is needed")
	}
	full := cfg.withDefaults()
	if err := full.validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		store: s, responder: r, cfg: full, log: full.Logger, owner: full.NewID().String(), hub: newHub(),
		attempts:  make(map[uuid.UUID]*attempt),
		wakeClaim: make(chan struct{}, 1), wakeFlush: make(chan struct{}, 1), wakeWatch: make(chan struct{}, 1),
	}
	e.hints.wake = make(chan struct{}, 1)
	e.background, e.cancel = context.WithCancel(context.Background())
	e.errands, e.endErrands = context.WithCancel(e.background)
	return e, nil
}

// Start checks the store and begins to work: to claim runs, renew leases, store
// events and watch for what other engines do. It may be called once.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.store.Check(ctx); err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != stateNew {
		return errors.New("conversation: the engine was started before")
	}
	e.state = stateRunning
	e.begun.Store(true)
	e.loops.Go(func() { e.claimLoop(e.errands) })
	for _, loop := range []func(context.Context){
		e.renewLoop, e.flushLoop, e.watchLoop, e.listenLoop, e.notifyLoop, e.sweepLoop,
	} {
		e.loops.Go(func() { loop(e.background) })
	}
	return nil
}

// Shutdown stops taking work, lets runs finish until ctx ends, then hands the
// rest over to other engines (or fails it where Config.MaxAttempts forbids
// another try), and ends every stream with ErrNotRunning. It returns when no
// goroutine of the engine is left, or an error that says how many Responders and
// Titlers ignored the end of their context and did not return within a second of it.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	switch e.state {
	case stateNew, stateClosed:
		e.state = stateClosed
		e.cancel()
		e.mu.Unlock()
		return nil
	case stateDraining:
		e.mu.Unlock()
		return errors.New("conversation: the engine is shutting down already")
	case stateRunning:
	}
	e.state = stateDraining
	e.mu.Unlock()

	e.awaitIdle(ctx)
	e.handOver()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), hostGrace)
	stuck := e.awaitIdle(grace)
	cancel()

	e.cancel()
	e.loops.Wait()
	e.mu.Lock()
	e.state = stateClosed
	e.mu.Unlock()
	if stuck > 0 {
		return fmt.Errorf("conversation: %d responders or titlers did not return", stuck)
	}
	e.work.Wait()
	return nil
}

// hostGrace is how long the host's code may take to return once its context has
// ended for shutdown.
const hostGrace = time.Second

// awaitIdle waits within ctx until no run is held, no slot is taken and no Titler
// is at work. It returns how many of the host's calls have not returned.
func (e *Engine) awaitIdle(ctx context.Context) (left int) {
	for {
		e.mu.Lock()
		left = e.inFlight + e.titling
		if left == 0 && len(e.attempts) == 0 {
			e.mu.Unlock()
			return 0
		}
		if e.idle == nil {
			e.idle = make(chan struct{})
		}
		idle := e.idle
		e.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return left
		}
	}
}

// noteIdle wakes whoever waits for the engine to be idle. Callers hold mu.
func (e *Engine) noteIdle() {
	if e.idle != nil && e.inFlight+e.titling == 0 && len(e.attempts) == 0 {
		close(e.idle)
		e.idle = nil
	}
}

// handOver gives up every run that is still held.
func (e *Engine) handOver() {
	e.mu.Lock()
	e.handing = true
	e.endErrands()
	held := make([]*attempt, 0, len(e.attempts))
	for _, a := range e.attempts {
		held = append(held, a)
	}
	e.mu.Unlock()
	if len(held) == 0 {
		return
	}
	e.flush(e.background) // what readers have seen, the next engine goes on from
	for _, a := range held {
		a.signal(ErrShutdown)
	}
	for _, a := range held {
		<-a.over
	}
}

// serving reports whether anybody would wake a reader that waits.
func (e *Engine) serving() bool { return e.begun.Load() && e.background.Err() == nil }

// running reports whether work is taken.
func (e *Engine) running() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state == stateRunning
}

// reserve takes a slot for a run, or says why not (rule R10).
func (e *Engine) reserve() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != stateRunning {
		return ErrNotRunning
	}
	if e.inFlight-e.claiming >= e.cfg.MaxRuns {
		return ErrOverloaded
	}
	e.inFlight++
	return nil
}

// reserveClaim takes slots for a claim and returns how many: up to limit, and no
// more than are free.
func (e *Engine) reserveClaim(limit int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != stateRunning {
		return 0
	}
	n := max(min(limit, e.cfg.MaxRuns-e.inFlight), 0)
	e.inFlight += n
	e.claiming += n
	return n
}

// claimed turns the slots of a claim into those of the runs that it brought.
func (e *Engine) claimed(slots, runs int) {
	e.mu.Lock()
	e.claiming -= slots
	e.mu.Unlock()
	e.unreserve(slots - runs)
}

// unreserve gives slots back.
func (e *Engine) unreserve(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inFlight -= n
	e.noteIdle()
}

// Stats is a look at an engine's work.
type Stats struct {
	InFlight int // slots taken, of Config.MaxRuns
	Held     int // runs held; less than InFlight when Responders outlived theirs
}

// Stats returns what the engine is doing now.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{InFlight: e.inFlight - e.claiming, Held: len(e.attempts)}
}

// Check reports whether the engine takes work and its store can be used.
func (e *Engine) Check(ctx context.Context) error {
	if !e.running() {
		return ErrNotRunning
	}
	return e.store.Check(ctx)
}

// poke wakes a loop without waiting for it.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
