// Package reference is a store that is meant to be obviously right and nothing
// else: one lock around everything, whole copies in and out, every rule written
// where the contract states it. Package storetest compares other stores with it
// operation by operation.
//
// A Mutation switches one rule off. The suite must reject every mutant, which is
// the proof that its tests can fail.
package reference

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

// Store is the reference. It is safe for concurrent use.
type Store struct {
	mutant Mutation
	clock  func() time.Time

	mu            sync.Mutex
	conversations map[uuid.UUID]*conversation
	runs          map[uuid.UUID]*run
	listeners     []*listener
}

var _ store.Store = (*Store)(nil)

type conversation struct {
	row    store.Conversation
	log    []store.Message
	runs   []*run // in order of creation
	fences int64  // the last fencing number given out
}

type run struct {
	row     store.Run
	of      *conversation
	settles bool
	good    bool  // row.Fence may write
	ended   int64 // fencing number of the attempt that finished it; 0 if it ended otherwise
	packs   []store.EventPack
	nudges  []store.Nudge
}

// New returns an empty store that breaks the given rule; "" breaks none.
func New(mutant Mutation) *Store { return NewAt(mutant, time.Now) }

// NewAt is New with a clock.
func NewAt(mutant Mutation, clock func() time.Time) *Store {
	return &Store{
		mutant:        mutant,
		clock:         clock,
		conversations: map[uuid.UUID]*conversation{},
		runs:          map[uuid.UUID]*run{},
	}
}

func (s *Store) is(m Mutation) bool { return s.mutant == m }

// enter takes the lock unless ctx has ended; the caller unlocks.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil && !s.is(CancelledWrites) {
		if s.is(CancelledIsNotFound) {
			return store.ErrNotFound
		}
		return err
	}
	s.mu.Lock()
	return nil
}

func (s *Store) now() time.Time {
	if s.is(LocalTime) {
		return s.clock().In(time.FixedZone("local", 3600))
	}
	return s.clock().UTC().Truncate(time.Microsecond)
}

// apart lets others in between two steps that should be one.
func (s *Store) apart() {
	s.mu.Unlock()
	time.Sleep(200 * time.Microsecond)
	s.mu.Lock()
}

// touch moves UpdatedAt and returns it.
func (s *Store) touch(c *conversation) time.Time {
	now := s.now()
	if s.is(UpdatedAtByMillisecond) {
		now = now.Truncate(time.Millisecond)
	} else if !now.After(c.row.UpdatedAt) {
		now = c.row.UpdatedAt.Add(time.Microsecond)
	}
	c.row.UpdatedAt = now
	return now
}

// see finds the conversation that the scope shows.
func (s *Store) see(scope store.Scope, id uuid.UUID) (*conversation, error) {
	c := s.conversations[id]
	switch {
	case c == nil:
		return nil, store.ErrNotFound
	case c.row.Tenant != scope.Tenant && !s.is(ForeignTenantSees):
		if s.is(ForeignIsForbidden) {
			return nil, errForbidden
		}
		return nil, store.ErrNotFound
	case s.is(OwnerSeesAlone) && !scope.Wide && scope.User != c.row.Owner:
		return nil, store.ErrNotFound
	case scope.Wide || c.member(scope.User) || s.is(ForeignUserSees):
		return c, nil
	case s.is(DirectoryIsMembership) && c.listed(scope.User):
		return c, nil
	case s.is(ForeignIsForbidden):
		return nil, errForbidden
	}
	return nil, store.ErrNotFound
}

// seeRun finds the run of a conversation that the scope shows.
func (s *Store) seeRun(scope store.Scope, id uuid.UUID) (*run, error) {
	r := s.runs[id]
	if r == nil {
		return nil, store.ErrNotFound
	}
	if s.is(RunsHaveNoScope) {
		return r, nil
	}
	if s.is(RunsOfTheirStarter) && r.row.UserID != scope.User {
		return nil, store.ErrNotFound
	}
	if _, err := s.see(scope, r.of.row.ID); err != nil {
		return nil, err
	}
	return r, nil
}

// held finds the attempt that the key names while its number is good.
func (s *Store) held(key store.RunKey) (*run, error) {
	r := s.runs[key.RunID]
	if r == nil || r.row.Tenant != key.Tenant || r.row.ConversationID != key.ConversationID {
		return nil, store.ErrFenced
	}
	if !r.good || r.row.Fence != key.Fence {
		return nil, store.ErrFenced
	}
	return r, nil
}

func (c *conversation) member(user string) bool {
	return slices.ContainsFunc(c.row.Participants, func(p store.Participant) bool { return p.UserID == user && p.Member })
}

func (c *conversation) listed(user string) bool {
	return slices.ContainsFunc(c.row.Participants, func(p store.Participant) bool { return p.UserID == user })
}

// view is the row as callers get it, with nothing shared.
func (c *conversation) view() store.Conversation {
	row := c.row
	row.Participants = slices.Clone(row.Participants)
	row.Active, row.Queued = c.active(), c.queued()
	if r := c.run(row.LastRunID); r != nil {
		row.LastRunStatus = r.row.Status
	}
	return row
}

func (c *conversation) run(id uuid.UUID) *run {
	for _, r := range c.runs {
		if r.row.ID == id {
			return r
		}
	}
	return nil
}

func (c *conversation) active() (n int) {
	for _, r := range c.runs {
		if r.good {
			n++
		}
	}
	return n
}

func (c *conversation) queued() (n int) {
	for _, r := range c.runs {
		if r.row.Queued {
			n++
		}
	}
	return n
}

// merge enters people into a directory.
func merge(directory, more []store.Participant) []store.Participant {
	directory = slices.Clone(directory)
	for _, p := range more {
		i := slices.IndexFunc(directory, func(q store.Participant) bool { return q.UserID == p.UserID })
		if i < 0 {
			directory = append(directory, p)
			continue
		}
		known := &directory[i]
		known.Member = known.Member || p.Member
		known.Author = known.Author || p.Author
		if p.Name != "" {
			known.Name = p.Name
		}
		if p.AvatarURL != "" {
			known.AvatarURL = p.AvatarURL
		}
	}
	return directory
}

func refs(runs []*run) []store.RunRef {
	var out []store.RunRef
	for _, r := range runs {
		out = append(out, r.row.Ref())
	}
	return out
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

var errForbidden = errors.New("forbidden")
