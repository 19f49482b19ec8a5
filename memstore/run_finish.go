package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-go/parley/store"
)

// finish is what a repeated FinishRun is answered with. The rest of the answer
// is the run, which no longer changes, and the log.
type finish struct {
	messages    int // the newest of those up to the run's Version
	title       string
	titleCustom bool
	promoted    *store.RunRef
}

// FinishRun implements store.Store.
func (s *Store) FinishRun(ctx context.Context, f *store.FinishRun) (*store.FinishResult, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	if !f.Status.Terminal() {
		return nil, fmt.Errorf("memstore: a run cannot end with status %q", f.Status)
	}
	sh := s.shard(f.Key.ConversationID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := s.named(f.Key.Ref())
	if r == nil || r.row.Fence != f.Key.Fence {
		return nil, store.ErrFenced
	}
	c := r.conv
	if r.finish != nil {
		return c.finished(r, true), nil
	}
	if !r.holds() {
		return nil, store.ErrFenced
	}
	if err := c.takes(r, f); err != nil {
		return nil, err
	}
	c.finishRun(r, f, c.touch(s.now()))
	return c.finished(r, false), nil
}

// takes makes the checks of a finish that appends.
func (c *conversation) takes(r *run, f *store.FinishRun) error {
	if len(f.Messages) == 0 {
		return nil
	}
	if r.row.BaseVersion != c.row.Version {
		return &store.VersionConflictError{Expected: r.row.BaseVersion, Current: c.row.Version}
	}
	if c.knows(f.Messages) > 0 || !distinct(f.Messages) {
		return store.ErrExists
	}
	return nil
}

func (c *conversation) finishRun(r *run, f *store.FinishRun, at time.Time) {
	taken := store.NudgeReturned
	if len(f.Messages) > 0 {
		c.land(&f.Tail, at)
		r.row.Version = c.row.Version
		taken = store.NudgeApplied
	}
	if f.Events != nil && f.Events.First == r.row.EventSeq+1 && f.Events.Last >= f.Events.First {
		r.events.packs.push(*f.Events)
		r.row.EventSeq = f.Events.Last
	}
	c.end(r, f.Status, f.Result, taken, at)
	r.finish = &finish{
		messages:    len(f.Messages),
		title:       c.row.Title,
		titleCustom: c.row.TitleCustom,
		promoted:    c.promote(at),
	}
}

func (c *conversation) finished(r *run, replayed bool) *store.FinishResult {
	to := int(r.row.Version)
	return &store.FinishResult{
		Run:         r.row,
		Messages:    c.log.slice(to-r.finish.messages, to),
		Title:       r.finish.title,
		TitleCustom: r.finish.titleCustom,
		Promoted:    r.finish.promoted,
		Replayed:    replayed,
	}
}
