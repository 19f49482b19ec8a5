package conversation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Stream is one reader of events. It has no buffer of its own: a reader that is
// slow finds what it missed in memory or in the store, and slows nobody. It is
// for one goroutine.
type Stream struct {
	next  func(ctx context.Context) ([]*Event, error)
	close func()
}

// Next returns the next events, at least one, waiting for it within ctx. After
// the terminal event of a run it returns io.EOF; when the engine shuts down,
// ErrNotRunning: the run goes on elsewhere, and a reader can resume there.
func (s *Stream) Next(ctx context.Context) ([]*Event, error) { return s.next(ctx) }

// Close lets go of the stream. It stops nothing but reading.
func (s *Stream) Close() {
	if s.close != nil {
		s.close()
		s.close = nil
	}
}

// All ranges over the events until the stream ends, and closes it. An end that
// is no io.EOF is the last thing yielded.
func (s *Stream) All(ctx context.Context) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		defer s.Close()
		for {
			events, err := s.Next(ctx)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(nil, err)
				}
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Events returns the events of a run behind the cursor, from the start with the
// zero Cursor: each of them once, in order, then the terminal event (rule S1).
// It makes no difference which process runs the run, or whether it is over.
//
// A cursor from before a restart of the run, or beyond what its dead process
// had stored, resumes at EventRunRestarted. A cursor that names another run is
// ErrBadCursor. Needs PermRead.
func (e *Engine) Events(ctx context.Context, caller Caller, run uuid.UUID, after Cursor, view View) (*Stream, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	_, scope := caller.in(view)
	if after.RunID != uuid.Nil && after.RunID != run || after.Seq < 0 {
		// Whether the run exists is decided first: a cursor must not tell.
		if _, err := e.store.GetRun(ctx, scope, run); err != nil {
			return nil, err
		}
		return nil, ErrBadCursor
	}
	r, err := e.newReader(ctx, scope, run, after)
	if err != nil {
		return nil, err
	}
	return &Stream{next: r.next, close: r.close}, nil
}

// reader reads the events of one run.
type reader struct {
	e     *Engine
	scope store.Scope
	run   uuid.UUID
	log   *runLog // nil when the run was over at the start
	at    place
	fresh bool // began at zero
	done  bool
}

func (e *Engine) newReader(ctx context.Context, scope store.Scope, run uuid.UUID, after Cursor) (*reader, error) {
	row, err := e.store.GetRun(ctx, scope, run)
	if err != nil {
		return nil, err
	}
	r := &reader{e: e, scope: scope, run: run, fresh: after.Seq == 0}
	if row.Status.Terminal() && seenEnd(row, after) {
		r.done = true
		return r, nil
	}
	if r.at.seq, err = e.resumeAt(ctx, scope, row, after); err != nil {
		return nil, err
	}
	if row.Status.Terminal() {
		return r, nil
	}
	r.log = e.hub.attach(row)
	r.log.place(&r.at, after.Attempt)
	poke(e.wakeWatch)
	return r, nil
}

// seenEnd reports whether a cursor lies behind the end of a run that is over. One
// that was given by a process which died, and is beyond what it had stored, does not.
func seenEnd(row *store.Run, after Cursor) bool {
	return after.Seq >= row.EventSeq && (row.Attempt <= 1 || after.Attempt >= row.Attempt)
}

// resumeAt moves a cursor back to before the restart of the run that it has not
// seen, so that nobody goes silently on from a text that was started over. It
// knows the restarts that are stored; the newest may be in memory only.
func (e *Engine) resumeAt(ctx context.Context, scope store.Scope, row *store.Run, after Cursor) (int64, error) {
	if after.Seq == 0 || row.Attempt <= 1 || after.Attempt >= row.Attempt {
		return after.Seq, nil
	}
	events, err := e.storedEvents(ctx, scope, row.ID, 0)
	if err != nil {
		return 0, err
	}
	if to, ok := unseenRestart(events, after.Seq, after.Attempt); ok {
		return to, nil
	}
	return after.Seq, nil
}

// unseenRestart finds the place just before the first restart that a cursor
// covers by its number, though its attempt is an earlier one.
func unseenRestart(events []*Event, seq int64, attempt int) (to int64, ok bool) {
	for _, ev := range events {
		if ev.Type == EventRunRestarted && ev.Seq <= seq && ev.Attempt > attempt {
			return ev.Seq - 1, true
		}
	}
	return 0, false
}

func (r *reader) close() {
	if r.log != nil {
		r.e.hub.leave(r.log)
		r.log = nil
	}
}

func (r *reader) next(ctx context.Context) ([]*Event, error) {
	for {
		if r.done {
			return nil, io.EOF
		}
		if r.log == nil {
			return r.rest(ctx)
		}
		events, behind, changed, gone := r.log.take(&r.at)
		switch {
		case len(events) > 0:
			return r.deliver(events), nil
		case gone:
			return nil, ErrNotFound
		case behind:
			events, err := r.stored(ctx)
			if err != nil || len(events) > 0 {
				return r.deliver(events), err
			}
			// The store no longer has what comes next: the run has ended, and its
			// events were kept for as long as they are.
			return r.rest(ctx)
		}
		if !r.e.serving() {
			return nil, ErrNotRunning
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-r.e.background.Done():
			return nil, ErrNotRunning
		}
	}
}

// deliver moves the reader behind the events.
func (r *reader) deliver(events []*Event) []*Event {
	if n := len(events); n > 0 {
		r.at.seq = events[n-1].Seq
		r.done = events[n-1].Type.Terminal()
		r.fresh = false
	}
	return events
}

// stored reads one page of older events; none when the next one is gone.
func (r *reader) stored(ctx context.Context) ([]*Event, error) {
	page, err := r.e.store.ReadEvents(ctx, r.scope, r.run, r.at.seq, feedPacks)
	if err != nil {
		return nil, err
	}
	return r.decode(page)
}

// decode returns the events of a page that the reader has not seen; none when the
// one that follows its place is not among them.
func (r *reader) decode(page *store.EventPage) ([]*Event, error) {
	if len(page.Packs) > 0 && page.Packs[0].First > r.at.seq+1 {
		return nil, nil
	}
	var events []*Event
	for i := range page.Packs {
		more, err := decodePack(page.Run.ConversationID, r.run, &page.Packs[i])
		if err != nil {
			return nil, err
		}
		for _, ev := range more {
			if ev.Seq > r.at.seq {
				events = append(events, ev)
			}
		}
	}
	return events, nil
}

// rest reads what is left of a run that is over, a part at a time. Deltas are put
// together for a reader that began at the start; one that resumes gets them as
// they were.
func (r *reader) rest(ctx context.Context) ([]*Event, error) {
	page, err := r.e.store.ReadEvents(ctx, r.scope, r.run, r.at.seq, restPacks)
	if err != nil {
		return nil, err
	}
	if !page.Run.Status.Terminal() {
		return nil, fmt.Errorf("%w: events behind %d of a run that goes on are missing", errCorrupt, r.at.seq)
	}
	events, err := r.decode(page)
	if err != nil {
		return nil, err
	}
	end, err := endOf(&page.Run)
	if err != nil {
		return nil, err
	}
	last := r.at.seq
	if n := len(events); n > 0 {
		last = events[n-1].Seq
	}
	switch {
	case page.More && len(events) > 0:
	case last < end.Seq-1: // some are gone from the store
		if events, err = r.e.remake(ctx, r.scope, &page.Run, r.at.seq > 0); err != nil {
			return nil, err
		}
		events = append(events, end)
	default:
		events = append(events, end)
	}
	whole := r.fresh
	if whole {
		events = coalesce(events)
	}
	r.deliver(events)
	r.fresh = whole
	return events, nil
}

// restPacks is how many packs of an ended run are read at once. A replay puts the
// deltas of that many together.
const restPacks = 256
