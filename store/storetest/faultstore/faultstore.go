// Package faultstore wraps a store and makes its calls fail, the way a database
// behind a network does: not reached, answered too late, or done while the
// answer is lost. It is for tests of what sits on a store.
//
//	s := faultstore.New(memstore.New(nil))
//	s.Next("FinishRun", faultstore.UnknownAfter)
//
// With no fault ordered it passes every call on and changes nothing.
package faultstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/parley-go/parley/store"
)

// Fault is what happens to one call.
type Fault int

// The faults.
const (
	// None lets the call through.
	None Fault = iota
	// Unavailable answers store.ErrUnavailable and applies nothing.
	Unavailable
	// UnknownBefore answers store.ErrOutcomeUnknown and applies nothing. Writes only.
	UnknownBefore
	// UnknownAfter answers store.ErrOutcomeUnknown though the call was applied.
	// Writes only.
	UnknownAfter
)

// Rates are chances, from 0 to 1, of each fault at every call.
type Rates struct {
	Unavailable   float64
	UnknownBefore float64 // writes only
	UnknownAfter  float64 // writes only

	// Delay is the longest time that a call takes longer, drawn anew for each.
	Delay time.Duration
}

// Store is a store.Store with faults. It is safe for concurrent use, also while
// faults are ordered.
type Store struct {
	inner store.Store

	mu       sync.Mutex
	calls    map[string]int
	scripted map[string][]Fault
	held     map[string]chan struct{}
	rates    Rates
	draw     *rand.Rand
}

var _ store.Store = (*Store)(nil)

// New wraps the store; no fault is ordered yet.
func New(inner store.Store) *Store {
	return &Store{
		inner:    inner,
		calls:    map[string]int{},
		scripted: map[string][]Fault{},
		held:     map[string]chan struct{}{},
		draw:     rand.New(rand.NewPCG(0, 0)),
	}
}

// Next orders what happens to the coming calls of the method, one fault each,
// behind those ordered before. It panics if there is no such method, or if a
// read is to have an unknown outcome.
func (s *Store) Next(method string, faults ...Fault) {
	must(method)
	for _, f := range faults {
		if isRead(method) && f > Unavailable {
			panic("faultstore: " + method + " is a read, it has no outcome to lose")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripted[method] = append(s.scripted[method], faults...)
}

// Random orders faults by chance, from now on and for all methods, wherever
// Next orders nothing. The seed makes their sequence the same again, as far as
// the sequence of calls is.
func (s *Store) Random(seed uint64, rates Rates) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rates, s.draw = rates, rand.New(rand.NewPCG(seed, seed))
}

// Heal takes back all orders. Calls that are held go on.
func (s *Store) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripted, s.rates = map[string][]Fault{}, Rates{}
	for method, gate := range s.held {
		close(gate)
		delete(s.held, method)
	}
}

// Hold makes calls of the method wait, before anything is applied, until
// release is called or their context ends. Release may be called again.
func (s *Store) Hold(method string) (release func()) {
	must(method)
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := s.held[method]
	if gate == nil {
		gate = make(chan struct{})
		s.held[method] = gate
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[method] == gate {
			close(gate)
			delete(s.held, method)
		}
	}
}

// Calls counts the calls of the method so far, those that failed too. A call
// that is held is counted.
func (s *Store) Calls(method string) int {
	must(method)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// plan counts the call and says what happens to it.
func (s *Store) plan(method string) (f Fault, before, after time.Duration, gate <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	gate = s.held[method]
	if d := s.rates.Delay; d > 0 {
		before, after = time.Duration(s.draw.Int64N(int64(d)))/2, time.Duration(s.draw.Int64N(int64(d)))/2
	}
	if script := s.scripted[method]; len(script) > 0 {
		s.scripted[method] = script[1:]
		return script[0], before, after, gate
	}
	chance := s.draw.Float64()
	if chance -= s.rates.Unavailable; chance < 0 {
		return Unavailable, before, after, gate
	}
	if isRead(method) {
		return None, before, after, gate
	}
	if chance -= s.rates.UnknownBefore; chance < 0 {
		return UnknownBefore, before, after, gate
	}
	if chance -= s.rates.UnknownAfter; chance < 0 {
		return UnknownAfter, before, after, gate
	}
	return None, before, after, gate
}

// call makes one call as it is planned.
func call[T any](ctx context.Context, s *Store, method string, do func() (T, error)) (T, error) {
	var none T
	fault, before, after, gate := s.plan(method)
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return none, ctx.Err()
		}
	}
	if err := wait(ctx, before); err != nil {
		return none, err
	}
	switch fault {
	case Unavailable:
		return none, fmt.Errorf("faultstore: %s: %w", method, store.ErrUnavailable)
	case UnknownBefore:
		return none, fmt.Errorf("faultstore: %s: %w", method, store.ErrOutcomeUnknown)
	default:
	}
	result, err := do()
	// The answer is on its way: the end of the context does not change it.
	_ = wait(context.WithoutCancel(ctx), after)
	if fault == UnknownAfter && err == nil {
		return none, fmt.Errorf("faultstore: %s: %w", method, store.ErrOutcomeUnknown)
	}
	return result, err
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reads are the methods that apply nothing. Hints carry no truth, so a lost one
// has no outcome either.
var reads = []string{
	"GetConversation", "ListConversations", "Messages", "GetRun", "ListRuns",
	"Nudges", "ReadEvents", "Marks", "Notify", "Check",
}

func isRead(method string) bool { return slices.Contains(reads, method) }

func must(method string) {
	if _, ok := reflect.TypeFor[store.Store]().MethodByName(method); !ok {
		panic("faultstore: a store has no method " + method)
	}
}
