package conversation

import (
	"maps"
	"sync"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// fixed is what never changes about a conversation, decoded. A turn that knows
// it starts with one statement: the store decides everything that may change.
// It is shared, so what is given out of it is cloned.
type fixed struct {
	row      store.Conversation // its fixed fields
	defaults Defaults
	agent    *Agent
}

func newFixed(row *store.Conversation) (*fixed, error) {
	f := &fixed{row: *row}
	var err error
	if f.defaults, err = decodeDefaults(row.Defaults); err != nil {
		return nil, err
	}
	if row.Agent != nil {
		f.agent = new(Agent)
		if err := decodeRow(row.Agent, f.agent, "agent"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// complete returns a row with the fixed fields filled in.
func (f *fixed) complete(row store.Conversation) *store.Conversation {
	row.AgentName, row.Agent = f.row.AgentName, f.row.Agent
	row.Defaults, row.Metadata = f.row.Defaults, f.row.Metadata
	row.ParentID, row.ParentVersion = f.row.ParentID, f.row.ParentVersion
	return &row
}

// fixedCache remembers the conversations used of late, in two generations: when
// the young one is full it becomes the old one, and what is in the old one and
// asked for again is young. It says nothing about whether a conversation is
// still there, and nothing at all to those who were not shown it before: what
// is foreign must take the way of what is absent (rule A2).
type fixedCache struct {
	mu         sync.Mutex
	young, old map[fixedKey]*fixed
}

type fixedKey struct {
	tenant, user string
	id           uuid.UUID
}

// The bounds of the cache: some thousand conversations, of the usual size.
const (
	fixedGeneration = 2048
	fixedMaxBytes   = 32 << 10
)

func (c *fixedCache) get(caller Caller, id uuid.UUID) *fixed {
	key := fixedKey{caller.Tenant, caller.User, id}
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.young[key]
	if !ok {
		if f, ok = c.old[key]; ok {
			c.add(key, f)
		}
	}
	return f
}

// put remembers what the caller was shown.
func (c *fixedCache) put(caller Caller, f *fixed) {
	if len(f.row.Defaults)+len(f.row.Metadata)+len(f.row.Agent) > fixedMaxBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(fixedKey{caller.Tenant, caller.User, f.row.ID}, f)
}

// drop forgets a conversation, or with uuid.Nil those of the tenant: they were
// purged, and their ids may be used again.
func (c *fixedCache) drop(tenant string, id uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range []map[fixedKey]*fixed{c.young, c.old} {
		maps.DeleteFunc(m, func(k fixedKey, _ *fixed) bool { return k.tenant == tenant && (id == uuid.Nil || k.id == id) })
	}
}

func (c *fixedCache) add(key fixedKey, f *fixed) {
	if len(c.young) >= fixedGeneration {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = make(map[fixedKey]*fixed)
	}
	c.young[key] = f
}
