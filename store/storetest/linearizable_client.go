package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// repeats is how often a client makes a call again whose outcome is unknown.
// Some clients give up at once, as one that crashed.
const repeats = 5

// client is one of the concurrent users of the logs.
type client struct {
	*history
	id    int
	draw  *rand.Rand
	heads map[uuid.UUID]int64 // the head it saw last
}

// act does one thing to one of the logs.
func (c *client) act() {
	id := c.conversations[c.draw.IntN(len(c.conversations))]
	switch n := c.draw.IntN(100); {
	case n < 40:
		c.append(id, c.heads[id])
	case n < 55:
		c.append(id, -1)
	case n < 75:
		c.turn(id)
	case n < 80:
		c.rescue()
	default:
		c.read(id)
	}
}

// again makes a write until it has an outcome, or this client gives up.
func (c *client) again(call func() error) error {
	left := c.draw.IntN(repeats)
	for {
		err := call()
		if !isUnknown(err) && !errors.Is(err, store.ErrUnavailable) || left == 0 || c.ctx.Err() != nil {
			return err
		}
		left--
	}
}

// append adds one to three messages at the expected head.
func (c *client) append(id uuid.UUID, expected int64) {
	a := &store.Append{Scope: c.scope, ConversationID: id, Race: true, Tail: store.Tail{Messages: messages(1 + c.draw.IntN(3))}}
	if expected >= 0 {
		a.Expected = &expected
	}
	o := operation{client: c.id, call: c.now(), conversation: id, ids: ids(a.Messages), expected: expected}
	unknown := false
	err := c.again(func() error {
		result, err := c.store.Append(c.ctx, a)
		if err == nil {
			o.version = result.Version
		}
		unknown = unknown || isUnknown(err)
		return err
	})
	c.outcome("append", o, err, unknown)
}

// outcome records what became of an append. unknown says that at least one of
// its tries was.
func (c *client) outcome(call string, o operation, err error, unknown bool) {
	o.end = c.now()
	var conflict *store.VersionConflictError
	switch {
	case err == nil:
		o.kind = appended
		c.heads[o.conversation] = o.version
	case errors.As(err, &conflict):
		o.kind, o.version = refused, conflict.Current
		c.heads[o.conversation] = conflict.Current
		if conflict.Expected != o.expected {
			c.wrong(call, err)
		}
	case isUnknown(err), unknown && errors.Is(err, store.ErrUnavailable):
		o.kind = lost
	case errors.Is(err, store.ErrUnavailable):
		return // it was not applied
	case errors.Is(err, store.ErrFenced):
		// Another client rescued the run, so this attempt was not applied, or
		// its first try was and the answer to that was lost.
		if !unknown {
			return
		}
		o.kind = lost
	default:
		c.wrong(call, err)
		return
	}
	c.record(o)
}

// turn starts a run and lets it land, some after their lease is over.
func (c *client) turn(id uuid.UUID) {
	lease := time.Hour
	if c.draw.IntN(2) == 0 {
		lease = time.Microsecond
	}
	s := &store.StartRun{
		Scope: c.scope, ConversationID: id, ID: newID(), Spec: []byte(`{}`), Timeout: time.Hour,
		Busy: store.BusyRace, Lease: &store.Lease{Owner: "client", Duration: lease},
	}
	var run store.Run
	err := c.again(func() error {
		result, err := c.store.StartRun(c.ctx, s)
		if err == nil {
			run = result.Run
		}
		return err
	})
	if store.SafeToRepeat(err) {
		return
	}
	if err != nil {
		c.wrong("start", err)
		return
	}
	if run.Attempt != 1 || run.Status != store.RunRunning {
		return // it was rescued before the answer came, and is another's
	}
	if lease != time.Hour && c.draw.IntN(2) == 0 {
		c.rescue() // most likely its own run
	}
	c.land(&run)
}

// rescue takes over runs whose lease is over and lets them land.
func (c *client) rescue() {
	claimed, err := c.store.Claim(c.ctx, &store.Claim{Lease: store.Lease{Owner: "rescuer", Duration: time.Hour}, Limit: 3})
	if err != nil && !store.SafeToRepeat(err) {
		c.wrong("claim", err)
	}
	for _, r := range claimed {
		c.claimed(&r.Run)
		c.land(&r.Run)
	}
}

// land ends a run with its messages. If another landed first it ends without.
func (c *client) land(r *store.Run) {
	f := newFinish(r, 1+c.draw.IntN(2))
	o := operation{client: c.id, call: c.now(), conversation: r.ConversationID, ids: ids(f.Messages), expected: r.BaseVersion}
	unknown, replaced := false, c.replaced(r)
	err := c.again(func() error {
		result, err := c.store.FinishRun(c.ctx, f)
		if err == nil {
			o.version = result.Run.Version
			if !slices.Equal(ids(result.Messages), o.ids) {
				c.wrong("finish", errors.New("answered with other messages"))
			}
		}
		unknown = unknown || isUnknown(err)
		return err
	})
	switch fenced := errors.Is(err, store.ErrFenced); {
	case replaced && !fenced && !store.SafeToRepeat(err):
		c.wrong("finish", fmt.Errorf("of a replaced attempt is answered with %v", err))
	case fenced && r.LeaseUntil.Sub(r.StartedAt) > time.Minute && !replaced:
		c.wrong("finish", errors.New("of the only attempt is fenced"))
	}
	c.outcome("finish", o, err, unknown)
	if errors.Is(err, store.ErrVersionConflict) {
		err = c.again(func() error {
			_, err := c.store.FinishRun(c.ctx, newFinish(r, 0, func(f *store.FinishRun) { f.Status = store.RunFailed }))
			return err
		})
		if err != nil && !store.SafeToRepeat(err) && !errors.Is(err, store.ErrFenced) {
			c.wrong("finish without messages", err)
		}
	}
}

// read looks at the whole log and reports whether it could.
func (c *client) read(id uuid.UUID) bool {
	o := operation{client: c.id, call: c.now(), conversation: id, kind: read}
	page, err := c.store.Messages(c.ctx, c.scope, id, &store.MessageQuery{Limit: everything})
	o.end = c.now()
	if err != nil {
		if !errors.Is(err, store.ErrUnavailable) {
			c.wrong("messages", err)
		}
		return false
	}
	o.ids, o.version = ids(page.Messages), page.Version
	if c.heads != nil {
		c.heads[id] = page.Version
	}
	c.record(o)
	return true
}
