package pgstore

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// A text that many conversations have is found soon on a walk along the list,
// one that few have by the index of trigrams. So the walk comes first, but goes
// only so far: probed rows, which take about as long as the index.
const probed = 500

// searchMeans says how a query's text filter is served at first.
func (s *Store) searchMeans(ctx context.Context, q *store.ListQuery) (means, error) {
	switch {
	case q.Text == "":
		return noText, nil
	default:
		indexed, err := s.searchIndexed(ctx)
		switch {
		case err != nil:
			return 0, err
		case !indexed:
			return byWalk, nil
		case q.Count:
			return bySearch, nil // all must be found anyway
		}
		return byProbe, nil
	}
}

// sqlSearchIndexed asks whether Migrate could create the index of trigrams.
const sqlSearchIndexed = `select exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where n.nspname = $1::text and c.relname = 'search_body')`

// What is known about the index.
const (
	indexUnknown int32 = iota
	indexThere
	indexMissing
)

// searchIndexed asks once.
func (s *Store) searchIndexed(ctx context.Context) (bool, error) {
	if known := s.search.Load(); known != indexUnknown {
		return known == indexThere, nil
	}
	var there, found bool
	err := s.do(ctx, &call{name: "look for the search index", access: reading, tenant: anyTenant, steps: []step{
		{sql: sqlSearchIndexed, args: []any{s.opts.Schema}, rows: one(&found, &there)},
	}})
	if err != nil {
		return false, err
	}
	known := indexMissing
	if there {
		known = indexThere
	}
	s.search.Store(known)
	return there, nil
}

// sqlFound are the conversations that may have the pattern $7: by their copied
// texts, and those whose texts are not copied as they are. The row itself
// decides. The indexes search_body, or search_owner, and conversation_unsearchable
// serve it.
func sqlFound(wide bool) string {
	owner := ` and s.owner = $2::text`
	unsearchable := ` and u.owner = $2::text`
	if wide {
		owner, unsearchable = "", ""
	}
	return `found as materialized (
	select s.conversation_id as id from parley.search s where s.tenant = $1::text` + owner + ` and s.body like $7::text
	union
	select u.id from parley.conversation u where u.tenant = $1::text` + unsearchable + ` and u.listed and not u.searchable
)`
}

// sqlIndexTexts copies the texts of up to $1 conversations that are quiet. The
// index conversation_unsearchable serves it, and the primary keys of search and
// conversation.
const sqlIndexTexts = `with quiet as materialized (
	select c.tenant, c.id, c.owner, coalesce(c.title_fold, c.title) || E'\n' || coalesce(c.agent_fold, c.agent_name) || E'\n'
		|| coalesce(c.preview_fold, c.preview) as body
	from parley.conversation c
	where c.listed and not c.searchable and c.updated_at < statement_timestamp() - $2::bigint * interval '1 microsecond'
	limit $1::bigint
	for no key update of c skip locked
), copied as (
	insert into parley.search (tenant, conversation_id, owner, body) select quiet.tenant, quiet.id, quiet.owner, quiet.body from quiet
	on conflict (tenant, conversation_id) do update set body = excluded.body where search.body <> excluded.body
)
update parley.conversation c set searchable = true from quiet where c.tenant = quiet.tenant and c.id = quiet.id`

// Texts are copied when they have not changed for quietFor, many at a time: one
// copy costs some microseconds, and after an import there are many to make.
const (
	quietFor     = 30 * time.Second
	copiesAtOnce = 2000
)

// indexTexts lets the index of trigrams find what is quiet now.
func (s *Store) indexTexts(ctx context.Context) error {
	indexed, err := s.searchIndexed(ctx)
	if err != nil || !indexed {
		return err
	}
	return s.do(ctx, &call{name: "sweep", access: writing, tenant: anyTenant, steps: []step{
		{sql: s.sql.indexTexts, args: []any{int64(copiesAtOnce), micros(quietFor)}},
	}})
}

// scanProbe reads what a probe found. whole is false when the walk ended before
// the page was full, though the list goes on.
func scanProbe(rows pgx.Rows, limit int) (out []store.Conversation, whole bool, err error) {
	var (
		walked int64
		match  bool
	)
	for rows.Next() {
		first := make([]any, len(rows.FieldDescriptions()))
		first[0], first[1] = &walked, &match
		if err := rows.Scan(first...); err != nil {
			return nil, false, err
		}
		if !match {
			break
		}
		c, err := scanShown(rows, nil, nil)
		if err != nil {
			return nil, false, err
		}
		out = append(out, *c)
	}
	return out, len(out) > limit || walked < probed, nil
}

// wildcards are what LIKE would not take as plain text.
var wildcards = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// pattern is the LIKE pattern of a text filter.
func pattern(text string) string { return "%" + wildcards.Replace(store.Fold(text)) + "%" }
