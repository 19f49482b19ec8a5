package pgstore_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// barePage is the least that a page of 50 messages takes, by the same index.
const barePage = `select seq, id, run_id, created_at, incomplete, role, author, parts from S.message
where tenant = $1 and conversation_id = $2 and seq > 0 order by seq desc limit 50`

// BenchmarkNewest50 reads the newest 50 messages of a conversation, in a table
// of a million. The floor is the bare indexed query, scanned into the same rows.
func BenchmarkNewest50(b *testing.B) {
	s, pool := bench(b, 2)
	ctx := b.Context()
	ids := conversations(b, s, 100)
	schema := benchSchema(b, pool)
	_, err := pool.Exec(ctx, strings.ReplaceAll(`insert into S.message (tenant, conversation_id, seq, id, created_at, incomplete, role, parts)
		select 'acme', c, j, gen_random_uuid(), now(), false, 'user', ('[{"type":"text","text":"' || repeat(md5(j::text), 14) || '"}]')::json
		from unnest($1::uuid[]) c, generate_series(1, 10000) j`, "S.", schema+"."), ids)
	require.NoError(b, err)
	_, err = pool.Exec(ctx, strings.ReplaceAll(`update S.conversation set version = 10000`, "S.", schema+"."))
	require.NoError(b, err)
	_, err = pool.Exec(ctx, "vacuum analyze")
	require.NoError(b, err)
	bare := strings.ReplaceAll(barePage, "S.", schema+".")
	versus(b, 1, func(_, i int) {
		page, err := s.Messages(ctx, ann, ids[i%len(ids)], &store.MessageQuery{Limit: 50, Desc: true})
		if err != nil || len(page.Messages) != 50 || page.Messages[0].Seq != 10000 {
			b.Error(err)
		}
	}, func(_, i int) {
		rows, err := pool.Query(ctx, bare, "acme", ids[i%len(ids)])
		if err != nil {
			b.Error(err)
			return
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m store.Message, err error) {
			var run *uuid.UUID
			return m, row.Scan(&m.Seq, &m.ID, &run, &m.CreatedAt, &m.Incomplete, &m.Role, &m.Author, &m.Parts)
		})
		if err != nil || len(found) != 50 {
			b.Error(err)
		}
	})
}

// benchSchema finds the schema of the benchmark's store.
func benchSchema(b *testing.B, pool *pgxpool.Pool) (schema string) {
	b.Helper()
	require.NoError(b, pool.QueryRow(b.Context(), "select schemaname from pg_tables where tablename = 'run_event'").Scan(&schema))
	return schema
}

// listed is a store in which ann has 100,000 conversations and others as many.
func listed(b *testing.B) (*pgstore.Store, *pgxpool.Pool, string) {
	b.Helper()
	s, pool := bench(b, 2)
	schema := benchSchema(b, pool)
	fillFor(b, pool, schema, "ann", 100_000)
	fillFor(b, pool, schema, "bob", 100_000)
	for copied := 0; copied < 200_000; { // until the sweeps have copied all texts
		_, err := s.Sweep(b.Context(), &store.Sweep{Limit: 100})
		require.NoError(b, err)
		require.NoError(b, pool.QueryRow(b.Context(), "select count(*) from "+schema+".search").Scan(&copied))
	}
	_, err := pool.Exec(b.Context(), "vacuum analyze")
	require.NoError(b, err)
	return s, pool, schema
}

// bareList is the least that the first page takes: one walk along an index that
// has the order itself, which an append could not afford.
const bareList = `select c.tenant, c.id, c.owner, c.agent_id, c.agent_name, d.agent, c.title, c.title_custom, c.mode, c.channel, c.surface, c.preview,
	d.defaults, d.metadata, d.parent_id, d.parent_version, c.version, c.pending, c.last_run_id, c.last_run_status, c.created_at, c.updated_at, c.activity_at
from S.conversation c join S.detail d on d.tenant = c.tenant and d.conversation_id = c.id
where c.tenant = $1 and c.owner = $2 and c.listed and c.mode = $3 and c.channel <> $4
order by c.activity_at desc, c.id desc limit 26`

// BenchmarkList reads the first page of a user who has 100,000 conversations, as
// it is and with a text filter: one that every conversation has, one that few
// have and one that none has. The floor of the first is the bare query.
func BenchmarkList(b *testing.B) {
	s, pool, schema := listed(b)
	ctx := b.Context()
	query := func(text string) *store.ListQuery {
		return &store.ListQuery{Sort: store.SortRecent, Limit: 25, Mode: "standard", Exclude: []string{"email"}, Text: text}
	}
	b.Run("unfiltered", func(b *testing.B) {
		_, err := pool.Exec(ctx, strings.ReplaceAll("create index if not exists bare_order on S.conversation (tenant, owner, activity_at, id) where listed", "S.", schema+"."))
		require.NoError(b, err)
		bare := strings.ReplaceAll(bareList, "S.", schema+".")
		versus(b, 1, func(int, int) {
			page, err := s.ListConversations(ctx, ann, query(""))
			if err != nil || len(page.Conversations) != 25 {
				b.Error(err)
			}
		}, func(int, int) {
			rows, err := pool.Query(ctx, bare, "acme", "ann", "standard", "email")
			if err != nil {
				b.Error(err)
				return
			}
			n := 0
			for rows.Next() {
				var (
					c           store.Conversation
					parent, run *uuid.UUID
				)
				if err := rows.Scan(&c.Tenant, &c.ID, &c.Owner, &c.AgentID, &c.AgentName, &c.Agent, &c.Title, &c.TitleCustom, &c.Mode, &c.Channel,
					&c.Surface, &c.Preview, &c.Defaults, &c.Metadata, &parent, &c.ParentVersion, &c.Version, &c.Pending, &run,
					(*string)(&c.LastRunStatus), &c.CreatedAt, &c.UpdatedAt, &c.ActivityAt); err != nil {
					b.Error(err)
				}
				n++
			}
			if rows.Err() != nil || n != 26 {
				b.Error(rows.Err())
			}
		})
	})
	for name, q := range map[string]struct {
		text  string
		found int
	}{"text=all": {"number", 25}, "text=few": {"number 77777 ", 1}, "text=none": {"xyzzy", 0}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				page, err := s.ListConversations(ctx, ann, query(q.text))
				if err != nil || len(page.Conversations) != q.found {
					b.Error(err, len(page.Conversations))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
		})
	}
}
