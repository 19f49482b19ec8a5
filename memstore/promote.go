package memstore

import (
	"slices"
	"time"

	"github.com/parley-go/parley/store"
)

// admit gives the run its first fencing number, by which it becomes active.
func (c *conversation) admit(r *run, at time.Time) {
	c.renumber(r)
	c.acted(at)
	r.row.BaseVersion = c.row.Version
	c.active = append(c.active, r)
	c.row.Active = len(c.active)
	c.row.LastRunID = r.id
	r.setStatus(store.RunPending)
	r.move(&c.shard.live)
}

// renumber gives the run a new fencing number, which voids the one before.
func (c *conversation) renumber(r *run) {
	c.fence++
	r.row.Fence = c.fence
}

// enqueue puts the run behind those whose turn comes before its own.
func (c *conversation) enqueue(r *run) {
	at := len(c.queue)
	if r.row.Front {
		at = slices.IndexFunc(c.queue, func(q *run) bool { return !q.row.Front })
		if at < 0 {
			at = len(c.queue)
		}
	}
	c.queue = slices.Insert(c.queue, at, r)
	c.row.Queued = len(c.queue)
	r.move(&c.shard.queued)
}

// promote makes the first queued run that may start pending if the conversation
// is free, and names it. The caller has noted the change, and at is its moment.
func (c *conversation) promote(at time.Time) *store.RunRef {
	if len(c.active) > 0 || len(c.queue) == 0 || c.deleted {
		return nil
	}
	settled := len(c.row.Pending) == 0
	i := slices.IndexFunc(c.queue, func(r *run) bool { return settled || r.settles })
	if i < 0 {
		return nil
	}
	r := c.queue[i]
	c.queue = slices.Delete(c.queue, i, i+1)
	c.row.Queued = len(c.queue)
	r.row.Queued, r.row.QueueUntil = false, time.Time{}
	c.admit(r, at)
	ref := r.row.Ref()
	return &ref
}
