package pgstore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// setup returns a store in a schema of its own, and its pool.
func setup(t testing.TB, edits ...func(*pgstore.Options)) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	for _, edit := range edits {
		edit(opts)
	}
	return open(t, server, opts)
}

// setupPair returns two stores in one schema, each on a pool of its own, as two
// engines on one database have them.
func setupPair(t testing.TB) (a, b *pgstore.Store) {
	t.Helper()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	a, _ = open(t, server, opts)
	b, _ = open(t, server, opts)
	return a, b
}

// setupAt is setup on a pool whose transactions have the isolation level.
func setupAt(t testing.TB, level string) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	pool := server.Pool(t, 8, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
	})
	require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	return s, pool
}

func open(t testing.TB, server *pgtest.Server, opts *pgstore.Options) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	pool := server.Pool(t, 8)
	require.NoError(t, pgstore.Migrate(t.Context(), pool, opts))
	s, err := pgstore.New(pool, opts)
	require.NoError(t, err)
	return s, pool
}

var ann = store.Scope{Tenant: "acme", User: "ann"}

// newConversation is one of ann's.
func newConversation(edits ...func(*store.NewConversation)) *store.NewConversation {
	n := &store.NewConversation{Conversation: store.Conversation{
		Tenant: ann.Tenant, ID: uuid.Must(uuid.NewV7()), Owner: ann.User, Mode: "standard", Channel: "web", Surface: "web",
		Defaults: []byte(`{"system_prompt":"You are helpful."}`),
	}}
	for _, edit := range edits {
		edit(n)
	}
	return n
}

// conversations creates n of ann's.
func conversations(t testing.TB, s *pgstore.Store, n int) []uuid.UUID {
	t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		c, err := s.CreateConversation(context.Background(), newConversation())
		require.NoError(t, err)
		ids[i] = c.ID
	}
	return ids
}

// messages are n new ones of about 500 bytes.
func messages(n int) []store.Message {
	out := make([]store.Message, n)
	for i := range out {
		out[i] = store.Message{ID: uuid.Must(uuid.NewV7()), Role: "user", Parts: body(i)}
	}
	return out
}

const (
	// soon bounds every wait; what is waited for takes far less.
	soon = 20 * time.Second
	tick = 10 * time.Millisecond
)

// start starts a run of the conversation that is held for an hour.
func start(t testing.TB, s *pgstore.Store, id uuid.UUID) *store.Run {
	t.Helper()
	res, err := s.StartRun(t.Context(), newStart(id))
	require.NoError(t, err)
	return &res.Run
}

func newStart(id uuid.UUID) *store.StartRun {
	return &store.StartRun{
		Scope: ann, ConversationID: id, ID: uuid.Must(uuid.NewV7()), Fingerprint: "f", Spec: []byte(`{"do":"it"}`),
		Timeout: time.Minute, Busy: store.BusyReject, Lease: &store.Lease{Owner: "w", Duration: time.Hour},
	}
}

// asUser connects as the role.
func asUser(role string) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.User = role }
}

// fillFor puts n conversations of a user into the tables, a minute apart, with
// numbered titles.
func fillFor(t testing.TB, pool *pgxpool.Pool, schema, owner string, n int) {
	t.Helper()
	_, err := pool.Exec(context.Background(), strings.ReplaceAll(`
with new as materialized (
	select gen_random_uuid() as id, now() - i * interval '1 minute' as at, 'Number ' || i || ' of many' as title, 'said ' || md5(i::text) as preview
	from generate_series(1, $2::int) i
), c as (
	insert into S.conversation (tenant, id, owner, created_at, updated_at, activity_at, activity_minute, title_custom, shared,
		mode, channel, surface, agent_id, agent_name, title, title_fold, preview)
	select 'acme', id, $1::text, at, at, at, floor(date_part('epoch', at) / 60)::int, false, false, 'standard', 'web', 'web', '', '', title, lower(title), preview
	from new
), d as (
	insert into S.detail (tenant, conversation_id, owner, title_key, defaults, parent_version)
	select 'acme', id, $1::text, '0' || lower(title), '{"system_prompt":"You are helpful."}', 0 from new
)
insert into S.participant select 'acme', id, $1::text, '', '', true, false, true, at, 1 from new`, "S.", schema+"."), owner, n)
	require.NoError(t, err)
}
