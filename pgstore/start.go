package pgstore

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// sqlWaits is whether a start has to wait in the queue.
const sqlWaits = `(c.fences <> '{}' and $11::text in ('enqueue', 'interrupt'))`

// sqlStart starts or queues a run, or is refused; sqlStartInterrupt besides asks
// the active runs to stop. Everything is decided on the row of the conversation,
// except for a replay: it runs against run_pkey or run_key. The primary keys of
// participant, conversation and run serve it.
var (
	sqlStart          = startStatement("true", "")
	sqlStartInterrupt = startStatement(
		// An active run that is too new for this statement could not be asked to stop.
		`(c.fences = '{}' or cardinality(c.active) =
			(select count(*) from parley.run a where a.tenant = c.tenant and a.id = any(c.active) and a.fence = any(c.fences)))`,
		`stopping as (
	update parley.run a set stop_requested = true
	from c where c.waits and a.tenant = c.tenant and a.id = any(c.active)
), `)
)

func startStatement(seen, stopping string) string {
	return `with c as (
	update parley.conversation c set
		fence_seq = c.fence_seq + (not ` + sqlWaits + `)::int,
		fences = case when ` + sqlWaits + ` then c.fences else c.fences || (c.fence_seq + 1) end,
		active = case when ` + sqlWaits + ` then c.active else c.active || $5::uuid end,
		queue_front = case when ` + sqlWaits + ` and $11::text = 'interrupt' then array_append(c.queue_front, $5::uuid) else c.queue_front end,
		queue = case when ` + sqlWaits + ` and $11::text = 'enqueue' then array_append(c.queue, $5::uuid) else c.queue end,
		settling_front = case when ` + sqlWaits + ` and $11::text = 'interrupt' and $14::bool then array_append(c.settling_front, $5::uuid) else c.settling_front end,
		settling = case when ` + sqlWaits + ` and $11::text = 'enqueue' and $14::bool then array_append(c.settling, $5::uuid) else c.settling end,
		last_run_id = case when ` + sqlWaits + ` then c.last_run_id else $5::uuid end,
		last_run_status = case when ` + sqlWaits + ` then c.last_run_status when $15::text is null then 'pending' else 'running' end,
		promoted = null,
		updated_at = ` + sqlNow + `,
		activity_at = case when ` + sqlWaits + ` then c.activity_at else ` + sqlNow + ` end,
		activity_minute = case when ` + sqlWaits + ` then c.activity_minute else ` + sqlMinute + ` end
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is null
		and ($10::bigint is null or c.version = $10::bigint)
		and (c.fences = '{}' or case $11::text
			when 'race' then true
			when 'enqueue' then coalesce(cardinality(c.queue), 0) < $12::bigint
			when 'interrupt' then true
			else false end)
		and (` + sqlWaits + ` or c.pending is null or $14::bool)
		and ` + seen + `
	returning c.*,
		-- The row is new by now: it has the run where the start has put it.
		$5::uuid <> all(c.active) as waits
), ` + stopping + `r as (
	insert into parley.run (tenant, id, conversation_id, base_version, fence, timeout, created_at, started_at, lease_until, deadline,
		queue_until, attempt, queued, front, exclusive, status, owner, user_id, key, fingerprint, spec)
	select c.tenant, $5::uuid, c.id, c.version, case when c.waits then 0 else c.fence_seq end, $9::bigint, c.updated_at,
		case when l.held then c.updated_at end,
		case when l.held then statement_timestamp() + $16::bigint * interval '1 microsecond' end,
		case when l.held then c.updated_at + $9::bigint / 1000 * interval '1 microsecond' end,
		case when c.waits and $13::bigint > 0 then statement_timestamp() + $13::bigint * interval '1 microsecond' end,
		l.held::int, c.waits, c.waits and $11::text = 'interrupt', $11::text <> 'race',
		case when l.held then 'running' else 'pending' end, case when l.held then $15::text else '' end,
		$2::text, $6::text, $7::text, $8::text::json
	from c, lateral (select not c.waits and $15::text is not null as held) l
	returning created_at, base_version, fence, status, queued, front, attempt, owner, started_at, lease_until, deadline, queue_until
)
select r.*, case when c.waits and $11::text = 'interrupt' then c.active end, ` + sqlHot + `, p.* from r, c ` + sqlShownDirectory
}

// StartRun implements store.Store.
func (s *Store) StartRun(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	const name = "start run"
	sql := s.sql.start
	if a.Busy == store.BusyInterrupt {
		sql = s.sql.startInterrupt
	}
	args := startArgs(a)
	for range maxTries {
		res := &store.StartResult{Run: store.Run{
			Tenant: a.Scope.Tenant, ConversationID: a.ConversationID, ID: a.ID, UserID: a.Scope.User, Key: a.Key,
			Fingerprint: a.Fingerprint, Spec: a.Spec, Timeout: a.Timeout,
		}}
		var (
			r    = &res.Run
			d    directory
			stop []uuid.UUID
			done bool
		)
		dest := []any{
			moment{&r.CreatedAt}, &r.BaseVersion, &r.Fence, (*string)(&r.Status), &r.Queued, &r.Front, &r.Attempt, &r.Owner,
			moment{&r.StartedAt}, moment{&r.LeaseUntil}, moment{&r.Deadline}, moment{&r.QueueUntil}, &stop,
		}
		dest = append(append(dest, hotDest(&res.Conversation)...), d.dest()...)
		err := s.do(ctx, &call{name: name, access: writing, tenant: a.Scope.Tenant, steps: []step{{
			sql: sql, args: args, rows: one(&done, dest...),
		}}})
		taken := duplicate(err)
		if err != nil && taken == "" {
			return nil, err
		}
		if done && err == nil {
			if res.Conversation.Participants, err = d.people(); err != nil {
				return nil, fail(name, err)
			}
			for _, id := range stop {
				res.Stopping = append(res.Stopping, *refOf(a.Scope.Tenant, a.ConversationID, id))
			}
			return res, nil
		}
		again, err := s.startRefused(ctx, a, taken)
		if again != nil || err != nil {
			return again, err
		}
	}
	return nil, fail(name, errContended)
}

func startArgs(a *store.StartRun) []any {
	var (
		owner any
		lease int64
	)
	if a.Lease != nil {
		owner, lease = a.Lease.Owner, micros(a.Lease.Duration)
	}
	return append(scopeArgs(a.Scope, a.ConversationID), idArg(a.ID), a.Key, a.Fingerprint, jsonArg(a.Spec), int64(a.Timeout),
		numberArg(a.Expected), string(a.Busy), int64(a.MaxQueued), micros(a.QueueTimeout), a.Settles, owner, lease)
}

// sqlStartLook looks at everything a start is checked against: the row, and the
// runs that have its id or its key already. The primary keys of participant,
// conversation and run serve it, and run_key.
const sqlStartLook = `select c.version, c.deleted_at is not null, c.pending is not null, c.active[1], coalesce(cardinality(c.queue), 0),
	array(select k.id from parley.run k where k.tenant = $1::text and k.id = $5::uuid and k.conversation_id = $3::uuid),
	array(select k.id from parley.run k where k.tenant = $1::text and k.conversation_id = $3::uuid and k.key = $6::text and k.key <> '')
from parley.conversation c
where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible

// startRefused finds out why a start wrote nothing, in the order of the
// contract. Nil and nil mean that nothing stands in its way any longer. taken is
// the constraint it ran against.
func (s *Store) startRefused(ctx context.Context, a *store.StartRun, taken string) (*store.StartResult, error) {
	const name = "start run"
	var (
		head, queued            int64
		found, deleted, pending bool
		holder                  uuid.UUID
		byID, byKey             []uuid.UUID
	)
	err := s.do(ctx, &call{name: name, access: reading, tenant: a.Scope.Tenant, steps: []step{{
		sql:  s.sql.startLook,
		args: append(scopeArgs(a.Scope, a.ConversationID), idArg(a.ID), a.Key),
		rows: one(&found, &head, &deleted, &pending, ident{&holder}, &queued, &byID, &byKey),
	}}})
	if err != nil {
		return nil, err
	}
	waits := holder != uuid.Nil && (a.Busy == store.BusyEnqueue || a.Busy == store.BusyInterrupt)
	switch {
	case !found:
		return nil, fail(name, store.ErrNotFound)
	case deleted:
		return nil, fail(name, store.ErrDeleted)
	case len(byID) > 0:
		return s.startReplay(ctx, a, byID[0])
	case len(byKey) > 0:
		return s.startReplay(ctx, a, byKey[0])
	case taken == constraintRunID:
		return nil, fail(name, fmt.Errorf("%w: the id of the run", store.ErrExists))
	case a.Expected != nil && *a.Expected != head:
		return nil, fail(name, &store.VersionConflictError{Expected: *a.Expected, Current: head})
	case holder != uuid.Nil && a.Busy == store.BusyReject:
		return nil, fail(name, &store.RunActiveError{RunID: holder})
	case waits && a.Busy == store.BusyEnqueue && queued >= int64(a.MaxQueued):
		return nil, fail(name, store.ErrQueueFull)
	case !waits && pending && !a.Settles:
		return nil, fail(name, store.ErrToolOutputsPending)
	}
	return nil, nil
}

// startReplay answers a start of which an earlier call was the first. Nil and
// nil mean that the run is gone again.
func (s *Store) startReplay(ctx context.Context, a *store.StartRun, id uuid.UUID) (*store.StartResult, error) {
	const name = "start run"
	var (
		run   store.Run
		found bool
	)
	err := s.do(ctx, &call{name: name, access: reading, tenant: a.Scope.Tenant, steps: []step{
		{sql: s.sql.getRun, args: scopeArgs(a.Scope, id), rows: one(&found, runDest(&run)...)},
	}})
	switch {
	case err != nil || !found:
		return nil, err
	case run.ID != a.ID && run.Fingerprint != a.Fingerprint:
		return nil, fail(name, store.ErrIdempotencyMismatch)
	}
	return &store.StartResult{Run: run, Replayed: true}, nil
}
