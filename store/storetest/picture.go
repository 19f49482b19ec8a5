package storetest

import (
	"slices"

	"github.com/google/uuid"
	"github.com/parley-go/parley/store"
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
	all := store.Scope{Tenant: tenant, Wide: true}
	p := picture{Nudges: map[uuid.UUID][]store.Nudge{}, Packs: map[uuid.UUID][]store.EventPack{}}
	c, err := e.store.GetConversation(e.ctx, all, id)
	if err != nil {
		require.ErrorIs(e, err, store.ErrNotFound)
		p.Missing = true
		return p
	}
	p.Conversation = *c

	log, err := e.store.Messages(e.ctx, all, id, &store.MessageQuery{Limit: everything})
	require.NoError(e, err)
	p.Version, p.Messages = log.Version, slices.Concat(log.Messages)

	p.Runs, err = e.store.ListRuns(e.ctx, all, id, &store.RunQuery{Limit: everything})
	require.NoError(e, err)
	for _, r := range p.Runs {
		nudges, err := e.store.Nudges(e.ctx, all, r.ID)
		require.NoError(e, err)
		events, err := e.store.ReadEvents(e.ctx, all, r.ID, 0, everything)
		require.NoError(e, err)
		require.False(e, events.More)
		p.Nudges[r.ID], p.Packs[r.ID] = slices.Concat(nudges), slices.Concat(events.Packs)
	}
	return p
}

// unchanged requires that nothing is written by what do does.
func (e *env) unchanged(id uuid.UUID, do func()) {
	e.Helper()
	before := e.picture(id)
	do()
	require.Equal(e, before, e.picture(id), "nothing may be written")
}
