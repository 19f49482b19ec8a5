package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// sqlAppendEvents stores one pack of each of several runs, and does not wait for
// the disk. It locks the runs in one order, like sqlRenew. The primary keys of
// run and run_event serve it.
const sqlAppendEvents = `with soft as materialized (
	select set_config('synchronous_commit', 'off', true)
), k as materialized (
	select k.*, p.first, p.last, p.body
	from (` + sqlKeys + `) k join unnest($5::bigint[], $6::bigint[], $7::bytea[]) with ordinality p(first, last, body, nr) on p.nr = k.nr
), held as materialized (
	select k.nr, k.first, k.last, k.body, r.tenant, r.id, r.event_seq, r.fence = k.fence and r.conversation_id = k.conversation_id
		and not r.queued and r.completed_at is null as held
	from soft, k join parley.run r on r.tenant = k.tenant and r.id = k.run_id
	order by r.tenant, r.id
	for no key update of r
), r as (
	update parley.run r set event_seq = held.last, has_events = true
	from held where held.held and held.first = held.event_seq + 1 and r.tenant = held.tenant and r.id = held.id
	returning held.nr
), events as (
	insert into parley.run_event (tenant, run_id, first, last, body)
	select held.tenant, held.id, held.first, held.last, held.body from held where held.held and held.first = held.event_seq + 1
)
select k.nr, coalesce(held.held, false), held.event_seq from k left join held on held.nr = k.nr`

// AppendEvents implements store.Store.
func (s *Store) AppendEvents(ctx context.Context, packs []store.EventAppend) ([]error, error) {
	const name = "append events"
	if len(packs) == 0 {
		return nil, ctx.Err()
	}
	answers := make([]error, len(packs))
	var steps []step
	for _, round := range rounds(packs) {
		steps = append(steps, step{
			sql: s.sql.appendEvents, args: eventArgs(packs, round),
			rows: func(rows pgx.Rows) error { return scanAnswers(rows, name, packs, round, answers) },
		})
	}
	if err := s.do(ctx, &call{name: name, access: writing, tenant: anyTenant, steps: steps}); err != nil {
		return nil, err
	}
	return answers, nil
}

// rounds spreads packs, by their places, so that each round has a run once: a
// statement changes a row only once. Nearly always there is one round.
func rounds(packs []store.EventAppend) [][]int {
	var out [][]int
	next := make(map[store.RunRef]int, len(packs))
	for i := range packs {
		ref := packs[i].Key.Ref()
		n := next[ref]
		next[ref] = n + 1
		if n == len(out) {
			out = append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	return out
}

func eventArgs(packs []store.EventAppend, round []int) []any {
	n := len(round)
	keys := make([]store.RunKey, n)
	first, last, bodies := make([]int64, n), make([]int64, n), make([][]byte, n)
	for i, at := range round {
		p := &packs[at]
		keys[i], first[i], last[i], bodies[i] = p.Key, p.First, p.Last, p.Body
	}
	return append(keysArgs(keys), first, last, bodies)
}

// scanAnswers turns the result for a round into the answers for its packs.
func scanAnswers(rows pgx.Rows, name string, packs []store.EventAppend, round []int, answers []error) error {
	for rows.Next() {
		var (
			nr   int
			held bool
			seq  *int64
		)
		if err := rows.Scan(&nr, &held, &seq); err != nil {
			return err
		}
		at := round[nr-1]
		p := &packs[at]
		switch {
		case !held || seq == nil:
			answers[at] = fail(name, store.ErrFenced)
		case p.First == *seq+1 || p.Last <= *seq:
			answers[at] = nil
		default:
			answers[at] = fail(name, &store.VersionConflictError{Expected: p.First - 1, Current: *seq})
		}
	}
	return nil
}

// sqlReadEvents reads a run and its packs behind $5, both of one moment. A run
// without such packs is one row with a null pack. The primary keys of run,
// participant and run_event serve it.
const sqlReadEvents = `select ` + sqlRun + `, e.first, e.last, e.body
from parley.run r left join lateral (
	select * from parley.run_event
	where tenant = $1::text and run_id = $3::uuid and last > $5::bigint
	order by last limit $6::bigint
) e on true
where ` + sqlRunVisible

// ReadEvents implements store.Store.
func (s *Store) ReadEvents(ctx context.Context, scope store.Scope, run uuid.UUID, after int64, limit int) (*store.EventPage, error) {
	const name = "read events"
	limit = max(limit, 0)
	var page *store.EventPage
	err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{{
		sql:  s.sql.readEvents,
		args: append(scopeArgs(scope, run), after, int64(limit)+1),
		rows: func(rows pgx.Rows) (err error) {
			page, err = scanEvents(rows, limit)
			return err
		},
	}}})
	if err == nil && page == nil {
		err = fail(name, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// scanEvents returns nil when there is no row.
func scanEvents(rows pgx.Rows, limit int) (*store.EventPage, error) {
	var page *store.EventPage
	for rows.Next() {
		if page == nil {
			page = &store.EventPage{}
		}
		var (
			first, last *int64
			body        []byte
		)
		if err := rows.Scan(append(runDest(&page.Run), &first, &last, &body)...); err != nil {
			return nil, err
		}
		if first == nil || last == nil {
			continue
		}
		if len(page.Packs) == limit {
			page.More = true
			break
		}
		page.Packs = append(page.Packs, store.EventPack{First: *first, Last: *last, Body: body})
	}
	return page, nil
}
