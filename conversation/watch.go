package conversation

import (
	"context"
	"time"

	"github.com/parley-go/parley/store"
)

// controlInterval is how often runs held here are looked at for stop requests
// and nudges made elsewhere, when no hint comes. Younger runs are not looked at:
// a short turn costs no read.
const controlInterval = 250 * time.Millisecond

// watchLoop looks at what happens elsewhere: one read for all readers of this
// process, and none while there is nothing to look at.
func (e *Engine) watchLoop(ctx context.Context) {
	ticker := time.NewTicker(e.cfg.PollInterval)
	defer ticker.Stop()
	var controlled time.Time
	for {
		hinted := false
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-e.wakeWatch:
			hinted = true
		}
		now := time.Now()
		control := hinted || now.Sub(controlled) >= controlInterval
		if control {
			controlled = now
		}
		e.watch(ctx, now, control, hinted)
	}
}

// watch looks once.
func (e *Engine) watch(ctx context.Context, now time.Time, control, hinted bool) {
	ctx, cancel := context.WithTimeout(ctx, loopTimeout)
	defer cancel()
	logs, topics := e.hub.remote()
	var held []*attempt
	if control {
		held = e.heldLongerThan(now, controlInterval, hinted)
	}
	refs := make([]store.WatchRef, 0, len(logs)+len(topics)+len(held))
	for _, l := range logs {
		refs = append(refs, l.ref)
	}
	for _, t := range topics {
		refs = append(refs, t.ref)
	}
	for _, a := range held {
		refs = append(refs, store.WatchRef{Tenant: a.key.Tenant, ConversationID: a.key.ConversationID, RunID: a.key.RunID})
	}
	if len(refs) == 0 {
		return
	}
	marks, err := e.store.Marks(ctx, refs)
	if err != nil {
		if e.serving() {
			e.log.Debug("watching failed", "error", err)
		}
		return
	}
	for i, l := range logs {
		e.feed(ctx, l, &marks[i])
	}
	for i, t := range topics {
		mark := marks[len(logs)+i]
		if !mark.UpdatedAt.Equal(t.mark.UpdatedAt) || mark.Missing != t.mark.Missing {
			t.mark = mark // only this loop reads or writes it
			t.wake()
		}
	}
	for i, a := range held {
		mark := marks[len(logs)+len(topics)+i]
		if mark.Missing || mark.Status != RunRunning || mark.Fence != a.key.Fence {
			a.signal(ErrLeaseLost)
			continue
		}
		a.control(mark.StopRequested, mark.Nudges)
	}
}

// heldLongerThan returns the attempts that have run for a while, or all of them.
func (e *Engine) heldLongerThan(now time.Time, age time.Duration, all bool) []*attempt {
	e.mu.Lock()
	defer e.mu.Unlock()
	var held []*attempt
	for _, a := range e.attempts {
		if all || now.Sub(a.launched) >= age {
			held = append(held, a)
		}
	}
	return held
}

// feedPacks is how many packs are read at once.
const feedPacks = 64

// feed brings a log that is written elsewhere up to what the store has.
func (e *Engine) feed(ctx context.Context, l *hubLog, mark *store.Mark) {
	if mark.Missing {
		l.vanish()
		return
	}
	l.mu.Lock()
	last := l.stored
	l.mu.Unlock()
	if mark.EventSeq > last || mark.Status.Terminal() {
		e.fetch(ctx, l.runLog, l.ref.Tenant)
	}
}

// fetch reads what the store has of a run and the log has not.
func (e *Engine) fetch(ctx context.Context, l *runLog, tenant string) {
	l.mu.Lock()
	last := l.stored
	l.mu.Unlock()
	scope := store.Scope{Tenant: tenant, Wide: true}
	for {
		page, err := e.store.ReadEvents(ctx, scope, l.runID, last, feedPacks)
		if err != nil {
			if ctx.Err() == nil {
				e.log.Debug("reading events failed", "run", l.runID, "error", err)
			}
			return
		}
		for i := range page.Packs {
			events, err := decodePack(l.conversationID, l.runID, &page.Packs[i])
			if err != nil {
				e.log.Error("events cannot be read", "run", l.runID, "error", err)
				return
			}
			l.add(events, page.Packs[i].Last)
			last = page.Packs[i].Last
		}
		if page.More {
			continue
		}
		if page.Run.Status.Terminal() {
			end, err := endOf(&page.Run)
			if err != nil {
				e.log.Error("run cannot be read", "run", l.runID, "error", err)
				return
			}
			l.add([]*Event{end}, page.Run.EventSeq)
		}
		return
	}
}

// endOf makes the terminal event of a run from its row, so that it is the same
// for every reader at every time.
func endOf(row *store.Run) (*Event, error) {
	run, err := toRun(row)
	if err != nil {
		return nil, err
	}
	return terminal(row, run), nil
}

func terminal(row *store.Run, run *Run) *Event {
	return &Event{
		ConversationID: row.ConversationID, RunID: row.ID, Seq: row.EventSeq, FirstSeq: row.EventSeq,
		Attempt: row.Attempt, Type: terminalEvent(row.Status), Run: run,
	}
}
