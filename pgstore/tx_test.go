package pgstore_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

func TestCreateConversationTx_CommitsWithTheHost(t *testing.T) {
	t.Parallel()
	s, pool := setup(t)
	n := newConversation(func(n *store.NewConversation) { n.Participants = []store.Participant{{UserID: "bob", Member: true}} })
	for _, commit := range []bool{false, true} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		c, err := s.CreateConversationTx(t.Context(), tx, n)
		require.NoError(t, err)
		require.Len(t, c.Participants, 2)
		again, err := s.CreateConversationTx(t.Context(), tx, n)
		require.NoError(t, err)
		require.Equal(t, c, again, "a repeat returns the row")
		_, err = s.GetConversation(t.Context(), ann, n.ID)
		require.ErrorIs(t, err, store.ErrNotFound, "not seen before the host commits")
		if commit {
			require.NoError(t, tx.Commit(t.Context()))
		} else {
			require.NoError(t, tx.Rollback(t.Context()))
		}
		_, err = s.GetConversation(t.Context(), ann, n.ID)
		if commit {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, store.ErrNotFound)
		}
	}
}

func TestCreateConversationTx_RefusalLeavesTheTransactionUsable(t *testing.T) {
	t.Parallel()
	s, pool := setup(t)
	taken := conversations(t, s, 1)[0]
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		for _, take := range []func(*store.NewConversation){
			func(n *store.NewConversation) { n.Tenant = "globex" },
			func(n *store.NewConversation) { n.Owner = "bob" },
		} {
			n := newConversation(take)
			n.ID = taken
			_, err := s.CreateConversationTx(t.Context(), tx, n)
			require.ErrorIs(t, err, store.ErrExists)
		}
		fork := newConversation(func(n *store.NewConversation) { n.ParentID, n.ParentVersion, n.Copy = taken, 3, &ann })
		_, err := s.CreateConversationTx(t.Context(), tx, fork)
		require.ErrorIs(t, err, store.ErrVersionConflict)
		bad := newConversation(func(n *store.NewConversation) { n.Defaults = []byte("not JSON") })
		_, err = s.CreateConversationTx(t.Context(), tx, bad)
		require.Error(t, err)
		_, err = s.CreateConversationTx(t.Context(), tx, newConversation())
		return err
	})
	require.NoError(t, err)
}

func TestRowLevelSecurity_IsASecondWall(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	admin := server.Pool(t, 2)
	opts := &pgstore.Options{Schema: "walled", RowLevelSecurity: true}
	require.NoError(t, pgstore.Migrate(t.Context(), admin, opts))
	require.NoError(t, pgstore.Migrate(t.Context(), admin, opts), "again")
	_, err := admin.Exec(t.Context(), `create role app login; grant usage on schema walled to app;
		grant select, insert, update, delete on all tables in schema walled to app`)
	require.NoError(t, err)
	pool := server.Pool(t, 4, asUser("app"))
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	require.NoError(t, s.Check(t.Context()))
	id := conversations(t, s, 1)[0]
	turns(t, s, 2, 3) // the engine's own work goes through the wall, too

	visible := func(tenant string) (n int) {
		require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if tenant != "" {
				if _, err := tx.Exec(t.Context(), "select set_config('parley_scope.tenant', $1, true)", tenant); err != nil {
					return err
				}
			}
			return tx.QueryRow(t.Context(), "select count(*) from walled.conversation where id = $1", id).Scan(&n)
		}))
		return n
	}
	require.Equal(t, 1, visible("acme"))
	require.Zero(t, visible("globex"), "a statement without the tenant shows nothing of it")
	require.Zero(t, visible(""), "who names none sees nothing")

	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		n := newConversation()
		_, err := s.CreateConversationTx(t.Context(), tx, n)
		return err
	})
	require.NoError(t, err)
}
