package memstore

import (
	"context"
	"time"

	"github.com/parley-go/parley/store"
)

// StartRun implements store.Store.
func (s *Store) StartRun(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	sh := s.shard(a.ConversationID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c, err := sh.find(a.Scope, a.ConversationID)
	if err != nil {
		return nil, err
	}
	if c.deleted {
		return nil, store.ErrDeleted
	}
	if known, err := s.startedBefore(c, a); err != nil {
		return nil, err
	} else if known != nil {
		return &store.StartResult{Run: known.row, Replayed: true}, nil
	}
	queue, err := c.admission(a)
	if err != nil {
		return nil, err
	}
	r := &run{id: a.ID, conv: c, settles: a.Settles}
	if s.addRun(r) != nil {
		return nil, store.ErrExists // another conversation took the id just now
	}
	res := &store.StartResult{}
	now := s.now()
	c.begin(r, a, c.touch(now))
	switch {
	case !queue:
		c.admit(r, r.row.CreatedAt)
		if a.Lease != nil {
			r.claim(a.Lease, r.row.CreatedAt, now)
		}
	case a.Busy == store.BusyInterrupt:
		res.Stopping = c.interrupt()
		fallthrough
	default:
		c.wait(r, a, now)
	}
	res.Run, res.Conversation = r.row, *c.copyRow()
	return res, nil
}

// startedBefore returns the run that an earlier call with this id or key started.
func (s *Store) startedBefore(c *conversation, a *store.StartRun) (*run, error) {
	if r := s.runByID(a.ID); r != nil {
		if r.conv != c {
			return nil, store.ErrExists
		}
		return r, nil
	}
	if a.Key == "" {
		return nil, nil
	}
	r := c.keys[a.Key]
	if r != nil && r.row.Fingerprint != a.Fingerprint {
		return nil, store.ErrIdempotencyMismatch
	}
	return r, nil
}

// admission makes the checks behind the replay, in the order of the contract,
// and reports whether the run has to wait in the queue.
func (c *conversation) admission(a *store.StartRun) (queue bool, err error) {
	if a.Expected != nil && *a.Expected != c.row.Version {
		return false, &store.VersionConflictError{Expected: *a.Expected, Current: c.row.Version}
	}
	if len(c.active) > 0 {
		switch a.Busy {
		case store.BusyRace:
		case store.BusyInterrupt:
			return true, nil
		case store.BusyEnqueue:
			if c.waiting() >= a.MaxQueued {
				return false, store.ErrQueueFull
			}
			return true, nil
		default:
			return false, &store.RunActiveError{RunID: c.active[0].id}
		}
	}
	if !a.Settles && len(c.row.Pending) > 0 {
		return false, store.ErrToolOutputsPending
	}
	return false, nil
}

// waiting is the number of queued runs that the bound of the queue counts.
func (c *conversation) waiting() int {
	n := 0
	for _, r := range c.queue {
		if !r.row.Front {
			n++
		}
	}
	return n
}

// begin writes the new run's row and enters it into the conversation.
func (c *conversation) begin(r *run, a *store.StartRun, at time.Time) {
	r.row = store.Run{
		Tenant:         c.row.Tenant,
		ConversationID: c.id,
		ID:             a.ID,
		Status:         store.RunPending,
		UserID:         a.Scope.User,
		Key:            a.Key,
		Fingerprint:    a.Fingerprint,
		BaseVersion:    c.row.Version,
		Spec:           a.Spec,
		Timeout:        a.Timeout,
		CreatedAt:      at,
	}
	c.runs.push(r)
	if a.Key != "" {
		if c.keys == nil {
			c.keys = make(map[string]*run)
		}
		c.keys[a.Key] = r
	}
}

// wait puts a new run into the queue.
func (c *conversation) wait(r *run, a *store.StartRun, now time.Time) {
	r.row.Queued = true
	r.row.Front = a.Busy == store.BusyInterrupt
	if a.QueueTimeout > 0 {
		r.row.QueueUntil = until(now, a.QueueTimeout)
	}
	c.enqueue(r)
}

// interrupt asks every active run to stop.
func (c *conversation) interrupt() []store.RunRef {
	refs := make([]store.RunRef, len(c.active))
	for i, r := range c.active {
		r.row.StopRequested = true
		refs[i] = r.row.Ref()
	}
	return refs
}
