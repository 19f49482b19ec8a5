package storetest

import (
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everything is a limit that no check reaches.
const everything = 100_000

// picture is everything that can be seen of one conversation. Two pictures are
// equal exactly when nothing was written between them.
type picture struct {
	Missing      bool
	Conversation store.Conversation
	Version      int64
	Messages     []store.Message
	Runs         []store.Run
	Nudges       map[uuid.UUID][]store.Nudge
	Packs        map[uuid.UUID][]store.EventPack
}

// picture looks at everything of the conversation.
func (e *env) picture(id uuid.UUID) picture {
	e.Helper()
	return e.pictureIn(e.scope.Tenant, id)
}

func (e *env) pictureIn(tenant string, id uuid.UUID) picture {
	e.Helper()
	p, err := e.look(tenant, id)
	require.NoError(e, err)
	return p
}

// settled looks after a write whose outcome is unknown. Such a write may be
// applied between the reads that make a picture, so that no moment looked like
// it: it is taken until two in a row are the same.
func (e *env) settled(id uuid.UUID) picture {
	e.Helper()
	last, err := e.look(e.scope.Tenant, id)
	for range 100 {
		next, failed := e.look(e.scope.Tenant, id)
		if err == nil && failed == nil && assert.ObjectsAreEqual(last, next) {
			return next
		}
		last, err = next, failed
	}
	require.NoError(e, err)
	require.Fail(e, "a write without an answer goes on and on")
	return last
}

// look takes a picture. Its error is ErrNotFound if the conversation went away
// while it was taken.
func (e *env) look(tenant string, id uuid.UUID) (picture, error) {
	e.Helper()
	all := store.Scope{Tenant: tenant, Wide: true}
	p := picture{Nudges: map[uuid.UUID][]store.Nudge{}, Packs: map[uuid.UUID][]store.EventPack{}}
	c, err := e.store.GetConversation(e.ctx, all, id)
	if errors.Is(err, store.ErrNotFound) {
		p.Missing = true
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.Conversation = *c

	log, err := e.store.Messages(e.ctx, all, id, &store.MessageQuery{Limit: everything})
	if err != nil {
		return p, err
	}
	p.Version, p.Messages = log.Version, slices.Concat(log.Messages)

	if p.Runs, err = e.store.ListRuns(e.ctx, all, id, &store.RunQuery{Limit: everything}); err != nil {
		return p, err
	}
	for _, r := range p.Runs {
		nudges, err := e.store.Nudges(e.ctx, all, r.ID)
		if err != nil {
			return p, err
		}
		events, err := e.store.ReadEvents(e.ctx, all, r.ID, 0, everything)
		if err != nil {
			return p, err
		}
		require.False(e, events.More)
		p.Nudges[r.ID], p.Packs[r.ID] = slices.Concat(nudges), slices.Concat(events.Packs)
	}
	return p, nil
}

// unchanged requires that nothing is written by what do does.
func (e *env) unchanged(id uuid.UUID, do func()) {
	e.Helper()
	before := e.picture(id)
	do()
	require.Equal(e, before, e.picture(id), "nothing may be written")
}
