package pgstore

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// sqlStart starts a run on a free conversation, or beside others when $11 says
// race. Everything is decided on the row of the conversation, except for a
// replay: it runs against run_pkey or run_key. The primary keys of participant,
// conversation and run serve it.
var sqlStart = `with c as (
	update parley.conversation c set
		fence_seq = c.fence_seq + 1, fences = c.fences || (c.fence_seq + 1), active = c.active || $5::uuid,
		last_run_id = $5::uuid, last_run_status = case when $12::text is null then 'pending' else 'running' end,
		updated_at = ` + sqlNow + `, activity_at = ` + sqlNow + `, activity_minute = ` + sqlMinute + `
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is null
		and ($10::bigint is null or c.version = $10::bigint)
		and (c.fences = '{}' or $11::text = 'race')
		and (c.pending is null or $14::bool)
	returning c.*
), r as (
	insert into parley.run (tenant, id, conversation_id, base_version, fence, timeout, created_at, started_at, lease_until, deadline,
		attempt, queued, front, exclusive, due, due_at, status, owner, user_id, key, fingerprint, spec)
	select c.tenant, $5::uuid, c.id, c.version, c.fence_seq, $9::bigint, c.updated_at,
		case when $12::text is not null then c.updated_at end,
		case when $12::text is not null then statement_timestamp() + $13::bigint * interval '1 microsecond' end,
		case when $12::text is not null then c.updated_at + $9::bigint / 1000 * interval '1 microsecond' end,
		($12::text is not null)::int, false, false, $11::text <> 'race', 1, c.updated_at,
		case when $12::text is null then 'pending' else 'running' end, coalesce($12::text, ''),
		$2::text, $6::text, $7::text, $8::text::json
	from c
	returning created_at, base_version, fence, status, attempt, owner, started_at, lease_until, deadline
)
select r.*, ` + sqlStarted

// sqlQueue queues a run behind those that are active: at the front when $11 says
// interrupt, which besides asks them to stop. The same keys serve it.
var sqlQueue = `with c as (
	update parley.conversation c set
		queue_front = case when $11::text = 'interrupt' then array_append(c.queue_front, $5::uuid) else c.queue_front end,
		queue = case when $11::text = 'enqueue' then array_append(c.queue, $5::uuid) else c.queue end,
		settling_front = case when $11::text = 'interrupt' and $14::bool then array_append(c.settling_front, $5::uuid) else c.settling_front end,
		settling = case when $11::text = 'enqueue' and $14::bool then array_append(c.settling, $5::uuid) else c.settling end,
		updated_at = ` + sqlNow + `
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is null
		and ($10::bigint is null or c.version = $10::bigint)
		and c.fences <> '{}' and $11::text in ('enqueue', 'interrupt')
		and ($11::text <> 'enqueue' or coalesce(cardinality(c.queue), 0) < $12::bigint)
		-- An active run that is too new for this statement could not be asked to stop.
		and ($11::text <> 'interrupt' or cardinality(c.active) =
			(select count(*) from parley.run a where a.tenant = c.tenant and a.id = any(c.active) and a.fence = any(c.fences)))
	returning c.*
), stopping as (
	update parley.run a set stop_requested = true
	from c where $11::text = 'interrupt' and a.tenant = c.tenant and a.id = any(c.active)
), r as (
	insert into parley.run (tenant, id, conversation_id, base_version, fence, timeout, created_at, queue_until,
		attempt, queued, front, exclusive, due, due_at, status, owner, user_id, key, fingerprint, spec)
	select c.tenant, $5::uuid, c.id, c.version, 0, $9::bigint, c.updated_at,
		case when $13::bigint > 0 then statement_timestamp() + $13::bigint * interval '1 microsecond' end,
		0, true, $11::text = 'interrupt', true,
		2, case when $13::bigint > 0 then statement_timestamp() + $13::bigint * interval '1 microsecond' end,
		'pending', '', $2::text, $6::text, $7::text, $8::text::json
	from c
	returning created_at, base_version, queue_until
)
select r.*, case when $11::text = 'interrupt' then c.active end, ` + sqlStarted

// sqlStarted ends both statements with the conversation as the start leaves it,
// so that launching the run reads nothing.
var sqlStarted = sqlHot + `, p.* from r, c ` + sqlShownDirectory

// StartRun implements store.Store.
func (s *Store) StartRun(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	const name = "start run"
	for range maxTries {
		res, err := s.startFree(ctx, a)
		if res == nil && err == nil && (a.Busy == store.BusyEnqueue || a.Busy == store.BusyInterrupt) {
			res, err = s.startQueued(ctx, a)
		}
		taken := duplicate(err)
		if res != nil || err != nil && taken == "" {
			return res, err
		}
		again, err := s.startRefused(ctx, a, taken)
		if again != nil || err != nil {
			return again, err
		}
	}
	return nil, fail(name, errContended)
}

// startArgs are the arguments $1 to $11 of both statements.
func startArgs(a *store.StartRun) []any {
	return append(scopeArgs(a.Scope, a.ConversationID), idArg(a.ID), a.Key, a.Fingerprint, jsonArg(a.Spec), int64(a.Timeout),
		numberArg(a.Expected), string(a.Busy))
}

// started is the row of a run that was just written; the statements give the rest.
func started(a *store.StartRun) *store.StartResult {
	return &store.StartResult{Run: store.Run{
		Tenant: a.Scope.Tenant, ConversationID: a.ConversationID, ID: a.ID, UserID: a.Scope.User, Key: a.Key,
		Fingerprint: a.Fingerprint, Spec: a.Spec, Timeout: a.Timeout,
	}}
}

// startFree starts the run at once; nil and nil mean that this is refused.
func (s *Store) startFree(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	var (
		owner any
		lease int64
		done  bool
	)
	if a.Lease != nil {
		owner, lease = a.Lease.Owner, micros(a.Lease.Duration)
	}
	res := started(a)
	r := &res.Run
	dest, people := startedDest(res, moment{&r.CreatedAt}, &r.BaseVersion, &r.Fence, (*string)(&r.Status), &r.Attempt, &r.Owner,
		moment{&r.StartedAt}, moment{&r.LeaseUntil}, moment{&r.Deadline})
	err := s.do(ctx, &call{name: "start run", access: writing, tenant: a.Scope.Tenant, steps: []step{{
		sql: s.sql.start, args: append(startArgs(a), owner, lease, a.Settles), rows: one(&done, dest...),
	}}})
	if err != nil || !done {
		return nil, err
	}
	res.Conversation.Participants, err = people.people()
	return res, err
}

// startedDest are the places of what a statement gives of the run, and behind
// it of the conversation.
func startedDest(res *store.StartResult, run ...any) ([]any, *directory) {
	people := &directory{}
	return append(append(run, hotDest(&res.Conversation)...), people.dest()...), people
}

// startQueued queues the run; nil and nil mean that this is refused.
func (s *Store) startQueued(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	var (
		stopping []uuid.UUID
		done     bool
	)
	res := started(a)
	r := &res.Run
	r.Status, r.Queued, r.Front = store.RunPending, true, a.Busy == store.BusyInterrupt
	dest, people := startedDest(res, moment{&r.CreatedAt}, &r.BaseVersion, moment{&r.QueueUntil}, &stopping)
	err := s.do(ctx, &call{name: "start run", access: writing, tenant: a.Scope.Tenant, steps: []step{{
		sql: s.sql.queue, args: append(startArgs(a), int64(a.MaxQueued), micros(a.QueueTimeout), a.Settles), rows: one(&done, dest...),
	}}})
	if err != nil || !done {
		return nil, err
	}
	if res.Conversation.Participants, err = people.people(); err != nil {
		return nil, err
	}
	for _, id := range stopping {
		res.Stopping = append(res.Stopping, *refOf(a.Scope.Tenant, a.ConversationID, id))
	}
	return res, nil
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
