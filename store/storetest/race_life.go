package storetest

import (
	"fmt"
	"slices"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

func raceDeleteFinish(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID)
		e.enqueue(c.ID)
		errs := e.race(2, func(i int, s store.Store) (err error) {
			if i == 0 {
				_, _, err = s.DeleteConversation(e.ctx, e.scope, c.ID, []byte(`"deleted"`))
				return err
			}
			_, err = s.FinishRun(e.ctx, newFinish(r, 2))
			return err
		})
		require.NoError(e, errs[0])
		p := e.picture(c.ID)
		require.True(e, p.allEnded())
		require.Equal(e, []int{0, 0}, []int{p.Conversation.Active, p.Conversation.Queued})
		if errs[1] == nil {
			require.Equal(e, int64(2), p.Version)
			require.Equal(e, store.RunCompleted, e.getRun(r.ID).Status)
			continue
		}
		require.ErrorIs(e, errs[1], store.ErrFenced)
		require.Zero(e, p.Version)
		require.Equal(e, `"deleted"`, string(e.getRun(r.ID).Result))
	}
}

func raceDeleteStart(e *env) {
	for range 3 * rounds {
		c := e.create()
		errs := e.race(6, func(i int, s store.Store) (err error) {
			if i == 0 {
				_, _, err = s.DeleteConversation(e.ctx, e.scope, c.ID, nil)
				return err
			}
			_, err = s.StartRun(e.ctx, e.newStart(c.ID, busy(store.BusyEnqueue)))
			return err
		})
		require.NoError(e, errs[0])
		for _, err := range errs[1:] {
			if err != nil {
				require.ErrorIs(e, err, store.ErrDeleted)
			}
		}
		p := e.picture(c.ID)
		require.Len(e, p.Runs, len(winners(errs[1:])))
		require.True(e, p.allEnded(), "no run of a deleted conversation lives")
		require.Equal(e, []int{0, 0}, []int{p.Conversation.Active, p.Conversation.Queued})
	}
}

func racePurgeAppend(e *env) {
	for range 3 * rounds {
		c := e.create()
		r := e.start(c.ID)
		errs := e.race(6, func(i int, s store.Store) (err error) {
			switch {
			case i == 0:
				_, err = s.Purge(e.ctx, store.PurgeTarget{Tenant: "acme", ConversationID: c.ID})
			case i%2 == 0:
				_, err = s.Append(e.ctx, e.newAppend(c.ID, 2, func(a *store.Append) { a.Race = true }))
			default:
				_, err = s.FinishRun(e.ctx, newFinish(r, 0))
			}
			return err
		})
		require.NoError(e, errs[0])
		for i, err := range errs[1:] {
			if err != nil {
				require.ErrorIs(e, err, []error{store.ErrFenced, store.ErrNotFound}[i%2])
			}
		}
		require.True(e, e.picture(c.ID).Missing)
		require.Zero(e, e.purge(store.PurgeTarget{Tenant: "acme"}), "nothing was left behind")
	}
}

func raceCreates(e *env) {
	for range rounds {
		id := newID()
		rows := make([]*store.Conversation, racers)
		errs := e.race(racers, func(i int, s store.Store) (err error) {
			rows[i], err = s.CreateConversation(e.ctx, e.newConversation(func(n *store.NewConversation) {
				n.ID, n.Owner = id, []string{"ann", "bob"}[i%2]
			}))
			return err
		})
		row := e.get(id)
		for i, err := range errs {
			if []string{"ann", "bob"}[i%2] == row.Owner {
				require.NoError(e, err)
				require.Equal(e, row, rows[i])
			} else {
				require.ErrorIs(e, err, store.ErrExists)
			}
		}
	}
}

func raceUpdates(e *env) {
	c := e.create()
	rows := make([]*store.Conversation, 3*racers)
	for _, err := range e.race(len(rows), func(i int, s store.Store) (err error) {
		rows[i], err = s.UpdateConversation(e.ctx, e.scope, c.ID, title(fmt.Sprint("t", i)))
		return err
	}) {
		require.NoError(e, err)
	}
	slices.SortFunc(rows, func(a, b *store.Conversation) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	for i := 1; i < len(rows); i++ {
		require.True(e, rows[i].UpdatedAt.After(rows[i-1].UpdatedAt))
	}
	require.Equal(e, rows[len(rows)-1], e.get(c.ID), "the last change is the one that stays")
}
