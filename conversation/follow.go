package conversation

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Follow returns the events of a conversation from now on: those of all its
// runs, and its own changes (rule S4). The end of a run does not end it. With a
// cursor it goes on behind that event of that run, and with the runs that began
// after it. A run that raced with that one is read from its own start.
//
// A cursor of a run that the conversation does not have is ErrBadCursor. Next
// returns ErrNotFound once the conversation was purged. Needs PermRead.
func (e *Engine) Follow(ctx context.Context, caller Caller, id uuid.UUID, after Cursor, view View) (*Stream, error) {
	if err := caller.may(PermRead); err != nil {
		return nil, err
	}
	_, scope := caller.in(view)
	row, err := e.store.GetConversation(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	f := &follower{e: e, scope: scope, id: id, topic: e.hub.follow(row.Tenant, id), title: row.Title, seen: make(map[uuid.UUID]bool)}
	if err := f.begin(ctx, after); err != nil {
		f.close()
		return nil, err
	}
	return &Stream{next: f.next, close: f.close}, nil
}

// follower reads a conversation: its runs one after the other as they were
// started, each through a reader of its own.
type follower struct {
	e       *Engine
	scope   store.Scope
	id      uuid.UUID
	topic   *topic
	title   string
	seen    map[uuid.UUID]bool
	newest  store.RunCursor // of the newest run seen
	readers []*reader       // of runs that have not ended, oldest first
	failed  error           // met after events were gathered, and told when they were delivered
}

// begin finds the place to go on from.
func (f *follower) begin(ctx context.Context, after Cursor) error {
	if after.RunID == uuid.Nil {
		if after.Seq != 0 {
			return ErrBadCursor
		}
		return f.tail(ctx)
	}
	if after.Seq < 0 {
		return ErrBadCursor
	}
	row, err := f.e.store.GetRun(ctx, f.scope, after.RunID)
	if errors.Is(err, ErrNotFound) || err == nil && row.ConversationID != f.id {
		return ErrBadCursor
	}
	if err != nil {
		return err
	}
	if err := f.overtaken(ctx, row); err != nil {
		return err
	}
	f.mark(row)
	return f.read(ctx, row, after)
}

// overtaken takes in the runs that were created before the one of the cursor and
// ended after its beginning: those that waited in the queue behind it, or raced
// with it.
func (f *follower) overtaken(ctx context.Context, row *store.Run) error {
	rows, err := f.e.store.ListRuns(ctx, f.scope, f.id, &store.RunQuery{
		Limit: MaxPageSize, After: &store.RunCursor{CreatedAt: row.CreatedAt, ID: row.ID},
	})
	if err != nil {
		return err
	}
	slices.Reverse(rows)
	for i := range rows {
		f.seen[rows[i].ID] = true
		if rows[i].Status.Terminal() && !rows[i].CompletedAt.After(row.StartedAt) {
			continue
		}
		if err := f.read(ctx, &rows[i], Cursor{}); err != nil {
			return err
		}
	}
	return nil
}

// tail begins with what happens next: behind the newest event of active runs.
func (f *follower) tail(ctx context.Context) error {
	rows, err := f.e.store.ListRuns(ctx, f.scope, f.id, &store.RunQuery{Limit: MaxPageSize})
	if err != nil {
		return err
	}
	slices.Reverse(rows)
	for i := range rows {
		f.mark(&rows[i])
		if rows[i].Status.Terminal() {
			continue
		}
		from := Cursor{Seq: rows[i].EventSeq, Attempt: rows[i].Attempt}
		if l := f.e.held(rows[i].ID); l != nil {
			l.log.mu.Lock()
			from.Seq = l.log.last()
			l.log.mu.Unlock()
		}
		if err := f.read(ctx, &rows[i], from); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) mark(row *store.Run) {
	f.seen[row.ID] = true
	f.newest = store.RunCursor{CreatedAt: row.CreatedAt, ID: row.ID}
}

func (f *follower) read(ctx context.Context, row *store.Run, after Cursor) error {
	r, err := f.e.newReader(ctx, f.scope, row.ID, after)
	if err != nil {
		return err
	}
	f.readers = append(f.readers, r)
	return nil
}

func (f *follower) close() {
	for _, r := range f.readers {
		r.close()
	}
	f.readers = nil
	f.e.hub.unfollow(f.topic)
}

func (f *follower) next(ctx context.Context) ([]*Event, error) {
	for {
		changed := f.topic.wait()
		if err := f.failed; err != nil {
			f.failed = nil
			return nil, err
		}
		events, err := f.look(ctx)
		if len(events) > 0 {
			f.failed = err // what was gathered has left its place, and comes first
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		if err := f.sleep(ctx, changed); err != nil {
			return nil, err
		}
	}
}

// look gathers what there is without waiting. With an error it may return events too.
func (f *follower) look(ctx context.Context) ([]*Event, error) {
	out, err := f.poll(ctx)
	if len(out) > 0 || err != nil {
		return out, err
	}
	if out, err = f.changes(ctx); err != nil {
		return out, err
	}
	more, err := f.poll(ctx)
	return append(out, more...), err
}

// poll gathers what the runs have to say, and lets go of those that have ended.
func (f *follower) poll(ctx context.Context) ([]*Event, error) {
	var out []*Event
	var failed error
	kept := make([]*reader, 0, len(f.readers))
	for _, r := range f.readers {
		if failed != nil {
			kept = append(kept, r)
			continue
		}
		events, ended, err := r.poll(ctx)
		out = append(out, events...)
		if ended || errors.Is(err, ErrNotFound) {
			r.close()
			continue
		}
		failed = err
		kept = append(kept, r)
	}
	f.readers = kept
	return out, failed
}

// changes looks for new runs and for changes of the conversation itself.
func (f *follower) changes(ctx context.Context) ([]*Event, error) {
	row, err := f.e.store.GetConversation(ctx, f.scope, f.id)
	if err != nil {
		return nil, err
	}
	var out []*Event
	if row.Title != f.title {
		f.title = row.Title
		title := row.Title
		out = append(out, &Event{ConversationID: f.id, Type: EventTitleUpdated, EventData: EventData{Title: &title}})
	}
	fresh, err := f.newRuns(ctx)
	if err != nil {
		return out, err
	}
	if len(fresh) > 0 {
		f.catchUp(ctx)
	}
	for i := range fresh {
		if err := f.read(ctx, &fresh[i], Cursor{}); err != nil {
			return out, err
		}
		f.mark(&fresh[i])
	}
	return out, nil
}

// catchUp fetches what the runs followed so far have stored elsewhere: a run that
// began after their end must not be heard of before it.
func (f *follower) catchUp(ctx context.Context) {
	for _, r := range f.readers {
		if r.log != nil && r.log.elsewhere() {
			f.e.fetch(ctx, r.log, f.scope.Tenant)
		}
	}
}

// newRuns returns runs that were not seen yet, oldest first.
func (f *follower) newRuns(ctx context.Context) ([]store.Run, error) {
	var fresh []store.Run
	q := &store.RunQuery{Limit: MaxPageSize}
	for {
		rows, err := f.e.store.ListRuns(ctx, f.scope, f.id, q)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			older := rows[i].CreatedAt.Before(f.newest.CreatedAt)
			if f.seen[rows[i].ID] || older {
				slices.Reverse(fresh)
				return fresh, nil
			}
			fresh = append(fresh, rows[i])
		}
		if len(rows) < q.Limit {
			slices.Reverse(fresh)
			return fresh, nil
		}
		last := rows[len(rows)-1]
		q.After = &store.RunCursor{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// sleep waits for something to happen in the conversation or in one of its runs.
func (f *follower) sleep(ctx context.Context, changed <-chan struct{}) error {
	if !f.e.serving() {
		return ErrNotRunning
	}
	waiting, wake := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	for _, r := range f.readers {
		r.onChange(waiting, wake, &watchers)
	}
	var err error
	select {
	case <-changed:
	case <-waiting.Done():
	case <-f.e.background.Done():
		err = ErrNotRunning
	}
	wake()
	watchers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// poll returns what the reader can deliver without waiting, and whether that
// was the last of it.
func (r *reader) poll(ctx context.Context) (events []*Event, ended bool, err error) {
	for !r.done {
		if r.log != nil {
			r.log.mu.Lock()
			idle := r.idle()
			r.log.mu.Unlock()
			if idle {
				return events, false, nil
			}
		}
		more, err := r.next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return events, false, err
		}
		events = append(events, more...)
		if len(events) >= windowEvents {
			break
		}
	}
	return events, r.done, nil
}

// onChange calls wake at the next change of the reader's log, unless ctx ends
// before.
func (r *reader) onChange(ctx context.Context, wake func(), watchers *sync.WaitGroup) {
	if r.log == nil {
		wake()
		return
	}
	r.log.mu.Lock()
	changed, idle := r.log.changed, r.idle()
	r.log.mu.Unlock()
	if !idle {
		wake()
		return
	}
	watchers.Go(func() {
		select {
		case <-changed:
			wake()
		case <-ctx.Done():
		}
	})
}

// idle reports whether the log has nothing for the reader. Callers hold log.mu.
func (r *reader) idle() bool {
	l := r.log
	return r.at.rewinds == len(l.rewinds) && r.at.seq >= l.last() && r.at.seq+1 >= l.first && !l.gone
}
