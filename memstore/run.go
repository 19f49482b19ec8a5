package memstore

import (
	"bytes"
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// run is a row and what belongs to it, guarded by the lock of its conversation.
type run struct {
	id   uuid.UUID // as in the row, readable without the lock
	conv *conversation

	row     store.Run
	settles bool // it deals with the calls that wait for outputs
	events  eventLog
	nudges  []store.Nudge
	finish  *finish // how an attempt ended it; nil when none did

	in         *runList // the list of its shard it is in
	prev, next *run
}

// runList is a list of runs that any of them can leave at once.
type runList struct {
	first, last *run
	n           int
}

// move puts the run at the end of a list, or, with nil, into none.
func (r *run) move(to *runList) {
	if from := r.in; from != nil {
		if r.prev != nil {
			r.prev.next = r.next
		} else {
			from.first = r.next
		}
		if r.next != nil {
			r.next.prev = r.prev
		} else {
			from.last = r.prev
		}
		from.n--
	}
	r.in, r.prev, r.next = to, nil, nil
	if to == nil {
		return
	}
	if to.last == nil {
		to.first = r
	} else {
		to.last.next, r.prev = r, to.last
	}
	to.last = r
	to.n++
}

// holds reports whether the run has a good fencing number.
func (r *run) holds() bool { return !r.row.Queued && !r.row.Status.Terminal() }

// setStatus sets the status and what follows it on the conversation.
func (r *run) setStatus(status store.RunStatus) {
	r.row.Status = status
	if r.conv.row.LastRunID == r.id {
		r.conv.row.LastRunStatus = status
	}
}

// end makes the run terminal, takes its fencing number and settles its nudges.
func (c *conversation) end(r *run, status store.RunStatus, result []byte, taken store.NudgeState, at time.Time) {
	if r.row.Queued {
		c.queue = slices.DeleteFunc(c.queue, func(q *run) bool { return q == r })
	} else {
		c.active = slices.DeleteFunc(c.active, func(a *run) bool { return a == r })
	}
	c.row.Active, c.row.Queued = len(c.active), len(c.queue)
	r.setStatus(status)
	r.row.Queued, r.row.QueueUntil = false, time.Time{}
	r.row.Owner, r.row.LeaseUntil = "", time.Time{}
	r.row.Result = result
	r.row.CompletedAt = at
	r.row.EventSeq++ // the terminal event
	r.settleNudges(taken)
	if r.events.stored() > 0 {
		r.move(&c.shard.ended)
	} else {
		r.move(nil)
	}
}

// runShard is a part of the index of runs by id.
type runShard struct {
	mu sync.RWMutex
	at map[uuid.UUID]*run
	_  [32]byte
}

func (sh *runShard) init() { sh.at = make(map[uuid.UUID]*run) }

func (s *Store) runByID(id uuid.UUID) *run {
	sh := &s.runs[spread(id, len(s.runs))]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.at[id]
}

// addRun enters the run unless its id is taken; then it returns who has it.
func (s *Store) addRun(r *run) (taken *run) {
	sh := &s.runs[spread(r.id, len(s.runs))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if known := sh.at[r.id]; known != nil {
		return known
	}
	sh.at[r.id] = r
	return nil
}

func (s *Store) dropRun(r *run) {
	sh := &s.runs[spread(r.id, len(s.runs))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.at, r.id)
}

// runOf returns the run if it belongs to the conversation, else nil. The caller
// holds the lock of c's shard.
func (s *Store) runOf(c *conversation, id uuid.UUID) *run {
	if r := s.runByID(id); r != nil && r.conv == c {
		return r
	}
	return nil
}

// held returns the run of an attempt whose fencing number is good, else nil.
// The caller holds the lock of the conversation's shard.
func (s *Store) held(key store.RunKey) *run {
	r := s.named(key.Ref())
	if r == nil || !r.holds() || r.row.Fence != key.Fence {
		return nil
	}
	return r
}

// named returns the run a reference names, or nil, under the same lock as held.
func (s *Store) named(ref store.RunRef) *run {
	c := s.shard(ref.ConversationID).conversations[ref.ConversationID]
	if c == nil || c.row.Tenant != ref.Tenant {
		return nil
	}
	return s.runOf(c, ref.RunID)
}

// view calls fn with a run the scope shows, under the read lock of its shard.
func (s *Store) view(scope store.Scope, id uuid.UUID, fn func(*run)) error {
	r := s.runByID(id)
	if r == nil {
		return store.ErrNotFound
	}
	mu := &r.conv.shard.mu
	mu.RLock()
	defer mu.RUnlock()
	if r.conv.purged || !r.conv.shows(scope) {
		return store.ErrNotFound
	}
	fn(r)
	return nil
}

// change is view for writing, on behalf of a member: a wide scope does not help.
func (s *Store) change(scope store.Scope, id uuid.UUID, fn func(*run)) error {
	r := s.runByID(id)
	if r == nil {
		return store.ErrNotFound
	}
	scope.Wide = false
	mu := &r.conv.shard.mu
	mu.Lock()
	defer mu.Unlock()
	if r.conv.purged || !r.conv.shows(scope) {
		return store.ErrNotFound
	}
	fn(r)
	return nil
}

// GetRun implements store.Store.
func (s *Store) GetRun(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Run, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	var row store.Run
	if err := s.view(scope, id, func(r *run) { row = r.row }); err != nil {
		return nil, err
	}
	return &row, nil
}

// ListRuns implements store.Store.
func (s *Store) ListRuns(ctx context.Context, scope store.Scope, conversation uuid.UUID, q *store.RunQuery) ([]store.Run, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	sh := s.shard(conversation)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	c, err := sh.find(scope, conversation)
	if err != nil {
		return nil, err
	}
	var rows []store.Run
	c.eachRun(q, func(r *run) bool {
		if behind(r, q.After) && (!q.Active || !r.row.Status.Terminal()) {
			rows = append(rows, r.row)
		}
		return len(rows) < q.Limit
	})
	return rows, nil
}

// eachRun calls fn with the runs that the query may select, newest first, until
// it returns false. What it passes over it never looks at.
func (c *conversation) eachRun(q *store.RunQuery, fn func(*run) bool) {
	switch {
	case q.Limit < 1:
	case q.Key != "":
		if r := c.keys[q.Key]; r != nil {
			fn(r)
		}
	case q.Active:
		for _, r := range slices.Backward(c.open()) {
			if !fn(r) {
				return
			}
		}
	default:
		// Creation times strictly grow within a conversation.
		end := sort.Search(c.runs.n, func(i int) bool { return !behind(c.runs.at(i), q.After) })
		for i := end - 1; i >= 0; i-- {
			if !fn(c.runs.at(i)) {
				return
			}
		}
	}
}

// open returns the runs that are not terminal, oldest first.
func (c *conversation) open() []*run {
	open := slices.Concat(c.active, c.queue)
	slices.SortFunc(open, func(a, b *run) int { return a.row.CreatedAt.Compare(b.row.CreatedAt) })
	return open
}

// behind reports whether a run comes after the cursor, newest first.
func behind(r *run, after *store.RunCursor) bool {
	if after == nil {
		return true
	}
	if c := r.row.CreatedAt.Compare(after.CreatedAt); c != 0 {
		return c < 0
	}
	return bytes.Compare(r.id[:], after.ID[:]) < 0
}
