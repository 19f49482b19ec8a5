package pgstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// sqlVisible is the condition of rule A2 for the conversation $3 of the tenant
// $1: the user $2 is a member, or the view is wide ($4). It names no column, so
// the server decides it once and looks at the conversation only if it holds;
// foreign and absent are one look-up that finds nothing. The primary key of
// participant serves it.
const sqlVisible = `($4::bool or exists (select 1 from parley.participant v
	where v.tenant = $1::text and v.conversation_id = $3::uuid and v.user_id = $2::text and v.member))`

// scopeArgs are the arguments $1 to $4 of statements with sqlVisible.
func scopeArgs(scope store.Scope, id uuid.UUID) []any {
	return []any{scope.Tenant, scope.User, idArg(id), scope.Wide}
}

// sqlGet looks at a conversation. The primary keys of participant, conversation
// and detail serve it.
const sqlGet = `select ` + sqlConversation + `, p.*
from parley.conversation c join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id ` + sqlDirectory + `
where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible

// GetConversation implements store.Store.
func (s *Store) GetConversation(ctx context.Context, scope store.Scope, id uuid.UUID) (*store.Conversation, error) {
	const name = "get conversation"
	var row *store.Conversation
	err := s.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{
		{sql: s.sql.get, args: scopeArgs(scope, id), rows: oneConversation(&row)},
	}})
	if err == nil && row == nil {
		err = fail(name, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}
