package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/parley-go/parley/store"
)

// Failures performs the checks named, or all without a name, each on a storage
// of its own, and gives the names and words of those that fail.
func Failures(open func() (a, b store.Store), names ...string) map[string]string {
	failed := map[string]string{}
	for _, topic := range topics() {
		for _, rule := range topic.rules {
			name := topic.name + "/" + rule.name
			if len(names) > 0 && !slices.Contains(names, name) {
				continue
			}
			if words := fails(name, rule, open); words != "" {
				failed[name] = words
			}
		}
	}
	return failed
}

// RuleNames are the names of all checks.
func RuleNames() []string {
	var names []string
	for _, topic := range topics() {
		for _, rule := range topic.rules {
			names = append(names, topic.name+"/"+rule.name)
		}
	}
	return names
}

// stuck is when a check on a mutant counts as hanging, which is a failure.
const stuck = 20 * time.Second

// fails performs one check and gives what it complained of, "" if it passed.
func fails(name string, rule rule, open func() (a, b store.Store)) string {
	return Complaints(name, func(t *Recorder) {
		a, b := open()
		perform(t, rule, a, b, time.Second)
	})
}

// LinearizableFails gives what RunLinearizable complains of, "" if it passes.
func LinearizableFails(s store.Store, o Options) string {
	return Complaints("linearizable", func(t *Recorder) { linearizable(t, s, o) })
}

// Complaints runs a test and gives what it complained of, "" if it passed.
func Complaints(name string, test func(t *Recorder)) string {
	t := &Recorder{name: name}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.clean()
		defer func() {
			// FailNow ends the goroutine, so there is nothing to recover then.
			if p := recover(); p != nil {
				t.Errorf("panic: %v", p)
			}
		}()
		test(t)
	}()
	timer := time.NewTimer(stuck)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Errorf("hangs")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.words, "\n")
}

// TwinsFail gives what RunTwins complains of, "" if it passes.
func TwinsFail(a, b store.Store) string {
	return Complaints("twins", func(t *Recorder) { twins(t, a, b) })
}

// FrozenFails gives what one check of RunFrozen complains of, "" if it passes.
func FrozenFails(name string, open func() store.Store) string {
	for _, rule := range frozen.rules {
		if rule.name == name {
			return fails(name, rule, func() (a, b store.Store) {
				s := open()
				return s, s
			})
		}
	}
	return "no such check"
}
