package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlRun are the columns of a run r.
const sqlRun = `r.tenant, r.conversation_id, r.id, r.status, r.queued, r.front, r.user_id, r.key, r.fingerprint,
	r.base_version, r.version, r.spec, r.result, r.fence, r.attempt, r.owner, r.stop_requested, r.event_seq, r.timeout,
	r.created_at, r.started_at, r.completed_at, r.lease_until, r.deadline, r.queue_until`

// runDest are the places of those columns.
func runDest(r *store.Run) []any {
	return []any{
		&r.Tenant, ident{&r.ConversationID}, ident{&r.ID}, (*string)(&r.Status), &r.Queued, &r.Front, &r.UserID, &r.Key, &r.Fingerprint,
		&r.BaseVersion, &r.Version, &r.Spec, &r.Result, &r.Fence, &r.Attempt, &r.Owner, &r.StopRequested, &r.EventSeq, (*int64)(&r.Timeout),
		moment{&r.CreatedAt}, moment{&r.StartedAt}, moment{&r.CompletedAt}, moment{&r.LeaseUntil}, moment{&r.Deadline}, moment{&r.QueueUntil},
	}
}

// sqlRunVisible is sqlVisible for the run $3 of the tenant $1: its run r and the
// conversation that r belongs to.
const sqlRunVisible = `r.tenant = $1::text and r.id = $3::uuid
	and ($4::bool or exists (select 1 from parley.participant v
		where v.tenant = $1::text and v.conversation_id = r.conversation_id and v.user_id = $2::text and v.member))`

// sqlGetRun looks at a run. The primary keys of run and participant serve it.
const sqlGetRun = `select ` + sqlRun + ` from parley.run r where ` + sqlRunVisible

// GetRun implements store.Store.
func (s *Store) GetRun(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Run, error) {
	const name = "get run"
	var (
		run   store.Run
		found bool
	)
	err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{
		{sql: s.sql.getRun, args: scopeArgs(scope, id), rows: one(&found, runDest(&run)...)},
	}})
	if err == nil && !found {
		err = fail(name, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &run, nil
}

// Runs of the conversation $3 behind the place $5, $6, newest first. The index
// run_list serves the whole list, run_key the one run with a key, and the
// primary keys of conversation and run those that are not terminal.
const (
	sqlListRuns = `select ` + sqlRun + ` from parley.run r
where r.tenant = $1::text and r.conversation_id = $3::uuid and r.timeout >= 0 and (r.created_at, r.id) < ($5::timestamptz, $6::uuid)
	and ` + sqlVisible + `
order by r.created_at desc, r.id desc limit $7::bigint`

	sqlListRunsOfKey = `select ` + sqlRun + ` from parley.run r
where r.tenant = $1::text and r.conversation_id = $3::uuid and r.key = $8::text and r.key <> ''
	and (r.created_at, r.id) < ($5::timestamptz, $6::uuid) and (not $9::bool or r.status in ('pending', 'running'))
	and ` + sqlVisible + `
limit $7::bigint`

	sqlListRunsActive = `select ` + sqlRun + ` from parley.conversation c join parley.run r
	on r.tenant = c.tenant and r.id = any(c.active || c.queue_front || c.queue)
where c.tenant = $1::text and c.id = $3::uuid and (r.created_at, r.id) < ($5::timestamptz, $6::uuid)
	and ` + sqlVisible + `
order by r.created_at desc, r.id desc limit $7::bigint`
)

// ListRuns implements store.Store.
func (s *Store) ListRuns(ctx context.Context, scope store.Scope, conversation uuid.UUID, q *store.RunQuery) ([]store.Run, error) {
	const name = "list runs"
	at, id := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, uuid.Max
	if q.After != nil {
		at, id = timeArg(q.After.CreatedAt), q.After.ID
	}
	sql := s.sql.listRuns
	args := append(scopeArgs(scope, conversation), at, pgtype.UUID{Bytes: id, Valid: true}, int64(max(q.Limit, 0)))
	switch {
	case q.Key != "":
		sql, args = s.sql.listRunsOfKey, append(args, q.Key, q.Active)
	case q.Active:
		sql = s.sql.listRunsActive
	}
	var runs []store.Run
	err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{
		{sql: sql, args: args, rows: manyRuns(&runs)},
	}})
	if err != nil || len(runs) > 0 {
		return runs, err
	}
	// Nothing: the conversation has none, or is not shown.
	_, err = headOf(ctx, s, name, scope, conversation)
	return nil, err
}

// manyRuns reads a result of runs.
func manyRuns(runs *[]store.Run) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*runs = nil
		for rows.Next() {
			var r store.Run
			if err := rows.Scan(runDest(&r)...); err != nil {
				return err
			}
			*runs = append(*runs, r)
		}
		return nil
	}
}
