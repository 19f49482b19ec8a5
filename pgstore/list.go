package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlListed is the condition that the query's filters show the conversation c:
// $3 mode, $4 agent, $5 channel, $6 channels left out, $7 pattern of the text.
// Each text is tried by itself, so that none is found across two of them.
const sqlListed = `c.listed
		and ($3::text = '' or c.mode = $3::text)
		and ($4::text = '' or c.agent_id = $4::text)
		and ($5::text = '' or c.channel = $5::text)
		and c.channel <> all($6::text[])
		and ($7::text is null or substr(c.title_key, 2) like $7::text or c.agent_key like $7::text
			or coalesce(c.preview_key, c.preview) like $7::text)`

// order is one of the orders of a list.
type order struct {
	columns string // what it sorts by
	behind  string // the condition of the part behind the key $8, $9
}

// The orders. The first column of each is in an index, behind the tenant and,
// in another, behind the owner; the others decide among few rows.
var orders = map[store.Sort]order{
	store.SortRecent: {
		columns: `c.activity_minute desc, c.activity_at desc, c.id desc`,
		behind: `c.activity_minute <= floor(date_part('epoch', $8::timestamptz) / 60)::int
		and (c.activity_at, c.id) < ($8::timestamptz, $9::uuid)`,
	},
	store.SortOldest: {
		columns: `c.activity_minute, c.activity_at, c.id`,
		behind: `c.activity_minute >= floor(date_part('epoch', $8::timestamptz) / 60)::int
		and (c.activity_at, c.id) > ($8::timestamptz, $9::uuid)`,
	},
	store.SortTitle: {
		columns: `left(c.title_key, 100), c.title_key, c.id`,
		behind: `left(c.title_key, 100) >= left($8::text, 100)
		and (c.title_key, c.id) > ($8::text, $9::uuid)`,
	},
}

// listStatement is a page of a list. Its last two arguments are the number of
// rows, with one more to see whether something follows, and of those left out
// before.
//
// A wide list is one walk along the index of the tenant. A user's list is two:
// along the index of the owner, and through the conversations of others that
// the user is a member of, which participant_user finds; the second is sorted
// whole, so it costs as much as there are of those.
func listStatement(o order, wide, behind bool) string {
	where, rows, skip := sqlListed, "$8::bigint", "$9::bigint"
	if behind {
		where += "\n\t\tand " + o.behind
		rows, skip = "$10::bigint", "$11::bigint"
	}
	var of string
	if wide {
		of = `select c.* from parley.conversation c
	where c.tenant = $1::text and ($2::text is not null)
		and ` + where
	} else {
		of = `select c.* from ((
		select c.* from parley.conversation c
		where c.tenant = $1::text and c.owner = $2::text
			and ` + where + `
		order by ` + o.columns + ` limit ` + rows + ` + ` + skip + `
	) union all (
		select c.* from parley.participant v join parley.conversation c on c.tenant = v.tenant and c.id = v.conversation_id
		where v.tenant = $1::text and v.user_id = $2::text and v.member and not v.owner
			and ` + where + `
		order by ` + o.columns + ` limit ` + rows + ` + ` + skip + `
	)) c`
	}
	return `with c as materialized (
	` + of + `
	order by ` + o.columns + ` limit ` + rows + ` offset ` + skip + `
)
select ` + sqlConversation + `, p.*
from c join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id ` + sqlShownDirectory + `
order by ` + o.columns
}

// countStatement counts all that a list has.
func countStatement(wide bool) string {
	if wide {
		return `select count(*) from parley.conversation c
	where c.tenant = $1::text and ($2::text is not null) and ` + sqlListed
	}
	return `select
	(select count(*) from parley.conversation c where c.tenant = $1::text and c.owner = $2::text and ` + sqlListed + `) +
	(select count(*) from parley.participant v join parley.conversation c on c.tenant = v.tenant and c.id = v.conversation_id
		where v.tenant = $1::text and v.user_id = $2::text and v.member and not v.owner and ` + sqlListed + `)`
}

// ListConversations implements store.Store.
func (s *Store) ListConversations(ctx context.Context, scope store.Scope, q *store.ListQuery) (*store.ListPage, error) {
	const name = "list conversations"
	list := s.sql.lists[listKind{q.Sort, scope.Wide, q.After != nil}]
	if list == "" {
		return nil, fail(name, fmt.Errorf("there is no order %q", q.Sort))
	}
	limit := max(q.Limit, 0)
	filter := []any{scope.Tenant, scope.User, q.Mode, q.AgentID, q.Channel, q.Exclude, pattern(q.Text)}
	if q.Exclude == nil {
		filter[5] = []string{}
	}
	args := append(filter[:7:7], listKeyArgs(q)...)
	page := &store.ListPage{}
	steps := []step{{
		sql: list, args: append(args, int64(limit)+1, int64(max(q.Offset, 0))),
		rows: func(rows pgx.Rows) (err error) {
			page.Conversations, err = scanList(rows)
			return err
		},
	}}
	if q.Count {
		var found bool
		steps = append(steps, step{sql: s.sql.counts[scope.Wide], args: filter, rows: one(&found, &page.Total)})
	}
	if err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: steps}); err != nil {
		return nil, err
	}
	if len(page.Conversations) > limit {
		page.Conversations = page.Conversations[:limit]
		if limit > 0 {
			page.Next = listKeyOf(&page.Conversations[limit-1])
		}
	}
	return page, nil
}

// listKeyArgs are the arguments $8 and $9, there only behind a key.
func listKeyArgs(q *store.ListQuery) []any {
	switch {
	case q.After == nil:
		return nil
	case q.Sort == store.SortTitle:
		return []any{titleKey(q.After.Title), pgtype.UUID{Bytes: q.After.ID, Valid: true}}
	default:
		return []any{pgtype.Timestamptz{Time: q.After.ActivityAt, Valid: true}, pgtype.UUID{Bytes: q.After.ID, Valid: true}}
	}
}

func listKeyOf(c *store.Conversation) *store.ListKey {
	return &store.ListKey{ActivityAt: c.ActivityAt, Title: store.Fold(c.Title), ID: c.ID}
}

// scanList reads a page. The directory is there only where it has more than the owner.
func scanList(rows pgx.Rows) ([]store.Conversation, error) {
	var out []store.Conversation
	for rows.Next() {
		c, err := scanConversation(rows)
		if err != nil {
			return nil, err
		}
		if len(c.Participants) < 2 {
			c.Participants = nil
		}
		out = append(out, *c)
	}
	return out, nil
}

// wildcards are what LIKE would not take as plain text.
var wildcards = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// pattern is the LIKE pattern of a text filter, null for none.
func pattern(text string) any {
	if text == "" {
		return nil
	}
	return "%" + wildcards.Replace(store.Fold(text)) + "%"
}
