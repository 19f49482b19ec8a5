package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// sqlClaim takes over runs, oldest first. It locks the conversations, passing
// over those that others have locked, and then the runs in one order; a run that
// changed in between is left alone. The index run_due serves it, and the
// primary keys of conversation, run and detail.
const sqlClaim = `with free as materialized (
	select r.tenant, r.conversation_id, r.id, r.fence, r.status, r.created_at, c.fence_seq
	from parley.run r join parley.conversation c on c.tenant = r.tenant and c.id = r.conversation_id
	where r.due = 1 and (r.status = 'pending' or r.lease_until < statement_timestamp())
	order by r.due_at, r.id limit $3::bigint
	for no key update of c skip locked
), still as materialized (
	select free.*, row_number() over (partition by free.tenant, free.conversation_id order by free.created_at, free.id) as nr
	from free join (
		select r.tenant, r.id, r.fence, r.status, r.lease_until from parley.run r join free on r.tenant = free.tenant and r.id = free.id
		order by r.tenant, r.id
		for no key update of r
	) r on r.tenant = free.tenant and r.id = free.id
	where r.fence = free.fence and r.status = free.status
		and (r.status = 'pending' or r.lease_until < statement_timestamp())
), r as (
	update parley.run r set
		status = 'running', fence = still.fence_seq + still.nr, owner = $1::text, attempt = r.attempt + 1,
		lease_until = statement_timestamp() + $2::bigint * interval '1 microsecond',
		started_at = coalesce(r.started_at, statement_timestamp()),
		deadline = coalesce(r.deadline, statement_timestamp() + r.timeout / 1000 * interval '1 microsecond')
	from still where r.tenant = still.tenant and r.id = still.id
	returning r.*, still.fence as voided
), changes as (
	select r.tenant, r.conversation_id, max(r.fence) as top, array_agg(r.id) as runs, array_agg(r.fence) as given, array_agg(r.voided) as voided
	from r group by r.tenant, r.conversation_id
), c as (
	update parley.conversation c set
		fence_seq = x.top,
		fences = array(select f from unnest(c.fences) f where f <> all(x.voided)) || x.given,
		last_run_status = case when c.last_run_id = any(x.runs) then 'running' else c.last_run_status end,
		promoted = null, updated_at = ` + sqlNow + `
	from changes x where c.tenant = x.tenant and c.id = x.conversation_id
	returning c.*
)
select ` + sqlRun + `, ` + sqlConversation + `
from r join c on c.tenant = r.tenant and c.id = r.conversation_id
	join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id
order by r.created_at, r.id`

// Claim implements store.Store.
func (s *Store) Claim(ctx context.Context, a *store.Claim) ([]store.Claimed, error) {
	var claimed []store.Claimed
	err := s.do(ctx, &call{name: "claim", access: writing, tenant: anyTenant, steps: []step{{
		sql:  s.sql.claim,
		args: []any{a.Lease.Owner, micros(a.Lease.Duration), int64(max(a.Limit, 0))},
		rows: func(rows pgx.Rows) error {
			claimed = nil
			for rows.Next() {
				var c store.Claimed
				if err := rows.Scan(append(runDest(&c.Run), conversationDest(&c.Conversation)...)...); err != nil {
					return err
				}
				claimed = append(claimed, c)
			}
			return nil
		},
	}}})
	return claimed, err
}
