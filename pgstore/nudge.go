package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// A nudge's state is not stored but follows from its run r: taken means by the
// present attempt, and when the run has ended the nudge has, too. So a nudge
// that arrives while the run ends is never left open, and the end of a run
// writes nothing here.
const sqlNudgeState = `case
	when r.completed_at is null then case when n.taken_by = r.fence then 'taken' else 'waiting' end
	when n.taken_by = r.fence and r.version > 0 then 'applied'
	else 'returned' end`

// sqlNudge are the columns of a nudge n of the run r.
const sqlNudge = `n.id, n.run_id, n.user_id, n.body, n.created_at, ` + sqlNudgeState

func nudgeDest(n *store.Nudge) []any {
	return []any{ident{&n.ID}, ident{&n.RunID}, &n.UserID, &n.Text, moment{&n.CreatedAt}, (*string)(&n.State)}
}

// manyNudges reads a result of nudges.
func manyNudges(nudges *[]store.Nudge) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*nudges = nil
		for rows.Next() {
			var n store.Nudge
			if err := rows.Scan(nudgeDest(&n)...); err != nil {
				return err
			}
			*nudges = append(*nudges, n)
		}
		return nil
	}
}

// sqlAddNudge stores a nudge unless the run is not running, and answers with what
// it is if it is not stored. It holds the run meanwhile. The primary keys of run,
// participant and nudge serve it.
const sqlAddNudge = `with r as materialized (
	select r.tenant, r.id, r.status, r.fence, r.version from parley.run r
	where ` + sqlRunVisible + `
	for share of r
), n as (
	insert into parley.nudge (tenant, run_id, id, user_id, body, created_at)
	select r.tenant, r.id, $5::uuid, $6::text, $7::text, statement_timestamp() from r
	where r.status = 'running'
	on conflict do nothing
)
select $5::uuid, r.id, $6::text, $7::text, statement_timestamp(), 'returned' from r`

// sqlOneNudge looks at a nudge. The primary keys of run, participant and nudge serve it.
const sqlOneNudge = `select ` + sqlNudge + `
from parley.run r join parley.nudge n on n.tenant = r.tenant and n.run_id = r.id
where ` + sqlRunVisible + ` and n.id = $5::uuid`

// AddNudge implements store.Store.
func (s *Store) AddNudge(ctx context.Context, scope store.Scope, n *store.Nudge) (*store.Nudge, error) {
	const name = "add nudge"
	var (
		added, stored store.Nudge
		found, kept   bool
	)
	scope.Wide = false
	look := append(scopeArgs(scope, n.RunID), idArg(n.ID))
	err := s.do(ctx, &call{name: name, access: writing, tenant: scope.Tenant, steps: []step{
		{sql: s.sql.addNudge, args: append(look[:5:5], n.UserID, n.Text), rows: one(&found, nudgeDest(&added)...)},
		{sql: s.sql.oneNudge, args: look, rows: one(&kept, nudgeDest(&stored)...)},
	}})
	switch {
	case err != nil:
		return nil, err
	case kept: // just now, or by an earlier call
		return &stored, nil
	case !found:
		return nil, fail(name, store.ErrNotFound)
	}
	return &added, nil
}

// sqlTakeNudges hands the waiting nudges of a run to its attempt, each once,
// and holds the run meanwhile. A row of nulls says that the attempt
// is held and nothing waits. The primary keys of run and nudge serve it.
const sqlTakeNudges = `with r as materialized (
	select r.tenant, r.id, r.fence from parley.run r
	where r.tenant = $1::text and r.conversation_id = $2::uuid and r.id = $3::uuid and r.fence = $4::bigint
		and not r.queued and r.completed_at is null
	for share of r
), n as (
	update parley.nudge n set taken_by = r.fence
	from r where n.tenant = r.tenant and n.run_id = r.id and n.taken_by is distinct from r.fence
	returning n.*
)
select n.id, r.id, coalesce(n.user_id, ''), coalesce(n.body, ''), n.created_at, 'taken'
from r left join n on true
order by n.created_at, n.id`

// TakeNudges implements store.Store.
func (s *Store) TakeNudges(ctx context.Context, key store.RunKey) ([]store.Nudge, error) {
	const name = "take nudges"
	var taken []store.Nudge
	err := s.do(ctx, &call{name: name, access: writing, tenant: key.Tenant, steps: []step{
		{sql: s.sql.takeNudges, args: keyArgs(key), rows: manyNudges(&taken)},
	}})
	switch {
	case err != nil:
		return nil, err
	case len(taken) == 0:
		return nil, fail(name, store.ErrFenced)
	case taken[0].ID == uuid.Nil: // held, but nothing waits
		return nil, nil
	}
	return taken, nil
}

// sqlNudges looks at the nudges of a run; with none it has one row of nulls. The
// primary keys of run, participant and nudge serve it.
const sqlNudges = `select n.id, r.id, coalesce(n.user_id, ''), coalesce(n.body, ''), n.created_at, ` + sqlNudgeState + `
from parley.run r left join parley.nudge n on n.tenant = r.tenant and n.run_id = r.id
where ` + sqlRunVisible + `
order by n.created_at, n.id`

// Nudges implements store.Store.
func (s *Store) Nudges(ctx context.Context, scope store.Scope, run uuid.UUID) ([]store.Nudge, error) {
	const name = "read nudges"
	var nudges []store.Nudge
	err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{
		{sql: s.sql.nudges, args: scopeArgs(scope, run), rows: manyNudges(&nudges)},
	}})
	switch {
	case err != nil:
		return nil, err
	case len(nudges) == 0:
		return nil, fail(name, store.ErrNotFound)
	case nudges[0].ID == uuid.Nil:
		return nil, nil
	}
	return nudges, nil
}
