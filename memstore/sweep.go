package memstore

import (
	"context"
	"time"

	"github.com/parley-go/parley/store"
)

// Sweep implements store.Store. It promotes nothing: here a transition and its
// promotion are one step that no crash can part.
func (s *Store) Sweep(ctx context.Context, a *store.Sweep) (*store.SweepResult, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	res := &store.SweepResult{}
	packs := a.Limit // that may still be deleted
	for i := range s.shards {
		packs -= s.sweepShard(&s.shards[i], a, packs, res)
	}
	return res, nil
}

func (s *Store) sweepShard(sh *shard, a *store.Sweep, packs int, res *store.SweepResult) (deleted int) {
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
	return sh.dropEvents(a.EventRetention, now, packs, res)
}

// dropEvents deletes up to limit packs of runs that ended long enough ago.
func (sh *shard) dropEvents(retention time.Duration, now time.Time, limit int, res *store.SweepResult) (packs int) {
	if retention <= 0 {
		return 0
	}
	for r := sh.ended.first; r != nil && packs < limit; r = sh.ended.first {
		if now.Sub(r.row.CompletedAt) <= retention {
			break
		}
		res.Events += r.events.events(limit - packs)
		packs += r.events.drop(limit - packs)
		if r.events.stored() == 0 {
			r.move(nil)
		}
	}
	return packs
}
