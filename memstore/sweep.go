package memstore

import (
	"context"
	"time"

	"github.com/parley-go/parley/store"
)

// Sweep implements store.Store. Promotions never stay behind here, because a
// transition and its promotion are one step; the sweep looks all the same.
func (s *Store) Sweep(ctx context.Context, a *store.Sweep) (*store.SweepResult, error) {
	res := &store.SweepResult{}
	runs := a.Limit // whose events may still be deleted
	for i := range s.shards {
		if err := alive(ctx); err != nil {
			if i == 0 {
				return nil, err
			}
			return res, nil // what is done is done; the rest is for the next sweep
		}
		runs -= s.sweepShard(&s.shards[i], a, runs, res)
	}
	return res, nil
}

func (s *Store) sweepShard(sh *shard, a *store.Sweep, runs int, res *store.SweepResult) (deleted int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := s.now()
	for r := sh.queued.first; r != nil; {
		next, c := r.next, r.conv
		if until := r.row.QueueUntil; !until.IsZero() && !until.After(now) && len(res.Expired) < a.Limit {
			c.end(r, store.RunTimedOut, a.QueueResult, store.NudgeReturned, c.touch(now))
			res.Expired = append(res.Expired, r.row.Ref())
		}
		r = next
	}
	for r := sh.queued.first; r != nil && len(res.Promoted) < a.Limit; {
		next := r.next
		if ref := r.conv.promote(); ref != nil {
			r.conv.touch(now)
			res.Promoted = append(res.Promoted, *ref)
		}
		r = next
	}
	return sh.dropEvents(a.EventRetention, now, runs, res)
}

// dropEvents deletes the events of up to limit runs that ended long enough ago.
func (sh *shard) dropEvents(retention time.Duration, now time.Time, limit int, res *store.SweepResult) (runs int) {
	if retention <= 0 {
		return 0
	}
	for r := sh.ended.first; r != nil && runs < limit; r = sh.ended.first {
		if now.Sub(r.row.CompletedAt) <= retention {
			break
		}
		res.Events += r.countEvents()
		r.events = series[store.EventPack]{}
		r.move(nil)
		runs++
	}
	return runs
}

// countEvents is the number of stored events, not of their packs.
func (r *run) countEvents() int64 {
	var n int64
	for i := range r.events.n {
		pack := r.events.at(i)
		n += pack.Last - pack.First + 1
	}
	return n
}
