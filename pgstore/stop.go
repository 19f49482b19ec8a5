package pgstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// The statements of this file follow a lock on the conversation in one
// transaction: what they read is as new as the lock, and stays.

// sqlLockOfRun locks the conversation of the run $3 for a member of it. The
// primary keys of run, participant and conversation serve it.
const sqlLockOfRun = `select c.version
from parley.run r
	join parley.participant v on v.tenant = r.tenant and v.conversation_id = r.conversation_id and v.user_id = $2::text and v.member
	join parley.conversation c on c.tenant = r.tenant and c.id = r.conversation_id
where r.tenant = $1::text and r.id = $3::uuid
for no key update of c`

// sqlStop stops the run $3 for a member of its conversation: one that has not
// begun ends with the result $4, one that runs is asked to end. The same keys
// serve it.
var sqlStop = endStatement(`
	select r.* from parley.run r
		join parley.participant v on v.tenant = r.tenant and v.conversation_id = r.conversation_id and v.user_id = $2::text and v.member
	where r.tenant = $1::text and r.id = $3::uuid and r.completed_at is null`, `'stopped'`)

// sqlExpire ends the run $3 if its time in the queue is over. $2 is its
// conversation. The same keys serve it.
var sqlExpire = endStatement(`
	select r.* from parley.run r
	where r.tenant = $1::text and r.conversation_id = $2::uuid and r.id = $3::uuid and r.queued and r.queue_until < statement_timestamp()`, `'timed_out'`)

// endStatement ends or asks to end the run that was selects, and promotes.
func endStatement(was, status string) string {
	left := queue.without("was.id")
	next := left.next(`was.status = 'pending' and array_remove(c.fences, was.fence) = '{}'`, `c.pending is null`)
	return `with was as materialized (` + was + `
), c as (
	update parley.conversation c set
		updated_at = ` + sqlNow + `,
		activity_at = case when ` + next + ` is null then c.activity_at else ` + sqlNow + ` end,
		activity_minute = case when ` + next + ` is null then c.activity_minute else ` + sqlMinute + ` end,` +
		left.promote(next,
			`case when was.status = 'pending' then array_remove(c.fences, was.fence) else c.fences end`,
			`case when was.status = 'pending' then array_remove(c.active, was.id) else c.active end`,
			`case when c.last_run_id = was.id and was.status = 'pending' then `+status+` else c.last_run_status end`) + `
	from was where c.tenant = was.tenant and c.id = was.conversation_id
	returning c.tenant, c.id, c.version, c.updated_at, c.fence_seq, c.promoted
), ended as (
	update parley.run r set status = ` + status + `, result = $4::text::json, queued = false, queue_until = null,
		completed_at = c.updated_at, event_seq = r.event_seq + 1,
		` + sqlEndedDue + `
	from c, was where was.status = 'pending' and r.tenant = was.tenant and r.id = was.id
	returning r.id
), asked as (
	update parley.run r set stop_requested = true
	from c, was where was.status = 'running' and r.tenant = was.tenant and r.id = was.id
), ` + sqlPromotedAfter + `
select c.promoted from c`
}

// RequestStop implements store.Store.
func (s *Store) RequestStop(ctx context.Context, a *store.StopRun) (*store.StopResult, error) {
	const name = "stop run"
	var (
		res           store.StopResult
		locked, found bool
		version       int64
		promoted      uuid.UUID
	)
	look := scopeArgs(store.Scope{Tenant: a.Scope.Tenant, User: a.Scope.User}, a.RunID)
	who := look[:3]
	err := s.do(ctx, &call{name: name, access: writing, tenant: a.Scope.Tenant, steps: []step{
		{sql: s.sql.lockOfRun, args: who, rows: one(&locked, &version)},
		{sql: s.sql.stop, args: append(who[:3:3], jsonArg(a.Result)), rows: one(&res.Stopped, ident{&promoted})},
		{sql: s.sql.getRun, args: look, rows: one(&found, runDest(&res.Run)...)},
	}})
	if err == nil && !found {
		err = fail(name, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	res.Promoted = refOf(a.Scope.Tenant, res.Run.ConversationID, promoted)
	return &res, nil
}
