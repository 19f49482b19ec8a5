package pgstore

import (
	"context"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// sqlMessage are the columns of a message m; without one its number is 0.
const sqlMessage = `coalesce(m.seq, 0), m.id, m.run_id, m.created_at, coalesce(m.incomplete, false), coalesce(m.role, ''),
	m.author, m.parts`

// messageDest are the places of those columns.
func messageDest(m *store.Message) []any {
	return []any{&m.Seq, ident{&m.ID}, ident{&m.RunID}, moment{&m.CreatedAt}, &m.Incomplete, &m.Role, &m.Author, &m.Parts}
}

// sqlPage reads a page of the log and the head, both of one moment. A page
// without messages is one row of nulls. The primary keys of participant,
// conversation and message serve it.
const (
	sqlPage = `select c.version, ` + sqlMessage + `
from parley.conversation c left join lateral (
	select * from parley.message
	where tenant = $1::text and conversation_id = $3::uuid and seq > $5::bigint and seq < $6::bigint
	order by seq limit $7::bigint
) m on true
where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible

	sqlPageDesc = `select c.version, ` + sqlMessage + `
from parley.conversation c left join lateral (
	select * from parley.message
	where tenant = $1::text and conversation_id = $3::uuid and seq > $5::bigint and seq < $6::bigint
	order by seq desc limit $7::bigint
) m on true
where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible
)

// Messages implements store.Store.
func (s *Store) Messages(ctx context.Context, scope store.Scope, id uuid.UUID, q *store.MessageQuery) (*store.MessagePage, error) {
	const name = "read messages"
	before := int64(math.MaxInt64)
	if q.Before > 0 {
		before = q.Before
	}
	sql := s.sql.page
	if q.Desc {
		sql = s.sql.pageDesc
	}
	var page *store.MessagePage
	err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{{
		sql:  sql,
		args: append(scopeArgs(scope, id), q.After, before, int64(max(q.Limit, 0))),
		rows: func(rows pgx.Rows) (err error) {
			page, err = scanPage(rows)
			return err
		},
	}}})
	if err == nil && page == nil {
		err = fail(name, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// scanPage returns nil when there is no row.
func scanPage(rows pgx.Rows) (*store.MessagePage, error) {
	var page *store.MessagePage
	for rows.Next() {
		if page == nil {
			page = &store.MessagePage{}
		}
		var m store.Message
		if err := rows.Scan(append([]any{&page.Version}, messageDest(&m)...)...); err != nil {
			return nil, err
		}
		if m.Seq == 0 {
			continue
		}
		page.Messages = append(page.Messages, m)
	}
	return page, nil
}
