package memstore

import (
	"context"

	"github.com/parley-go/parley/store"
)

// RequestStop implements store.Store.
func (s *Store) RequestStop(ctx context.Context, a *store.StopRun) (*store.StopResult, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	res := &store.StopResult{}
	err := s.change(a.Scope, a.RunID, func(r *run) {
		c := r.conv
		switch {
		case r.row.Status.Terminal():
		case r.row.Status == store.RunRunning:
			res.Stopped = true
			if !r.row.StopRequested {
				r.row.StopRequested = true
				c.touch(s.now())
			}
		default:
			res.Stopped = true
			at := c.touch(s.now())
			c.end(r, store.RunStopped, a.Result, store.NudgeReturned, at)
			res.Promoted = c.promote(at)
		}
		res.Run = r.row
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}
