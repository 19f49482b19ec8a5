package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlListed is the condition that the query's filters show the conversation c:
// $3 mode, $4 agent, $5 channel, $6 channels left out. Each is a CASE, which the
// planner takes to hold for every second row. From the columns' statistics it
// may conclude that none is left, and then sorts all instead of walking along
// the index until the page is full.
const sqlListed = `c.listed
		and case when $3::text = '' then true else c.mode = $3::text end
		and case when $4::text = '' then true else c.agent_id = $4::text end
		and case when $5::text = '' then true else c.channel = $5::text end
		and case when c.channel = any($6::text[]) then false else true end`

// sqlHasText is the condition that one of the texts of c has the pattern $1. Each
// is tried by itself, so that none is found across two.
const sqlHasText = `case when coalesce(c.title_fold, c.title) like $1::text or coalesce(c.preview_fold, c.preview) like $1::text
			or coalesce(c.agent_fold, c.agent_name) like $1::text then true else false end`

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
	behind bool  // begins behind a key
	by     means // how a text filter is served
	upTo   int   // rows that are enough of each walk; 0 when that is an argument
}

// enough are the numbers of rows up to which a walk is planned. The number stands
// in the text, because a plan that is kept for any number is one for many.
var enough = []int{26, 51, 101, 501}

// means are the ways to serve a text filter.
type means int

const (
	noText   means = iota
	byWalk         // the list is walked until the page is full
	byProbe        // its beginning is walked, up to probed rows
	bySearch       // the index search_body finds the rows
)

// listParts are the parts of a list's text. $1 tenant, $2 user, $3 to $6 filters;
// further arguments follow in the order pattern, key, limit, offset.
type listParts struct {
	order        order
	args         layout
	text         string // condition of the text filter
	where        string // all other conditions
	tables       string
	owned, wider string // what the user owns; what the tenant has
	shared       string // what others share with the user
	columns      string
	names        []string
}

func partsOf(k listKind) *listParts {
	p := &listParts{order: orders[k.sort], args: layout{last: 6}, where: sqlListed, tables: `parley.conversation c`}
	if k.by != noText {
		p.text = from(p.args.take(1), sqlHasText)
	}
	if k.behind {
		p.where += "\n\t\tand " + from(p.args.take(2), p.order.behind)
	}
	p.wider, p.owned = `c.tenant = $1::text and $2::text is not null`, `c.tenant = $1::text and c.owner = $2::text`
	if p.order.detail {
		p.tables += ` join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id`
		p.wider, p.owned = p.wider+` and d.tenant = $1::text and d.listed`, p.owned+` and d.tenant = $1::text and d.owner = $2::text`
	}
	p.shared = `v.tenant = $1::text and v.user_id = $2::text and v.member and not v.owner
			and c.tenant = $1::text and c.id = v.conversation_id`
	if p.columns, p.names = p.order.named(); k.by == byWalk || k.by == bySearch {
		p.where += "\n\t\tand " + p.text
	}
	return p
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
	p := partsOf(k)
	with, owned := `with `, p.owned
	if k.wide {
		owned = p.wider
	}
	if k.by == bySearch {
		with, owned = `with `+sqlFound(k.wide)+`, `, owned+` and c.id in (select id from found)`
	}
	if k.sort == "" {
		count := `(select count(*) from ` + p.tables + ` where ` + owned + ` and ` + p.where + `)`
		if !k.wide {
			count += `
	+ (select count(*) from parley.participant v cross join ` + p.tables + ` where ` + p.shared + ` and ` + p.where + `)`
		}
		return with + `n as (select ` + count + ` as total) select total from n`
	}
	limit := p.args.take(2)
	page, upTo := from(limit, ` limit $1::bigint offset $2::bigint`), from(limit, ` limit $1::bigint + $2::bigint`)
	switch {
	case k.by == byProbe:
		page, upTo = ` limit `+strconv.Itoa(probed), ` limit `+strconv.Itoa(probed)
	case k.upTo > 0:
		upTo = ` limit ` + strconv.Itoa(k.upTo)
	}
	rows := `(` + p.rows(p.tables, owned, upTo) + `)`
	if !k.wide {
		rows += ` union all (
		` + p.rows(`parley.participant v cross join `+p.tables, p.shared, upTo) + `)`
	}
	rows = `select * from (` + rows + `) walked order by ` + p.order.by(p.names) + page
	if k.by != byProbe {
		return with + `c as materialized (
	` + rows + `
)
select ` + sqlConversation + `, p.*
from c join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id ` + sqlShownDirectory + `
order by ` + p.order.by(p.names)
	}
	// Without a match there is one row, which says how far the walk came.
	return with + `probe as materialized (
	` + rows + `
), c as materialized (
	select * from probe c where ` + p.text + `
	order by ` + p.order.by(p.names) + from(limit, ` limit $1::bigint offset $2::bigint`) + `
)
select (select count(*) from probe), c.id is not null, ` + sqlConversation + `, p.*
from (select) one left join c on true left join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id ` +
		sqlShownDirectory + `
order by ` + p.order.by(p.names)
}

// rows selects rows with their keys, in order.
func (p *listParts) rows(tables, of, limit string) string {
	return `select c.*` + p.columns + ` from ` + tables + `
		where ` + of + ` and ` + p.where + `
		order by ` + p.order.by(p.order.keys) + limit
}

// ListConversations implements store.Store.
func (s *Store) ListConversations(ctx context.Context, scope store.Scope, q *store.ListQuery) (*store.ListPage, error) {
	const name = "list conversations"
	if _, ok := orders[q.Sort]; !ok {
		return nil, fail(name, fmt.Errorf("there is no order %q", q.Sort))
	}
	by, err := s.searchMeans(ctx, q)
	if err != nil {
		return nil, err
	}
	page, whole, err := s.listBy(ctx, scope, q, by)
	if err == nil && !whole {
		page, _, err = s.listBy(ctx, scope, q, bySearch)
	}
	return page, err
}

// listBy reads a page by the means. whole is false when a probe did not come far
// enough to tell.
func (s *Store) listBy(ctx context.Context, scope store.Scope, q *store.ListQuery, by means) (page *store.ListPage, whole bool, err error) {
	limit := max(q.Limit, 0)
	kind := listKind{sort: q.Sort, wide: scope.Wide, behind: q.After != nil, by: by}
	if i, _ := slices.BinarySearch(enough, limit+1); q.Offset <= 0 && i < len(enough) && by != byProbe {
		kind.upTo = enough[i]
	}
	filter := []any{scope.Tenant, scope.User, q.Mode, q.AgentID, q.Channel, append([]string{}, q.Exclude...)}
	if by != noText {
		filter = append(filter, pattern(q.Text))
	}
	page, whole = &store.ListPage{}, true
	args := slices.Concat(filter, listKeyArgs(q))
	steps := []step{{
		sql: s.sql.list.of(kind), planned: by == bySearch, args: append(args, int64(limit)+1, int64(max(q.Offset, 0))),
		rows: func(rows pgx.Rows) (err error) {
			if by == byProbe {
				page.Conversations, whole, err = scanProbe(rows, limit)
			} else {
				page.Conversations, err = scanList(rows)
			}
			return err
		},
	}}
	if q.Count {
		var found bool
		count := listKind{wide: kind.wide, by: by}
		steps = append(steps, step{sql: s.sql.list.of(count), planned: by == bySearch, args: filter, rows: one(&found, &page.Total)})
	}
	if err := s.do(ctx, &call{name: "list conversations", access: reading, tenant: scope.Tenant, steps: steps}); err != nil {
		return nil, false, err
	}
	if len(page.Conversations) > limit {
		page.Conversations = page.Conversations[:limit]
		if limit > 0 {
			page.Next = listKeyOf(&page.Conversations[limit-1])
		}
	}
	return page, whole, nil
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

// scanList reads a page.
func scanList(rows pgx.Rows) ([]store.Conversation, error) {
	var out []store.Conversation
	for rows.Next() {
		c, err := scanShown(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, *c)
	}
	return out, nil
}

// scanShown reads an entry, behind columns that go to first. The directory is
// there only where it has more than the owner.
func scanShown(rows pgx.Rows, first ...any) (*store.Conversation, error) {
	c, err := scanConversation(rows, first...)
	if err == nil && len(c.Participants) < 2 {
		c.Participants = nil
	}
	return c, err
}
