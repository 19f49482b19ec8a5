package memstore

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// Messages implements store.Store. An ascending page within one chunk shares
// the rows themselves, every page the bytes in them.
func (s *Store) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	sh := s.shard(id)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	c, err := sh.find(scope, id)
	if err != nil {
		return nil, err
	}
	from, to := window(q, c.row.Version)
	page := &store.MessagePage{Version: c.row.Version}
	if q.Desc {
		page.Messages = c.log.backward(from, to)
	} else {
		page.Messages = c.log.slice(from, to)
	}
	return page, nil
}

// window turns a query into rows from to to-1 of the log, counted from 0.
func window(q *store.MessageQuery, head int64) (from, to int) {
	first, last := max(q.After, 0), head // rows behind first, up to last
	if q.Before > 0 && q.Before-1 < last {
		last = q.Before - 1
	}
	if first >= last || q.Limit <= 0 {
		return 0, 0
	}
	if limit := int64(q.Limit); last-first > limit {
		if q.Desc {
			first = last - limit
		} else {
			last = first + limit
		}
	}
	return int(first), int(last)
}

// land adds messages at the head with everything that a transition leaves
// behind it, and returns them as stored. The caller has made all checks.
func (c *conversation) land(tail *store.Tail, at time.Time) []store.Message {
	from := c.log.n
	for i := range tail.Messages {
		m := tail.Messages[i]
		m.Seq = int64(c.log.n) + 1
		m.CreatedAt = at
		c.log.push(m)
	}
	c.ids.add(&c.log, from, c.log.n)
	c.row.Version = int64(c.log.n)
	c.row.Pending = tail.Pending
	if tail.Preview != "" {
		c.row.Preview = tail.Preview
	}
	c.acted(at)
	c.mergePeople(tail.Participants)
	return c.log.slice(from, c.log.n)
}

// knows returns how many of the messages have an id that the log has already.
func (c *conversation) knows(messages []store.Message) int {
	n := 0
	for i := range messages {
		if c.ids.find(&c.log, messages[i].ID) != 0 {
			n++
		}
	}
	return n
}

// comparedUpTo is the number of messages up to which comparing each with each
// is quicker than a map.
const comparedUpTo = 16

// distinct reports whether no two of the messages share an id.
func distinct(messages []store.Message) bool {
	if len(messages) <= comparedUpTo {
		for i := range messages {
			for j := range i {
				if messages[i].ID == messages[j].ID {
					return false
				}
			}
		}
		return true
	}
	seen := make(map[uuid.UUID]struct{}, len(messages))
	for i := range messages {
		seen[messages[i].ID] = struct{}{}
	}
	return len(seen) == len(messages)
}
