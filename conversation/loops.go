package conversation

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// loopTimeout bounds one call of a loop to the store: a call that hangs must not
// make the loop stand still for ever.
const loopTimeout = 10 * time.Second

// hintQueue gathers hints so that many become one Notify.
type hintQueue struct {
	mu      sync.Mutex
	pending map[store.Hint]struct{}
	wake    chan struct{}
}

// hintGap is the least time between two Notify calls: hints within it share one.
const hintGap = 5 * time.Millisecond

// hint tells other engines, soon and without waiting.
func (e *Engine) hint(kind store.HintKind, tenant string, conversationID, runID uuid.UUID) {
	if !e.serving() {
		return // nobody would send it
	}
	h := store.Hint{Kind: kind, Tenant: tenant, ConversationID: conversationID, RunID: runID}
	e.hints.mu.Lock()
	if e.hints.pending == nil {
		e.hints.pending = make(map[store.Hint]struct{})
	}
	e.hints.pending[h] = struct{}{}
	e.hints.mu.Unlock()
	poke(e.hints.wake)
}

// changed wakes those who follow the conversation, here and elsewhere.
func (e *Engine) changed(tenant string, id uuid.UUID) {
	e.hub.touch(id)
	e.hint(store.HintConversation, tenant, id, uuid.Nil)
}

// promoted sees to a run that was queued and may now be claimed.
func (e *Engine) promoted(ref *store.RunRef) {
	if ref == nil {
		return
	}
	poke(e.wakeClaim)
	e.hint(store.HintWork, ref.Tenant, ref.ConversationID, ref.RunID)
}

func (e *Engine) notifyLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			e.notify(ctx) // of runs handed over
			return
		case <-e.hints.wake:
		}
		e.notify(ctx)
		pause(ctx, hintGap)
	}
}

// notify sends the hints that are waiting. It is no more than a service to
// others: polling finds what they tell of.
func (e *Engine) notify(ctx context.Context) {
	e.hints.mu.Lock()
	hints := make([]store.Hint, 0, len(e.hints.pending))
	for h := range e.hints.pending {
		hints = append(hints, h)
	}
	clear(e.hints.pending)
	e.hints.mu.Unlock()
	if len(hints) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTimeout)
	defer cancel()
	if err := e.store.Notify(ctx, hints); err != nil {
		e.log.Debug("hints were not sent", "error", err)
	}
}

// notifyTimeout bounds a Notify: what is later than that no longer helps, and the
// end of the engine waits for it.
const notifyTimeout = time.Second

// listenLoop hears hints of other engines, and its own.
func (e *Engine) listenLoop(ctx context.Context) {
	for ctx.Err() == nil {
		err := e.store.Listen(ctx, e.heard)
		if err == nil {
			return // ctx ended, or the store has no such means
		}
		e.log.Warn("listening for hints failed; polling goes on", "error", err)
		pause(ctx, time.Second)
	}
}

func (e *Engine) heard(h store.Hint) {
	switch h.Kind {
	case store.HintWork:
		poke(e.wakeClaim)
	case store.HintRun, store.HintConversation:
		poke(e.wakeWatch)
	case store.HintControl:
		if h.RunID == uuid.Nil { // something was purged
			e.fixed.drop(h.Tenant, h.ConversationID)
			poke(e.wakeWatch)
		} else if e.held(h.RunID) != nil {
			poke(e.wakeWatch)
		}
	}
}

// held returns the attempt at a run that this engine holds, or nil.
func (e *Engine) held(run uuid.UUID) *attempt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.attempts[run]
}

// claimLoop takes over runs that nobody holds.
func (e *Engine) claimLoop(ctx context.Context) {
	ticker := time.NewTicker(e.cfg.ClaimInterval)
	defer ticker.Stop()
	for {
		more := e.claim(ctx)
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-e.wakeClaim:
		}
	}
}

// maxClaim bounds one claim, so that engines which start together share the work.
const maxClaim = 16

// claim takes what it has slots for and reports whether there may be more.
func (e *Engine) claim(ctx context.Context) bool {
	n := e.reserveClaim(maxClaim)
	if n == 0 {
		return false
	}
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, loopTimeout)
	defer cancel()
	claimed, err := e.store.Claim(ctx, &store.Claim{Lease: e.lease(), Limit: n})
	e.claimed(n, len(claimed))
	if err != nil {
		if e.serving() {
			e.log.Warn("claiming runs failed", "error", err)
		}
		return false
	}
	for i := range claimed {
		e.launch(&claimed[i].Run, &claimed[i].Conversation, nil, asked) //nolint:contextcheck // a run outlives whoever launched it
	}
	return len(claimed) == n
}

func (e *Engine) lease() store.Lease {
	return store.Lease{Owner: e.owner, Duration: e.cfg.Lease}
}

// renewLoop keeps the leases of the runs held here: one write for all of them.
func (e *Engine) renewLoop(ctx context.Context) {
	ticker := time.NewTicker(e.cfg.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.renew(ctx)
		}
	}
}

func (e *Engine) renew(ctx context.Context) {
	e.mu.Lock()
	keys := make([]store.RunKey, 0, len(e.attempts))
	held := make([]*attempt, 0, len(e.attempts))
	for _, a := range e.attempts {
		keys, held = append(keys, a.key), append(held, a)
	}
	e.mu.Unlock()
	if len(keys) == 0 {
		return
	}
	// A call that hangs must not keep the next one from trying.
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Lease/3)
	defer cancel()
	asked := time.Now()
	renewals, err := e.store.Renew(ctx, e.lease(), keys)
	if err != nil {
		if e.serving() {
			e.log.Warn("renewing leases failed", "runs", len(keys), "error", err)
		}
		return // the attempts' own clocks end them when the lease is over
	}
	for i, r := range renewals {
		a := held[i]
		if !r.Held {
			a.signal(ErrLeaseLost)
			continue
		}
		a.renewed(asked)
		a.control(r.StopRequested, r.Nudges)
	}
}

// flushLoop stores the events of running runs: one write for all of them, at
// most one each FlushInterval, and none for a run that is over by then.
func (e *Engine) flushLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wakeFlush:
		}
		pause(ctx, e.cfg.FlushInterval)
		e.flush(ctx)
	}
}

func (e *Engine) flush(ctx context.Context) {
	var packs []store.EventAppend
	var logs []*hubLog
	for _, l := range e.hub.locals() {
		a := e.held(l.runID)
		if a == nil || !l.flush.TryLock() { // its end is being stored, events and all
			continue
		}
		events := l.unstored()
		if len(events) == 0 {
			l.flush.Unlock()
			continue
		}
		pack, err := encodePack(events)
		if err != nil {
			e.log.Error("events were not stored", "run", l.runID, "error", err)
			l.flush.Unlock()
			continue
		}
		packs = append(packs, store.EventAppend{Key: a.key, EventPack: *pack})
		logs = append(logs, l)
	}
	if len(packs) == 0 {
		return
	}
	writing, cancel := context.WithTimeout(ctx, loopTimeout)
	defer cancel()
	answers, err := e.store.AppendEvents(writing, packs)
	for i, l := range logs {
		switch {
		case err != nil:
			l.doubt()
		case answers[i] == nil:
			l.markStored(packs[i].Last)
			e.hint(store.HintRun, packs[i].Key.Tenant, packs[i].Key.ConversationID, packs[i].Key.RunID)
		case errors.Is(answers[i], store.ErrFenced):
			if a := e.held(l.runID); a != nil && a.key == packs[i].Key {
				a.signal(ErrLeaseLost)
			}
		case errors.Is(answers[i], ErrVersionConflict):
			// An earlier write was applied though its answer was lost, or the storage
			// lost events in a crash, which need not be durable.
			if err := e.align(writing, l.runLog, packs[i].Key); err != nil {
				l.doubt()
			}
			poke(e.wakeFlush)
		default:
			e.log.Error("events were not stored", "run", l.runID, "error", answers[i])
		}
		l.flush.Unlock()
	}
	if err != nil && ctx.Err() == nil {
		e.log.Warn("storing events failed", "error", err)
		poke(e.wakeFlush)
	}
}

// align finds out how many of a run's events the store has. The caller holds
// the log's flush.
func (e *Engine) align(ctx context.Context, l *runLog, key store.RunKey) error {
	marks, err := e.store.Marks(ctx, []store.WatchRef{{
		Tenant: key.Tenant, ConversationID: key.ConversationID, RunID: key.RunID,
	}})
	if err != nil {
		return err
	}
	if m := marks[0]; m.Missing || m.Fence != key.Fence {
		return store.ErrFenced
	}
	if !l.align(marks[0].EventSeq) {
		// Readers elsewhere wait for the end of the run, and find its text in the log.
		e.log.Warn("the storage lost events that are no longer in memory", "run", key.RunID)
	}
	return nil
}

// sweepLoop does the store's housekeeping now and then.
func (e *Engine) sweepLoop(ctx context.Context) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.sweep(ctx)
		}
	}
}

// sweepInterval is how late a queue time-out may be noticed.
const sweepInterval = 2 * time.Second

const sweepLimit = 500

func (e *Engine) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, loopTimeout)
	defer cancel()
	res, err := e.store.Sweep(ctx, &store.Sweep{
		Limit: sweepLimit, EventRetention: e.cfg.EventRetention,
		QueueResult: errorResult(CodeQueueTimeout, "the turn waited too long for its predecessors"),
	})
	if err != nil {
		if e.serving() {
			e.log.Warn("sweeping failed", "error", err)
		}
		return
	}
	for _, ref := range res.Expired {
		e.hint(store.HintRun, ref.Tenant, ref.ConversationID, ref.RunID)
		e.changed(ref.Tenant, ref.ConversationID)
	}
	for i := range res.Promoted {
		e.promoted(&res.Promoted[i])
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
