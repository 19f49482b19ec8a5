package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/parley-go/parley/store/storetest/internal/reference"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// active says whether the last activity moved between two looks. The queue is
// left out: the contract does not say whether waiting or its end is activity.
func active(before, p picture) string {
	old, row := before.Conversation, p.Conversation
	if old.ID != row.ID || old.Queued != row.Queued {
		return ""
	}
	return fmt.Sprint("active: ", row.ActivityAt.After(old.ActivityAt))
}

// twinBudget bounds the time of RunTwins. What is left of rapid's number of
// checks when it is over is passed by.
const twinBudget = 6 * time.Second

// RunModel makes the same random operations on the store and on a small
// reference that is obviously right, and requires that both answer alike and
// look alike after each.
func RunModel(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	RunTwins(t, open, func(t *testing.T) store.Store { return reference.New("") })
}

// RunTwins does the same with any two stores. Times and fencing numbers are
// compared only as far as the contract fixes them. The flags of rapid
// (-rapid.checks, -rapid.steps, -rapid.seed) say how much is done.
func RunTwins(t *testing.T, openA, openB func(t *testing.T) store.Store) {
	t.Helper()
	twins(t, openA(t), openB(t))
}

func twins(t rapid.TB, a, b store.Store) {
	t.Helper()
	over := time.Now().Add(twinBudget)
	failed := false
	rapid.Check(t, func(t *rapid.T) {
		if !failed && time.Now().After(over) {
			return // but a failure is made again, and smaller, however long that takes
		}
		defer func() { failed = failed || t.Failed() }()
		m := newMachine(t, a, b)
		defer m.erase()
		m.create()
		t.Repeat(m.actions())
		t.Repeat(m.actions())
	})
}

// machine is one sequence of random operations on two stores.
type machine struct {
	*rapid.T
	twin          [2]*env
	conversations []*twinConversation
	runs          []*twinRun
	lapsing       [2]time.Time // when the last short lease given by each store ends
}

// twinConversation is one conversation in both stores.
type twinConversation struct {
	created  *store.NewConversation
	appends  []*store.Append
	nudges   []*store.Nudge
	last     [2]picture // as it was seen last in each store
	touched  bool       // by the present operation
	raced    bool       // BusyRace may have made several runs active
	settling map[string]bool
}

// twinRun is one run in both stores.
type twinRun struct {
	of       *twinConversation
	started  *store.StartRun
	attempts []twinAttempt // those that the store gave into somebody's hands
	finishes []*store.FinishRun
}

// twinAttempt is the same attempt in both stores, under each one's number.
type twinAttempt struct{ keys [2]store.RunKey }

func newMachine(t *rapid.T, a, b store.Store) *machine {
	m := &machine{T: t}
	for i, s := range []store.Store{a, b} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		t.Cleanup(cancel)
		m.twin[i] = &env{testT: t, ctx: ctx, store: s, other: s, scope: store.Scope{Tenant: "acme", User: "ann"}, soon: soon}
	}
	return m
}

// erase leaves the stores empty for the next sequence: claims and sweeps reach
// everything there is.
func (m *machine) erase() {
	for _, e := range m.twin {
		for _, tenant := range []string{"acme", "globex", "clock"} {
			_, err := e.store.Purge(e.ctx, store.PurgeTarget{Tenant: tenant})
			require.NoError(m, err)
		}
	}
}

// both makes a call on both stores and requires like answers. The call gives
// what is to be compared.
func (m *machine) both(what string, call func(i int, e *env) (any, error)) {
	m.Helper()
	var answers [2]string
	for i, e := range m.twin {
		result, err := call(i, e)
		if err != nil {
			answers[i] = describeError(err)
		} else {
			answers[i] = plain(result)
		}
	}
	m.Logf("%s: %s", what, firstLine(answers[0]))
	require.Equal(m, answers[0], answers[1], "%s is answered differently", what)
}

// firstLine cuts a long answer for the log.
func firstLine(s string) string {
	s, _, cut := strings.Cut(s, "\n")
	if cut {
		s += " ..."
	}
	return s
}

// actions are the operations; the last is what holds after each. Rapid prefers
// those that come first by name, so the numbers lead from what makes most
// difference to what ends everything.
func (m *machine) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){}
	for i, a := range []struct {
		name string
		act  func()
	}{
		{"start", m.start}, {"finish", m.finish}, {"claim", m.claim}, {"start", m.start}, {"stop", m.stop}, {"append", m.append},
		{"start", m.start}, {"finish", m.finish}, {"nudge", m.nudge}, {"take nudges", m.take}, {"events", m.events},
		{"release", m.release}, {"finish again", m.refinish}, {"append again", m.reappend}, {"start again", m.restart},
		{"start", m.start}, {"sweep", m.sweep}, {"renew", m.renew}, {"update", m.update}, {"restore", m.restore},
		{"look at runs", m.lookAtRuns}, {"list", m.list}, {"messages", m.messages}, {"finish", m.finish}, {"claim", m.claim},
		{"create", m.create}, {"fork", m.fork}, {"repeat creation", m.recreate}, {"delete", m.remove}, {"purge", m.purge},
	} {
		actions[fmt.Sprintf("%02d %s", i, a.name)] = func(t *rapid.T) {
			m.T = t
			a.act()
		}
	}
	actions[""] = func(t *rapid.T) {
		m.T = t
		m.compare()
	}
	return actions
}

// compare requires that what the operation touched looks alike in both stores,
// and that each obeys what holds at any time.
func (m *machine) compare() {
	m.Helper()
	for _, c := range m.conversations {
		if !c.touched {
			continue
		}
		c.touched = false
		var seen [2]string
		for i, e := range m.twin {
			p := e.pictureIn(c.created.Tenant, c.created.ID)
			m.requireSound(c, c.last[i], p)
			seen[i] = plain(p.shared()) + active(c.last[i], p)
			c.last[i] = p
		}
		require.Equal(m, seen[0], seen[1], "the stores differ")
	}
	// What is not there any more is of no further use, but for late writes of its runs.
	m.conversations = slices.DeleteFunc(m.conversations, func(c *twinConversation) bool { return c.last[0].Missing })
}
