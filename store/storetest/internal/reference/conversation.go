package reference

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
)

func (s *Store) CreateConversation(ctx context.Context, n *store.NewConversation) (*store.Conversation, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()

	if n.Copy != nil && s.is(ForkLooksAtSourceFirst) {
		if _, err := s.see(*n.Copy, n.ParentID); err != nil {
			return nil, err
		}
	}
	if c := s.conversations[n.ID]; c != nil {
		if s.is(CreateOverwrites) {
			c.row.Title = n.Title
		}
		if s.is(CreateIgnoresOwner) || c.row.Tenant == n.Tenant && c.row.Owner == n.Owner {
			row := c.view()
			return &row, nil
		}
		return nil, store.ErrExists
	}

	row := n.Conversation
	c := &conversation{}
	row.Version = 0
	if s.is(CreateTakesParentVersion) {
		row.Version = n.ParentVersion
	}
	if n.Copy != nil {
		source, err := s.see(*n.Copy, n.ParentID)
		if s.is(ForkIgnoresScope) && s.conversations[n.ParentID] != nil {
			source, err = s.conversations[n.ParentID], nil
		}
		if err != nil {
			return nil, err
		}
		if s.is(ForkRefusesDeleted) && !source.row.DeletedAt.IsZero() {
			return nil, store.ErrDeleted
		}
		if s.is(ForkTouchesParent) {
			s.touch(source)
		}
		if n.ParentVersion > source.row.Version {
			return nil, &store.VersionConflictError{Expected: n.ParentVersion, Current: source.row.Version}
		}
		row.Version = n.ParentVersion
		c.log = slices.Clone(source.log[:n.ParentVersion])
		if s.is(ForkAtZeroIsWhole) && n.ParentVersion == 0 {
			c.log = slices.Clone(source.log)
			row.Version = source.row.Version
		}
		if s.is(ForkStampsAnew) {
			for i := range c.log {
				c.log[i].CreatedAt = s.now()
			}
		}
	}
	owner := store.Participant{UserID: n.Owner, Member: true}
	row.Participants = merge([]store.Participant{owner}, n.Participants)
	if s.is(OwnerNotFirst) {
		row.Participants = merge(n.Participants, []store.Participant{owner})
	}
	row.CreatedAt = s.now()
	row.UpdatedAt, row.ActivityAt = row.CreatedAt, row.CreatedAt
	if !s.is(CreateTrustsCaller) {
		row.LastRunID, row.LastRunStatus, row.Active, row.Queued = uuid.Nil, "", 0, 0
		row.DeletedAt = time.Time{}
	}
	c.row = row
	s.conversations[row.ID] = c
	view := c.view()
	return &view, nil
}

func (s *Store) GetConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(scope, id)
	if err != nil {
		return nil, err
	}
	if s.is(DeletedIsGone) && !c.row.DeletedAt.IsZero() {
		return nil, store.ErrNotFound
	}
	row := c.view()
	if s.is(TornRow) {
		s.apart()
		row.Version = c.row.Version
	}
	if s.is(SharedRows) {
		return &c.row, nil
	}
	return &row, nil
}

func (s *Store) UpdateConversation(ctx context.Context, scope store.Scope, id uuid.UUID, u *store.ConversationUpdate) (*store.Conversation, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(scope, id)
	if err != nil {
		return nil, err
	}
	if !c.row.DeletedAt.IsZero() && !s.is(UpdateIgnoresDeletion) {
		return nil, store.ErrDeleted
	}
	changed := s.is(UpdateAlwaysTouches)
	if t := u.Title; t != nil {
		custom := !t.Derived && (t.Title != "" || s.is(BlankTitleIsCustom)) && !s.is(TitleNeverCustom)
		keep := t.Derived && (c.row.Title != "" && !s.is(DerivedOverwrites) || t.Title == "")
		if !keep && (c.row.Title != t.Title || c.row.TitleCustom != custom) {
			c.row.Title, c.row.TitleCustom, changed = t.Title, custom, true
		}
	}
	if u.Mode != nil && c.row.Mode != *u.Mode && !s.is(ModeIgnored) {
		c.row.Mode, changed = *u.Mode, true
	}
	if u.Participants != nil && !(s.is(UpdateTakesOneField) && u.Title != nil) {
		merged := merge(c.row.Participants, u.Participants)
		if s.is(DirectoryReplaced) {
			merged = merge(c.row.Participants[:1], u.Participants)
		}
		if !slices.Equal(merged, c.row.Participants) {
			c.row.Participants, changed = merged, true
		}
	}
	if changed {
		now := s.touch(c)
		if s.is(RenameIsActivity) {
			c.row.ActivityAt = now
		}
		if s.is(RenameGrowsVersion) {
			c.row.Version++
		}
	}
	row := c.view()
	return &row, nil
}

func (s *Store) DeleteConversation(ctx context.Context, scope store.Scope, id uuid.UUID, result []byte) (*store.Conversation, []store.RunRef, error) {
	if err := s.enter(ctx); err != nil {
		return nil, nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(scope, id)
	if err != nil {
		return nil, nil, err
	}
	var ended []*run
	if c.row.DeletedAt.IsZero() || s.is(DeleteTwiceMoves) {
		c.row.DeletedAt = s.touch(c)
		if s.is(DeleteIsActivity) {
			c.row.ActivityAt = c.row.DeletedAt
		}
		for _, r := range c.runs {
			if r.row.Status.Terminal() || s.is(DeleteLeavesQueued) && r.row.Queued {
				continue
			}
			good := r.good
			s.end(r, store.RunStopped, result, false)
			r.good = good && s.is(DeleteKeepsFences)
			ended = append(ended, r)
		}
	}
	row := c.view()
	return &row, refs(ended), nil
}

func (s *Store) RestoreConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	c, err := s.see(scope, id)
	if err != nil {
		return nil, err
	}
	if !c.row.DeletedAt.IsZero() || s.is(RestoreAlwaysTouches) {
		c.row.DeletedAt = time.Time{}
		s.touch(c)
		for _, r := range c.runs {
			if s.is(RestoreRevives) && r.row.Status == store.RunStopped {
				r.row.Status, r.good = store.RunPending, true
			}
		}
	}
	row := c.view()
	return &row, nil
}
