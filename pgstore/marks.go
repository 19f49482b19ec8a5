package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlMarks looks at runs and conversations at once. The primary keys of run,
// nudge and conversation serve it.
const sqlMarks = `with k as materialized (
	select k.* from unnest($1::text[], $2::uuid[], $3::uuid[]) with ordinality k(tenant, conversation_id, run_id, nr)
)
select k.nr, r.status, r.fence, r.event_seq, r.stop_requested,
	case when r.completed_at is null then (select count(*) from parley.nudge n where n.tenant = r.tenant and n.run_id = r.id
		and n.taken_by is distinct from r.fence) else 0 end,
	0::bigint, null::timestamptz
from k join parley.run r on r.tenant = k.tenant and r.id = k.run_id
union all
select k.nr, '', 0, 0, false, 0, c.version, c.updated_at
from k join parley.conversation c on k.run_id is null and c.tenant = k.tenant and c.id = k.conversation_id`

// Marks implements store.Store.
func (s *Store) Marks(ctx context.Context, refs []store.WatchRef) ([]store.Mark, error) {
	if len(refs) == 0 {
		return nil, ctx.Err()
	}
	n := len(refs)
	tenants := make([]string, n)
	conversations, runs := make(pgtype.FlatArray[pgtype.UUID], n), make(pgtype.FlatArray[pgtype.UUID], n)
	for i, ref := range refs {
		tenants[i], conversations[i], runs[i] = ref.Tenant, idArg(ref.ConversationID), idArg(ref.RunID)
	}
	marks := make([]store.Mark, n)
	err := s.do(ctx, &call{name: "marks", access: reading, tenant: anyTenant, steps: []step{{
		sql: s.sql.marks, args: []any{tenants, conversations, runs},
		rows: func(rows pgx.Rows) error {
			for i, ref := range refs {
				marks[i] = store.Mark{Ref: ref, Missing: true}
			}
			for rows.Next() {
				var (
					nr int
					m  store.Mark
				)
				if err := rows.Scan(&nr, (*string)(&m.Status), &m.Fence, &m.EventSeq, &m.StopRequested, &m.Nudges,
					&m.Version, moment{&m.UpdatedAt}); err != nil {
					return err
				}
				m.Ref = refs[nr-1]
				marks[nr-1] = m
			}
			return nil
		},
	}}})
	if err != nil {
		return nil, err
	}
	return marks, nil
}
