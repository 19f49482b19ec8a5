package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/parley-go/parley/store"
)

// patience bounds one check. It is far beyond what any of them needs, so that a
// store that hangs fails instead.
const patience = 2 * time.Minute

// soon bounds every wait for something that a store does by itself.
const soon = 20 * time.Second

// topic is a part of the contract.
type topic struct {
	name  string
	rules []rule
}

// rule is one check. Its name begins with the number of the design's rule
// where there is one.
type rule struct {
	name  string
	check func(e *env)
}

// topics is the whole suite.
func topics() []topic {
	return []topic{
		creating, forking, looking, updating, deleting, purging,
		listing, searching, reading,
		appending, replaying,
		starting, idempotency, queueing, promotion,
		finishing, stopping, runListing, claiming, leases,
		nudging, eventing, marking, sweeping, hinting,
		scoping, contexts, racing, checking,
	}
}

// Run holds a store to the contract. open gives a fresh and empty store; it is
// called once for each check, from parallel tests, and may use t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, topics(), func(t *testing.T) (store.Store, store.Store) {
		s := open(t)
		return s, s
	})
}

// RunPair runs the checks that concern several engines on one storage. open
// gives two handles onto one fresh and empty storage.
func RunPair(t *testing.T, open func(t *testing.T) (a, b store.Store)) {
	run(t, pairTopics(), open)
}

// pairTopics are those whose checks use both handles.
func pairTopics() []topic {
	return []topic{appending, replaying, idempotency, promotion, finishing, stopping, claiming, leases, nudging, eventing, marking, sweeping, hinting, racing}
}

func run(t *testing.T, topics []topic, open func(t *testing.T) (a, b store.Store)) {
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for _, rule := range topic.rules {
				t.Run(rule.name, func(t *testing.T) {
					t.Parallel()
					a, b := open(t)
					perform(t, rule, a, b, soon)
				})
			}
		})
	}
}

// perform runs one check against a storage and its two handles.
func perform(t testT, rule rule, a, b store.Store, soon time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rule.check(&env{
		testT: t,
		ctx:   ctx,
		store: a,
		other: b,
		scope: store.Scope{Tenant: "acme", User: "ann"},
		soon:  soon,
	})
}

// testT is what a check needs of a *testing.T. A test of the suite itself gives
// its own, to see that a wrong store fails.
type testT interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	FailNow()
	Failed() bool
	Cleanup(func())
}

// env is what a check works with: a storage, and ann of the tenant acme.
type env struct {
	testT
	ctx   context.Context
	store store.Store
	other store.Store // another handle onto the same storage, or the same one
	scope store.Scope
	soon  time.Duration // bounds a wait for what a store does by itself
}

// handle spreads concurrent work over the handles.
func (e *env) handle(i int) store.Store {
	if i%2 == 0 {
		return e.store
	}
	return e.other
}
