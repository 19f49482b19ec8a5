package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// sqlOverdue finds queued runs whose time is over. The index run_due serves it.
const sqlOverdue = `select r.tenant, r.conversation_id, r.id from parley.run r
where r.due = 2 and r.due_at < statement_timestamp()
order by r.due_at limit $1::bigint`

// sqlStranded finds free conversations that could promote a run. The index
// run_due serves it, and the primary key of conversation.
const sqlStranded = `select distinct c.tenant, c.id, null::uuid
from parley.run r join parley.conversation c on c.tenant = r.tenant and c.id = r.conversation_id
where r.due = 2 and c.fences = '{}' and c.deleted_at is null
	and (c.pending is null or coalesce(c.settling_front[1], c.settling[1]) is not null)
limit $1::bigint`

// sqlLockOf locks the conversation $2. Its primary key serves it.
const sqlLockOf = `select c.version from parley.conversation c where c.tenant = $1::text and c.id = $2::uuid for no key update`

// sqlPromoteStranded promotes in a free conversation. The primary keys of
// conversation and run serve it.
var sqlPromoteStranded = func() string {
	next := queue.next(`c.fences = '{}'`, `c.pending is null`)
	return `with c as (
	update parley.conversation c set
		updated_at = ` + sqlNow + `, activity_at = ` + sqlNow + `, activity_minute = ` + sqlMinute + `,` +
		queue.promote(next, `c.fences`, `c.active`, `c.last_run_status`) + `
	where c.tenant = $1::text and c.id = $2::uuid and ` + next + ` is not null and ` + sqlSeen(next) + `
	returning c.tenant, c.id, c.version, c.updated_at, c.fence_seq, c.promoted
), ` + sqlPromoted + `
select c.promoted from c`
}()

// sqlDropEvents deletes up to $2 packs of runs that ended longer ago than $1
// microseconds, oldest first. A run that has none left is not looked at again.
// The index run_due serves it, and the primary keys of run and run_event.
const sqlDropEvents = `with ended as materialized (
	select r.tenant, r.id, r.completed_at from parley.run r
	where r.due = 3 and r.due_at < statement_timestamp() - $1::bigint * interval '1 microsecond'
	order by r.due_at limit $2::bigint
	for no key update of r skip locked
), chosen as materialized (
	select e.tenant, e.run_id, e.last from ended join parley.run_event e on e.tenant = ended.tenant and e.run_id = ended.id
	order by ended.completed_at, e.tenant, e.run_id, e.last limit $2::bigint
), gone as (
	delete from parley.run_event e using chosen
	where e.tenant = chosen.tenant and e.run_id = chosen.run_id and e.last = chosen.last
	returning e.last - e.first + 1 as events
), r as (
	update parley.run r set has_events = false, due = null, due_at = null
	from ended where r.tenant = ended.tenant and r.id = ended.id and not exists (
		select 1 from parley.run_event e where e.tenant = r.tenant and e.run_id = r.id
			and not exists (select 1 from chosen where chosen.tenant = e.tenant and chosen.run_id = e.run_id and chosen.last = e.last))
)
select coalesce(sum(events), 0)::bigint from gone`

// Sweep implements store.Store. It is several transactions. When one fails, what
// those before it did is the answer; the next sweep goes on.
func (s *Store) Sweep(ctx context.Context, a *store.Sweep) (*store.SweepResult, error) {
	out := &store.SweepResult{}
	err := s.sweepQueues(ctx, a, out)
	if err == nil && a.EventRetention > 0 {
		out.Events, err = s.dropEvents(ctx, a.EventRetention, a.Limit)
	}
	if err == nil {
		err = s.indexTexts(ctx)
	}
	idle := out.Events == 0 && len(out.Expired) == 0 && len(out.Promoted) == 0
	if err != nil && (idle || errors.Is(err, store.ErrOutcomeUnknown)) {
		return nil, err
	}
	return out, nil
}

// sweepQueues ends queued runs whose time is over and promotes stranded ones.
func (s *Store) sweepQueues(ctx context.Context, a *store.Sweep, out *store.SweepResult) error {
	overdue, err := s.refs(ctx, "sweep", s.sql.overdue, a.Limit)
	if err != nil {
		return err
	}
	for _, ref := range overdue {
		ended, promoted, err := s.sweepOne(ctx, ref, step{sql: s.sql.expire, args: append(refArgs(ref), jsonArg(a.QueueResult))})
		if err != nil {
			return err
		}
		if ended {
			out.Expired = append(out.Expired, ref)
		}
		if promoted != nil {
			out.Promoted = append(out.Promoted, *promoted)
		}
	}
	stranded, err := s.refs(ctx, "sweep", s.sql.stranded, a.Limit-len(out.Promoted))
	if err != nil {
		return err
	}
	for _, ref := range stranded {
		_, promoted, err := s.sweepOne(ctx, ref, step{sql: s.sql.promoteStranded, args: refArgs(ref)[:2]})
		if err != nil {
			return err
		}
		if promoted != nil {
			out.Promoted = append(out.Promoted, *promoted)
		}
	}
	return nil
}

// refArgs are a run's name as arguments $1 to $3.
func refArgs(ref store.RunRef) []any {
	return []any{ref.Tenant, idArg(ref.ConversationID), idArg(ref.RunID)}
}

// refs reads a list of names.
func (s *Store) refs(ctx context.Context, name, sql string, limit int) ([]store.RunRef, error) {
	var refs []store.RunRef
	err := s.do(ctx, &call{name: name, access: reading, tenant: anyTenant, steps: []step{{
		sql: sql, args: []any{int64(max(limit, 0))},
		rows: func(rows pgx.Rows) error {
			refs = nil
			for rows.Next() {
				var ref store.RunRef
				if err := rows.Scan(&ref.Tenant, ident{&ref.ConversationID}, ident{&ref.RunID}); err != nil {
					return err
				}
				refs = append(refs, ref)
			}
			return nil
		},
	}}})
	return refs, err
}

// sweepOne locks a conversation and performs a step on it, if it is still due.
func (s *Store) sweepOne(ctx context.Context, ref store.RunRef, st step) (done bool, promoted *store.RunRef, err error) {
	var (
		locked  bool
		version int64
		run     uuid.UUID
	)
	st.rows = one(&done, ident{&run})
	err = s.do(ctx, &call{name: "sweep", access: writing, tenant: ref.Tenant, steps: []step{
		{sql: s.sql.lockOf, args: refArgs(ref)[:2], rows: one(&locked, &version)},
		st,
	}})
	if err != nil {
		return false, nil, err
	}
	return done, refOf(ref.Tenant, ref.ConversationID, run), nil
}

func (s *Store) dropEvents(ctx context.Context, retention time.Duration, limit int) (int64, error) {
	var (
		events int64
		found  bool
	)
	err := s.do(ctx, &call{name: "sweep", access: writing, tenant: anyTenant, steps: []step{
		{sql: s.sql.dropEvents, args: []any{micros(retention), int64(max(limit, 0))}, rows: one(&found, &events)},
	}})
	return events, err
}
