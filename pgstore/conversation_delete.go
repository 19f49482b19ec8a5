package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// sqlDelete sets the deletion time and ends every run that is not terminal. It
// follows sqlLock in one transaction. The primary keys of participant,
// conversation, detail and run serve it.
const sqlDelete = `with was as materialized (
	select c.active || c.queue_front || c.queue as runs from parley.conversation c
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is null
), c as (
	update parley.conversation c set
		deleted_at = ` + sqlNow + `, listed = false, updated_at = ` + sqlNow + `,
		fences = '{}', active = '{}', queue_front = null, queue = null, settling_front = null, settling = null, promoted = null,
		last_run_status = case when c.last_run_id = any(was.runs) then 'stopped' else c.last_run_status end
	from was where c.tenant = $1::text and c.id = $3::uuid
	returning c.tenant, c.id, c.updated_at, was.runs
), d as (
	update parley.detail d set listed = false from c where d.tenant = c.tenant and d.conversation_id = c.id
), r as (
	update parley.run r set status = 'stopped', result = $5::text::json, queued = false, queue_until = null,
		owner = '', lease_until = null, completed_at = c.updated_at, event_seq = r.event_seq + 1,
		` + sqlEndedDue + `
	from c where r.tenant = c.tenant and r.id = any(c.runs)
	returning r.id, r.created_at
)
select r.id from r order by r.created_at, r.id`

// DeleteConversation implements store.Store.
func (s *Store) DeleteConversation(ctx context.Context, scope store.Scope, id uuid.UUID, result []byte) (*store.Conversation, []store.RunRef, error) {
	var ended []store.RunRef
	row, err := s.changed(ctx, "delete conversation", scope, id, step{
		sql:  s.sql.delete,
		args: append(scopeArgs(scope, id), jsonArg(result)),
		rows: func(rows pgx.Rows) error {
			ended = nil
			for rows.Next() {
				ref := store.RunRef{Tenant: scope.Tenant, ConversationID: id}
				if err := rows.Scan(ident{&ref.RunID}); err != nil {
					return err
				}
				ended = append(ended, ref)
			}
			return nil
		},
	})
	if err != nil {
		return nil, nil, err
	}
	return row, ended, nil
}

// sqlRestore clears the deletion time. The primary keys of participant,
// conversation and detail serve it.
const sqlRestore = `with c as (
	update parley.conversation c set deleted_at = null, listed = true, updated_at = ` + sqlNow + `
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is not null
	returning c.tenant, c.id
)
update parley.detail d set listed = true from c where d.tenant = c.tenant and d.conversation_id = c.id`

// RestoreConversation implements store.Store.
func (s *Store) RestoreConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	return s.changed(ctx, "restore conversation", scope, id, step{sql: s.sql.restore, args: scopeArgs(scope, id)})
}
