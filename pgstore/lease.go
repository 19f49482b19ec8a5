package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlKeys are attempts, given as four columns from $1 on, numbered in their order.
const sqlKeys = `select k.* from unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[])
		with ordinality k(tenant, conversation_id, run_id, fence, nr)`

// keysArgs are the arguments $1 to $4 of sqlKeys.
func keysArgs(keys []store.RunKey) []any {
	n := len(keys)
	tenants, fences := make([]string, n), make([]int64, n)
	conversations, runs := make(pgtype.FlatArray[pgtype.UUID], n), make(pgtype.FlatArray[pgtype.UUID], n)
	for i, k := range keys {
		tenants[i], conversations[i], runs[i], fences[i] = k.Tenant, idArg(k.ConversationID), idArg(k.RunID), k.Fence
	}
	return []any{tenants, conversations, runs, fences}
}

// sqlRenew extends leases. It locks the runs in one order, so that it and
// sqlAppendEvents, which does the same, never wait for each other in a circle.
// The primary key of run serves it.
const sqlRenew = `with k as materialized (` + sqlKeys + `
), held as materialized (
	select k.nr, r.tenant, r.id, r.status, r.stop_requested, r.fence = k.fence and r.conversation_id = k.conversation_id
		and not r.queued and r.completed_at is null as held
	from k join parley.run r on r.tenant = k.tenant and r.id = k.run_id
	order by r.tenant, r.id
	for no key update of r
), renewed as (
	update parley.run r set lease_until = statement_timestamp() + $5::bigint * interval '1 microsecond'
	from held where held.held and held.status = 'running' and r.tenant = held.tenant and r.id = held.id
)
select k.nr, coalesce(held.held, false), coalesce(held.held and held.stop_requested, false),
	case when held.held then (select count(*) from parley.nudge n where n.tenant = k.tenant and n.run_id = k.run_id
		and n.taken_by is distinct from k.fence) else 0 end
from k left join held on held.nr = k.nr`

// Renew implements store.Store.
func (s *Store) Renew(ctx context.Context, lease store.Lease, keys []store.RunKey) ([]store.Renewal, error) {
	if len(keys) == 0 {
		return nil, ctx.Err()
	}
	answers := make([]store.Renewal, len(keys))
	err := s.do(ctx, &call{name: "renew", access: writing, tenant: anyTenant, steps: []step{{
		sql: s.sql.renew, args: append(keysArgs(keys), micros(lease.Duration)),
		rows: func(rows pgx.Rows) error {
			for rows.Next() {
				var (
					nr int
					a  store.Renewal
				)
				if err := rows.Scan(&nr, &a.Held, &a.StopRequested, &a.Nudges); err != nil {
					return err
				}
				a.Key = keys[nr-1]
				answers[nr-1] = a
			}
			return nil
		},
	}}})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

// sqlRelease gives attempts back. It locks the conversations in one order, and
// then changes the runs that are held by those numbers still. The primary keys
// of conversation and run serve it.
const sqlRelease = `with k as materialized (` + sqlKeys + `
), of as materialized (
	select c.tenant, c.id, c.fence_seq
	from (select distinct tenant, conversation_id from k) k join parley.conversation c on c.tenant = k.tenant and c.id = k.conversation_id
	order by c.tenant, c.id
	for no key update of c
), r as (
	update parley.run r set status = 'pending', owner = '', lease_until = null, fence = of.fence_seq + k.nr
	from k join of on of.tenant = k.tenant and of.id = k.conversation_id
	where r.tenant = k.tenant and r.id = k.run_id and r.conversation_id = k.conversation_id and r.fence = k.fence
		and not r.queued and r.completed_at is null
	returning r.tenant, r.conversation_id, r.id, r.fence, k.fence as voided
), changes as (
	select r.tenant, r.conversation_id, max(r.fence) as top, array_agg(r.id) as runs, array_agg(r.fence) as given, array_agg(r.voided) as voided
	from r group by r.tenant, r.conversation_id
)
update parley.conversation c set
	fence_seq = x.top,
	fences = array(select f from unnest(c.fences) f where f <> all(x.voided)) || x.given,
	last_run_status = case when c.last_run_id = any(x.runs) then 'pending' else c.last_run_status end,
	promoted = null, updated_at = ` + sqlNow + `
from changes x where c.tenant = x.tenant and c.id = x.conversation_id`

// Release implements store.Store.
func (s *Store) Release(ctx context.Context, keys []store.RunKey) error {
	if len(keys) == 0 {
		return ctx.Err()
	}
	return s.do(ctx, &call{name: "release", access: writing, tenant: anyTenant, steps: []step{
		{sql: s.sql.release, args: keysArgs(keys)},
	}})
}
