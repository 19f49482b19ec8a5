package pgstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlListed is the condition that the query's filters show the conversation c:
// $3 mode, $4 agent, $5 channel, $6 channels left out.
const sqlListed = `c.listed
		and ($3::text = '' or c.mode = $3::text)
		and ($4::text = '' or c.agent_id = $4::text)
		and ($5::text = '' or c.channel = $5::text)
		and c.channel <> all($6::text[])`

// sqlHasText is the condition that one of the texts of c and its detail d has
// the pattern $7. Each is tried by itself, so that none is found across two.
const sqlHasText = `
		and (substr(d.title_key, 2) like $7::text or d.agent_key like $7::text
			or coalesce(c.preview_key, c.preview) like $7::text)`

// order is one of the orders of a list.
type order struct {
	keys   []string // what it sorts by
	desc   bool     // all of them
	behind string   // the condition of the part behind the key, as arguments $1 and $2
	detail bool     // sorts by columns of d
}

// The orders. The first key of each is in an index, behind the tenant and, in
// another, behind the owner; the others decide among few rows.
var orders = map[store.Sort]order{
	store.SortRecent: {
		keys: []string{`c.activity_minute`, `c.activity_at`, `c.id`},
		desc: true,
		behind: `c.activity_minute <= floor(date_part('epoch', $1::timestamptz) / 60)::int
		and (c.activity_at, c.id) < ($1::timestamptz, $2::uuid)`,
	},
	store.SortOldest: {
		keys: []string{`c.activity_minute`, `c.activity_at`, `c.id`},
		behind: `c.activity_minute >= floor(date_part('epoch', $1::timestamptz) / 60)::int
		and (c.activity_at, c.id) > ($1::timestamptz, $2::uuid)`,
	},
	store.SortTitle: {
		keys: []string{`left(d.title_key, 100)`, `d.title_key`, `d.conversation_id`},
		behind: `left(d.title_key, 100) >= left($1::text, 100)
		and (d.title_key, d.conversation_id) > ($1::text, $2::uuid)`,
		detail: true,
	},
}

// by is the list behind ORDER BY.
func (o order) by(keys []string) string {
	if o.desc {
		return strings.Join(keys, " desc, ") + " desc"
	}
	return strings.Join(keys, ", ")
}

// named gives the keys the names k1, k2 ... for a query around.
func (o order) named() (columns string, names []string) {
	for i, key := range o.keys {
		name := "k" + strconv.Itoa(i+1)
		names = append(names, name)
		columns += ", " + key + " as " + name
	}
	return columns, names
}

// listKind is what the text of a list depends on.
type listKind struct {
	sort   store.Sort // "" for the count
	wide   bool
	text   bool // has a text filter
	behind bool // begins behind a key
}

// sqlList is a page of a list, or with no order the number of all it has. The
// last two arguments of a page are the number of rows, with one more to see
// whether something follows, and of those left out before.
//
// A wide list is one walk along an index of the tenant. A user's list is two:
// along an index of the owner, and through the conversations of others that the
// user is a member of, which participant_user finds; the second is sorted whole,
// so it costs as much as there are of those.
func sqlList(k listKind) string {
	o := orders[k.sort]
	args := layout{last: 6}
	where, tables := sqlListed, `parley.conversation c`
	if k.text {
		where += from(args.take(1), strings.ReplaceAll(sqlHasText, "$7", "$1"))
	}
	if k.text || o.detail {
		tables += ` join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id`
	}
	if k.behind {
		where += "\n\t\tand " + from(args.take(2), o.behind)
	}
	all, owned := `c.tenant = $1::text and $2::text is not null`, `c.tenant = $1::text and c.owner = $2::text`
	if o.detail {
		all, owned = all+` and d.tenant = $1::text and d.listed`, owned+` and d.tenant = $1::text and d.owner = $2::text`
	}
	const shared = `v.tenant = $1::text and v.user_id = $2::text and v.member and not v.owner
			and c.tenant = $1::text and c.id = v.conversation_id`
	if k.sort == "" {
		if k.wide {
			return `select count(*) from ` + tables + ` where ` + all + ` and ` + where
		}
		return `select (select count(*) from ` + tables + ` where ` + owned + ` and ` + where + `)
	+ (select count(*) from parley.participant v cross join ` + tables + ` where ` + shared + ` and ` + where + `)`
	}
	limit := from(args.take(2), ` limit $1::bigint offset $2::bigint`)
	upTo := from(args.last-1, ` limit $1::bigint + $2::bigint`)
	columns, names := o.named()
	rows := `select c.*` + columns + ` from ` + tables + `
	where ` + all + ` and ` + where + `
	order by ` + o.by(o.keys) + limit
	if !k.wide {
		rows = `select * from ((
		select c.*` + columns + ` from ` + tables + `
		where ` + owned + ` and ` + where + `
		order by ` + o.by(o.keys) + upTo + `
	) union all (
		select c.*` + columns + ` from parley.participant v cross join ` + tables + `
		where ` + shared + ` and ` + where + `
		order by ` + o.by(o.keys) + upTo + `
	)) both_of order by ` + o.by(names) + limit
	}
	return `with c as materialized (
	` + rows + `
)
select ` + sqlConversation + `, p.*
from c join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id ` + sqlShownDirectory + `
order by ` + o.by(names)
}

// ListConversations implements store.Store.
func (s *Store) ListConversations(ctx context.Context, scope store.Scope, q *store.ListQuery) (*store.ListPage, error) {
	const name = "list conversations"
	if _, ok := orders[q.Sort]; !ok {
		return nil, fail(name, fmt.Errorf("there is no order %q", q.Sort))
	}
	limit := max(q.Limit, 0)
	kind := listKind{sort: q.Sort, wide: scope.Wide, text: q.Text != "", behind: q.After != nil}
	filter := []any{scope.Tenant, scope.User, q.Mode, q.AgentID, q.Channel, append([]string{}, q.Exclude...)}
	if kind.text {
		filter = append(filter, pattern(q.Text))
	}
	page := &store.ListPage{}
	args := append(filter[:len(filter):len(filter)], listKeyArgs(q)...)
	steps := []step{{
		sql: s.sql.list.of(kind), args: append(args, int64(limit)+1, int64(max(q.Offset, 0))),
		rows: func(rows pgx.Rows) (err error) {
			page.Conversations, err = scanList(rows)
			return err
		},
	}}
	if q.Count {
		var found bool
		count := listKind{wide: kind.wide, text: kind.text}
		steps = append(steps, step{sql: s.sql.list.of(count), args: filter, rows: one(&found, &page.Total)})
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

// listKeyArgs are the arguments of the place that a list begins behind.
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

// pattern is the LIKE pattern of a text filter.
func pattern(text string) string { return "%" + wildcards.Replace(store.Fold(text)) + "%" }
