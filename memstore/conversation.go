package memstore

import (
	"context"
	"time"
	"unique"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// conversation is a row and everything that belongs to it.
type conversation struct {
	// The first cache line is what a list looks at.
	id       uuid.UUID // as in the row, readable without the lock
	activity int64     // ActivityAt in microseconds since 1970
	title    string    // Fold(Title)
	deleted  bool
	purged   bool
	shard    *shard // set once

	row    store.Conversation // Participants come from people
	people directory
	agent  string // Fold(AgentName)

	log series[store.Message]
	ids messageIDs

	fence  int64  // the number given out last
	active []*run // runs that hold a good number, oldest first
	queue  []*run // queued ones in the order of their turn
	runs   series[*run]
	keys   map[string]*run // by idempotency key
}

// shows reports whether the scope shows the conversation.
func (c *conversation) shows(scope store.Scope) bool {
	return c.row.Tenant == scope.Tenant &&
		(scope.Wide || c.row.Owner == scope.User || c.people.member(scope.User))
}

// touch notes a change and returns its moment, which is later than that of
// every change before.
func (c *conversation) touch(now time.Time) time.Time {
	if earliest := c.row.UpdatedAt.Add(time.Microsecond); now.Before(earliest) {
		now = earliest
	}
	c.row.UpdatedAt = now
	return now
}

// copyRow returns the row with its directory.
func (c *conversation) copyRow() *store.Conversation {
	row := c.row
	row.Participants = c.people.list
	return &row
}

// acted notes an activity.
func (c *conversation) acted(at time.Time) {
	c.row.ActivityAt, c.activity = at, at.UnixMicro()
}

// setDeleted sets the deletion time; zero clears it.
func (c *conversation) setDeleted(at time.Time) {
	c.row.DeletedAt, c.deleted = at, !at.IsZero()
}

func (c *conversation) setTitle(title string, custom bool) {
	c.row.Title, c.row.TitleCustom = title, custom
	c.title = store.Fold(title)
}

// CreateConversation implements store.Store.
func (s *Store) CreateConversation(ctx context.Context, n *store.NewConversation) (*store.Conversation, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	if n.Copy != nil {
		return s.fork(n)
	}
	sh := s.shard(n.ID)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if known := sh.conversations[n.ID]; known != nil {
		return known.created(n)
	}
	return s.enter(sh, newConversation(n)), nil
}

// created answers a creation of a known id: the stored row for the one who made it.
func (c *conversation) created(n *store.NewConversation) (*store.Conversation, error) {
	if c.row.Tenant != n.Tenant || c.row.Owner != n.Owner {
		return nil, store.ErrExists
	}
	return c.copyRow(), nil
}

// newConversation takes from n what its author gives.
func newConversation(n *store.NewConversation) *conversation {
	c := &conversation{id: n.ID, row: store.Conversation{
		Tenant:        shared(n.Tenant),
		ID:            n.ID,
		Owner:         shared(n.Owner),
		AgentID:       shared(n.AgentID),
		AgentName:     shared(n.AgentName),
		Agent:         n.Agent,
		Mode:          shared(n.Mode),
		Channel:       shared(n.Channel),
		Surface:       shared(n.Surface),
		Preview:       n.Preview,
		Defaults:      n.Defaults,
		Metadata:      n.Metadata,
		ParentID:      n.ParentID,
		ParentVersion: n.ParentVersion,
		Pending:       n.Pending,
	}}
	c.agent = store.Fold(n.AgentName)
	c.setTitle(n.Title, n.TitleCustom)
	c.people.merge([]store.Participant{{UserID: c.row.Owner, Member: true}})
	c.people.merge(n.Participants)
	return c
}

// shared returns s in the one copy that all conversations have of it: the words
// that many of them have in common are kept once, and are compared by address.
func shared(s string) string { return unique.Make(s).Value() }

// enter puts a new conversation into its shard, whose lock the caller holds.
func (s *Store) enter(sh *shard, c *conversation) *store.Conversation {
	now := s.now()
	c.shard = sh
	c.row.CreatedAt, c.row.UpdatedAt = now, now
	c.acted(now)
	sh.conversations[c.id] = c
	rosterOf(sh.tenants, c.row.Tenant).add(c)
	for _, p := range c.people.list {
		if p.Member {
			rosterOf(sh.users, userKey{c.row.Tenant, p.UserID}).add(c)
		}
	}
	return c.copyRow()
}

// GetConversation implements store.Store.
func (s *Store) GetConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
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
	return c.copyRow(), nil
}

// UpdateConversation implements store.Store.
func (s *Store) UpdateConversation(ctx context.Context, scope store.Scope, id uuid.UUID, u *store.ConversationUpdate) (*store.Conversation, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	sh := s.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c, err := sh.find(scope, id)
	if err != nil {
		return nil, err
	}
	if c.deleted {
		return nil, store.ErrDeleted
	}
	changed := c.retitle(u.Title)
	if u.Mode != nil && *u.Mode != c.row.Mode {
		c.row.Mode = shared(*u.Mode)
		changed = true
	}
	if c.mergePeople(u.Participants) {
		changed = true
	}
	if changed {
		c.touch(s.now())
	}
	return c.copyRow(), nil
}

// retitle reports whether the update changed the title or who chose it.
func (c *conversation) retitle(u *store.TitleUpdate) bool {
	if u == nil || u.Derived && (c.row.Title != "" || u.Title == "") {
		return false
	}
	custom := !u.Derived && u.Title != ""
	if u.Title == c.row.Title && custom == c.row.TitleCustom {
		return false
	}
	c.setTitle(u.Title, custom)
	return true
}
