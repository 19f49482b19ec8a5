package reference

import (
	"context"
	"time"

	"github.com/parley-go/parley/store"
)

func (s *Store) StartRun(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(a.Scope, a.ConversationID)
	if err != nil {
		return nil, err
	}
	conflict := &store.VersionConflictError{Current: c.row.Version}
	if a.Expected != nil {
		conflict.Expected = *a.Expected
	}
	stale := a.Expected != nil && *a.Expected != c.row.Version && !s.is(StartIgnoresVersion)
	pending := c.row.Pending != nil && !a.Settles && !s.is(StartIgnoresPending)

	if !c.row.DeletedAt.IsZero() && !s.is(StartIgnoresDeletion) {
		return nil, store.ErrDeleted
	}
	if stale && s.is(OrderVersionBeforeKey) {
		return nil, conflict
	}
	if r := s.started(c, a); r != nil && !s.is(NoStartReplay) {
		if a.ID != r.row.ID && r.row.Fingerprint != a.Fingerprint && !s.is(KeyIgnoresPayload) {
			return nil, store.ErrIdempotencyMismatch
		}
		return &store.StartResult{Run: r.row, Replayed: true}, nil
	}
	if s.is(StartChecksApart) {
		s.apart()
	}
	holder := c.holder()
	if s.is(BusyCheckedApart) {
		s.apart()
	}
	wait := (holder != nil || s.is(EnqueueAlwaysWaits)) && (a.Busy == store.BusyEnqueue || a.Busy == store.BusyInterrupt)
	busy := holder != nil && a.Busy == store.BusyReject && !s.is(TwoActiveRuns)
	if pending && !wait && s.is(StartOrderPendingFirst) {
		return nil, store.ErrToolOutputsPending
	}
	if busy && s.is(StartOrderBusyFirst) {
		return nil, &store.RunActiveError{RunID: holder.row.ID}
	}
	if stale {
		return nil, conflict
	}
	if busy {
		if s.is(BusyNamesNoRun) {
			return nil, &store.RunActiveError{}
		}
		return nil, &store.RunActiveError{RunID: holder.row.ID}
	}
	if wait && a.Busy == store.BusyEnqueue && c.waiting() >= a.MaxQueued && !s.is(QueueUnbounded) {
		return nil, store.ErrQueueFull
	}
	if wait && a.Busy == store.BusyInterrupt && c.queued() > a.MaxQueued && s.is(FrontIsBounded) {
		return nil, store.ErrQueueFull
	}
	if pending && (!wait || s.is(QueueNeedsSettles)) {
		return nil, store.ErrToolOutputsPending
	}

	now := s.touch(c)
	r := &run{of: c, settles: a.Settles, row: store.Run{
		Tenant: c.row.Tenant, ConversationID: c.row.ID, ID: a.ID,
		Status: store.RunPending, UserID: a.Scope.User, Key: a.Key, Fingerprint: a.Fingerprint,
		BaseVersion: c.row.Version, Spec: a.Spec, Timeout: a.Timeout, CreatedAt: now,
	}}
	c.runs = append(c.runs, r)
	s.runs[a.ID] = r
	out := &store.StartResult{}
	if wait {
		r.row.Queued, r.row.Front = true, a.Busy == store.BusyInterrupt
		if a.QueueTimeout > 0 {
			r.row.QueueUntil = now.Add(a.QueueTimeout).Truncate(time.Microsecond)
		}
		if s.is(LastRunFollowsQueue) {
			c.row.LastRunID = a.ID
		}
		if r.row.Front {
			for _, other := range c.runs {
				if other.good {
					other.row.StopRequested = !s.is(InterruptForgetsStop)
					out.Stopping = append(out.Stopping, other.row.Ref())
				}
			}
		}
	} else {
		s.hold(r)
		if !s.is(StartIsNoActivity) {
			c.row.ActivityAt = now
		}
		if a.Lease != nil {
			s.take(r, *a.Lease)
		}
	}
	if s.is(StartGrowsVersion) {
		c.row.Version++
	}
	out.Run = r.row
	return out, nil
}

// started finds the run that an earlier call with this id or key started.
func (s *Store) started(c *conversation, a *store.StartRun) *run {
	if r := c.run(a.ID); r != nil {
		return r
	}
	if a.Key == "" && !s.is(EmptyKeyIsAKey) {
		return nil
	}
	for _, r := range s.runs {
		if r.row.Key == a.Key && (r.of == c || s.is(KeyIsGlobal)) {
			return r
		}
	}
	return nil
}

// holder is the first run of the conversation with a good number.
func (c *conversation) holder() *run {
	for _, r := range c.runs {
		if r.good {
			return r
		}
	}
	return nil
}

// waiting counts the queued runs that the bound counts.
func (c *conversation) waiting() (n int) {
	for _, r := range c.runs {
		if r.row.Queued && !r.row.Front {
			n++
		}
	}
	return n
}

// hold gives the run a fencing number, which voids the one it had.
func (s *Store) hold(r *run) {
	if r.row.Fence == 0 || s.is(LastRunFollowsClaim) {
		r.of.row.LastRunID = r.row.ID
	}
	if s.is(FenceStays) && r.row.Fence != 0 {
		return
	}
	r.of.fences++
	if s.is(FencePerRun) {
		r.row.Fence++
	} else {
		r.row.Fence = r.of.fences
	}
	r.good = true
}

// take puts the run into the hands of an owner.
func (s *Store) take(r *run, lease store.Lease) {
	now := s.now()
	r.row.Status, r.row.Owner, r.row.LeaseUntil = store.RunRunning, lease.Owner, now.Add(lease.Duration).Truncate(time.Microsecond)
	r.row.Attempt++
	if r.row.StartedAt.IsZero() || s.is(DeadlineMoves) {
		r.row.StartedAt, r.row.Deadline = now, now.Add(r.row.Timeout).Truncate(time.Microsecond)
	}
}

// end makes the run terminal and voids its number.
func (s *Store) end(r *run, status store.RunStatus, result []byte, applied bool) {
	r.row.Status, r.row.Result = status, result
	r.row.Queued, r.good = false, false
	if !s.is(EndKeepsLease) {
		r.row.Owner, r.row.LeaseUntil = "", zero
	}
	r.row.QueueUntil = zero
	r.row.CompletedAt = s.now()
	if !s.is(NoTerminalEvent) {
		r.row.EventSeq++
	}
	for i := range r.nudges {
		n := &r.nudges[i]
		switch {
		case s.is(NudgesStayOpen):
		case n.State == store.NudgeTaken && applied:
			n.State = store.NudgeApplied
		case n.State == store.NudgeWaiting && applied && s.is(WaitingNudgeApplied):
			n.State = store.NudgeApplied
		case n.State == store.NudgeTaken || n.State == store.NudgeWaiting:
			n.State = store.NudgeReturned
		}
	}
}

// promote makes the first queued run pending if the conversation is free.
func (s *Store) promote(c *conversation, allowed bool) *store.RunRef {
	if !allowed || c.holder() != nil || !c.row.DeletedAt.IsZero() {
		return nil
	}
	var first *run
	for _, r := range c.runs {
		if !r.row.Queued || c.row.Pending != nil && !r.settles && !s.is(PromotionIgnoresPending) {
			if r.row.Queued && s.is(PromotionStopsAtFirst) {
				break
			}
			continue
		}
		switch {
		case first == nil, s.is(PromotionIsLIFO):
			first = r
		case r.row.Front && !first.row.Front && !s.is(PromotionIgnoresFront):
			first = r
		}
	}
	if first == nil {
		return nil
	}
	first.row.Queued = false
	first.row.QueueUntil = zero
	if !s.is(PromotionKeepsBase) {
		first.row.BaseVersion = c.row.Version
	}
	s.hold(first)
	c.row.ActivityAt = s.touch(c)
	ref := first.row.Ref()
	return &ref
}
