package storetest

import (
	"slices"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func (m *machine) lease() *store.Lease {
	if m.yes("no lease", 3) {
		return nil
	}
	return &store.Lease{Owner: "engine", Duration: pick(m, "lease", long, long, brief)}
}

// given notes an attempt that the store gave into somebody's hands.
func (m *machine) given(i int, r store.Run) {
	if r.Status == store.RunRunning && r.LeaseUntil.Sub(r.StartedAt) < time.Minute && r.LeaseUntil.After(m.lapsing[i]) {
		m.lapsing[i] = r.LeaseUntil
	}
}

func (m *machine) start() {
	c := m.conversation()
	s := &store.StartRun{
		Scope: m.scope(c), ConversationID: c.created.ID, ID: newID(), Key: pick(m, "key", "", "", "k1", "k2"),
		Fingerprint: pick(m, "print", "p", "p", "q"), Spec: []byte(`{ "s": 1 }`), Timeout: time.Minute,
		Busy:      pick(m, "busy", store.BusyReject, store.BusyRace, store.BusyEnqueue, store.BusyEnqueue, store.BusyEnqueue, store.BusyInterrupt),
		MaxQueued: rapid.IntRange(1, 3).Draw(m.T, "bound"), Settles: m.yes("settles", 3), Lease: m.lease(),
	}
	if m.yes("expect", 2) {
		s.Expected = ptr(m.head(c))
	}
	if m.yes("queue time", 3) {
		s.QueueTimeout = time.Hour
	}
	m.doStart(c, s)
}

func (m *machine) restart() {
	r := m.run()
	s := *r.started
	s.Fingerprint, s.Busy, s.Lease = pick(m, "print", "p", "q"), store.BusyRace, nil
	if s.Key == "" || m.yes("by id", 2) {
		s.Fingerprint = r.started.Fingerprint
	} else {
		s.ID = newID()
	}
	s.Scope = m.scope(r.of)
	m.doStart(r.of, &s)
}

func (m *machine) doStart(c *twinConversation, s *store.StartRun) {
	c.raced = c.raced || s.Busy == store.BusyRace
	var keys [2]store.RunKey
	fresh, held := false, false
	m.both("start", func(i int, e *env) (any, error) {
		result, err := e.store.StartRun(e.ctx, s)
		if err != nil {
			return nil, err
		}
		fresh, held = !result.Replayed, !result.Replayed && result.Run.Status == store.RunRunning
		keys[i] = result.Run.RunKey()
		m.given(i, result.Run)
		stopping := slices.SortedFunc(slices.Values(result.Stopping), byRef)
		return store.StartResult{Run: result.Run, Replayed: result.Replayed, Stopping: stopping}, nil
	})
	if fresh {
		r := &twinRun{of: c, started: s}
		if held {
			r.attempts = append(r.attempts, twinAttempt{keys})
		}
		c.settling[s.ID.String()] = s.Settles
		m.runs = append(m.runs, r)
	}
}

func (m *machine) finish() {
	r, a := m.attempt()
	n := rapid.IntRange(0, 2).Draw(m.T, "messages")
	f := &store.FinishRun{
		Status: pick(m, "status", store.RunCompleted, store.RunCompleted, store.RunRequiresAction, store.RunFailed, store.RunStopped, store.RunTimedOut),
		Result: []byte(`{ "r": 1 }`), Tail: m.tail(n),
	}
	if m.yes("events", 3) {
		first := int64(rapid.IntRange(1, 6).Draw(m.T, "first"))
		f.Events = &store.EventPack{First: first, Last: first + 1, Body: []byte("last")}
	}
	r.finishes = append(r.finishes, f)
	m.doFinish(f, a)
}

func (m *machine) refinish() {
	r, a := m.attempt()
	if len(r.finishes) == 0 {
		m.Skip("never finished")
	}
	m.doFinish(pick(m, "finish", r.finishes...), a)
}

// doFinish makes the call unless it brings messages that are in the log from
// another attempt, of which the contract does not speak.
func (m *machine) doFinish(f *store.FinishRun, a twinAttempt) {
	m.both("finish", func(i int, e *env) (any, error) {
		f := *f
		f.Key = a.keys[i]
		result, err := e.store.FinishRun(e.ctx, &f)
		if err != nil {
			return nil, err
		}
		if result.Replayed {
			return []any{result.Run, result.Messages, result.Replayed}, nil
		}
		return result, nil
	})
}

func (m *machine) stop() {
	r := m.run()
	s := &store.StopRun{Scope: m.scope(r.of), RunID: r.started.ID, Result: []byte(`"stopped"`)}
	m.both("stop", func(_ int, e *env) (any, error) { return e.store.RequestStop(e.ctx, s) })
}

func (m *machine) claim() {
	m.lapse()
	lease := m.lease()
	if lease == nil {
		lease = &store.Lease{Owner: "rescuer", Duration: long}
	}
	keys := map[string]*twinAttempt{}
	m.both("claim", func(i int, e *env) (any, error) {
		claimed, err := e.store.Claim(e.ctx, &store.Claim{Lease: *lease, Limit: 100})
		answer := map[string]any{}
		of := map[string]int{}
		for _, c := range claimed {
			of[c.Conversation.ID.String()]++
		}
		for _, c := range claimed {
			if of[c.Conversation.ID.String()] > 1 {
				// The moment may be before or after the other runs were taken.
				c.Conversation.LastRunStatus = ""
			}
			id := c.Run.ID.String()
			if keys[id] == nil {
				keys[id] = &twinAttempt{}
			}
			keys[id].keys[i] = c.Run.RunKey()
			m.given(i, c.Run)
			c.Conversation.Participants = nil // may be missing
			answer[id] = c
		}
		return answer, err
	})
	for _, r := range m.runs {
		if a := keys[r.started.ID.String()]; a != nil {
			r.attempts = append(r.attempts, *a)
			r.of.touched = true
		}
	}
}

// someAttempts picks a few for calls that take many.
func (m *machine) someAttempts() (out []twinAttempt) {
	for range rapid.IntRange(1, 3).Draw(m.T, "attempts") {
		_, a := m.attempt()
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func keysOf(attempts []twinAttempt, i int) (keys []store.RunKey) {
	for _, a := range attempts {
		keys = append(keys, a.keys[i])
	}
	return keys
}

func (m *machine) renew() {
	attempts := m.someAttempts()
	m.both("renew", func(i int, e *env) (any, error) {
		return e.store.Renew(e.ctx, store.Lease{Owner: "engine", Duration: long}, keysOf(attempts, i))
	})
}

func (m *machine) release() {
	attempts := m.someAttempts()
	m.both("release", func(i int, e *env) (any, error) { return nil, e.store.Release(e.ctx, keysOf(attempts, i)) })
}

func (m *machine) nudge() {
	r := m.run()
	n := &store.Nudge{ID: newID(), RunID: r.started.ID, UserID: "ann", Text: "go on"}
	scope := m.scope(r.of)
	if len(r.of.nudges) > 0 && m.yes("again", 3) {
		n = pick(m, "nudge", r.of.nudges...)
	} else {
		r.of.nudges = append(r.of.nudges, n)
	}
	m.both("nudge", func(_ int, e *env) (any, error) {
		got, err := e.store.AddNudge(e.ctx, scope, n)
		if err == nil && got.State == store.NudgeTaken {
			again := *got
			again.State = store.NudgeWaiting // see shared
			got = &again
		}
		return got, err
	})
}

func (m *machine) take() {
	_, a := m.attempt()
	m.both("take nudges", func(i int, e *env) (any, error) { return e.store.TakeNudges(e.ctx, a.keys[i]) })
}

func (m *machine) events() {
	r, a := m.attempt()
	p := store.EventPack{First: int64(rapid.IntRange(1, 8).Draw(m.T, "first")), Body: []byte("body")}
	p.Last = p.First + int64(rapid.IntRange(0, 3).Draw(m.T, "more"))
	if seq := m.eventSeq(r); m.yes("fitting", 2) {
		p.First, p.Last = seq+1, seq+1+p.Last-p.First
	}
	m.both("events", func(i int, e *env) (any, error) {
		errs, err := e.store.AppendEvents(e.ctx, []store.EventAppend{{Key: a.keys[i], EventPack: p}})
		if err != nil {
			return nil, err
		}
		require.Len(m, errs, 1)
		if errs[0] != nil {
			return describeClass(errs[0]), nil //nolint:nilerr // its class is the answer that is compared
		}
		return "stored", nil
	})
}

// eventSeq is the number of the run's last event as it was seen last.
func (m *machine) eventSeq(r *twinRun) int64 {
	for _, row := range r.of.last[0].Runs {
		if row.ID == r.started.ID {
			return row.EventSeq
		}
	}
	return 0
}

func (m *machine) sweep() {
	c := m.conversation()
	for _, c := range m.conversations {
		c.touched = true
	}
	// One that is over at once, so that its promotion has no time to come first.
	over := &store.StartRun{
		Scope: store.Scope{Tenant: c.created.Tenant, Wide: true, User: "ann"}, ConversationID: c.created.ID, ID: newID(), Spec: []byte(`{}`),
		Timeout: time.Minute, Busy: store.BusyEnqueue, MaxQueued: 10, QueueTimeout: brief,
	}
	m.doStart(c, over)
	for _, e := range m.twin {
		e.passed(e.clock().Add(time.Millisecond))
	}
	s := &store.Sweep{Limit: 100, QueueResult: []byte(`"queue"`), EventRetention: pick(m, "retention", 0, brief)}
	m.both("sweep", func(_ int, e *env) (any, error) {
		swept, err := e.store.Sweep(e.ctx, s)
		if err != nil {
			return nil, err
		}
		return store.SweepResult{
			Expired: slices.SortedFunc(slices.Values(swept.Expired), byRef), Promoted: swept.Promoted, Events: swept.Events,
		}, nil
	})
}

func (m *machine) lookAtRuns() {
	r := m.run()
	scope := m.scope(r.of)
	q := &store.RunQuery{Limit: 100, Key: pick(m, "key", "", "k1"), Active: m.yes("active", 2)}
	after, limit := int64(rapid.IntRange(0, 6).Draw(m.T, "after")), rapid.IntRange(1, 3).Draw(m.T, "limit")
	m.both("runs", func(_ int, e *env) (any, error) {
		runs, err := e.store.ListRuns(e.ctx, scope, r.of.created.ID, q)
		return slices.SortedFunc(slices.Values(runs), byID), err
	})
	m.both("run", func(_ int, e *env) (any, error) { return e.store.GetRun(e.ctx, scope, r.started.ID) })
	m.both("events", func(_ int, e *env) (any, error) { return e.store.ReadEvents(e.ctx, scope, r.started.ID, after, limit) })
	m.both("marks", func(_ int, e *env) (any, error) {
		ref := r.of.created
		marks, err := e.store.Marks(e.ctx, []store.WatchRef{
			{Tenant: ref.Tenant, ConversationID: ref.ID}, {Tenant: ref.Tenant, ConversationID: ref.ID, RunID: r.started.ID},
			{Tenant: "globex", ConversationID: newID()},
		})
		if err != nil {
			return nil, err
		}
		marks = slices.Clone(marks[:2])
		if marks[1].Status == store.RunPending {
			marks[1].Nudges = 0 // see shared
		}
		return marks, nil
	})
}
