package pgstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// sqlLock locks a conversation that the scope shows. The primary keys of
// participant and conversation serve it.
const sqlLock = `select c.version from parley.conversation c
where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + `
for no key update`

// sqlRetitles is whether the title $6 changes the row, given by a person or,
// with $7, derived. $5 says that there is one.
const sqlRetitles = `($5::bool and not ($7::bool and (c.title <> '' or $6::text = ''))
			and (c.title <> $6::text or c.title_custom <> (not $7::bool and $6::text <> '')))`

// sqlUpdate changes what differs: the title, the mode $9, the directory. It
// follows sqlLock in one transaction. The primary keys of participant,
// conversation and detail serve it.
var sqlUpdate = `with c as (
	update parley.conversation c set ` + sqlShared(10) + `,
		title = case when ` + sqlRetitles + ` then $6::text else c.title end,
		title_fold = case when ` + sqlRetitles + ` then $15::text else c.title_fold end,
		searchable = c.searchable and not ` + sqlRetitles + `,
		title_custom = case when ` + sqlRetitles + ` then not $7::bool and $6::text <> '' else c.title_custom end,
		mode = coalesce($9::text, c.mode),
		updated_at = ` + sqlNow + `
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is null
		and (` + sqlRetitles + ` or c.mode <> $9::text or exists (
			select 1 from unnest($10::text[], $11::text[], $12::text[], $13::bool[], $14::bool[]) u(user_id, name, avatar_url, member, author)
				left join parley.participant p on p.tenant = $1::text and p.conversation_id = $3::uuid and p.user_id = u.user_id
			where p.user_id is null or u.name not in ('', p.name) or u.avatar_url not in ('', p.avatar_url)
				or u.member and not p.member or u.author and not p.author))
	returning c.tenant, c.id, c.updated_at, c.title = $6::text as titled
), d as (
	update parley.detail d set title_key = $8::text
	from c where $5::bool and c.titled and d.tenant = c.tenant and d.conversation_id = c.id and d.title_key <> $8::text
), ` + sqlPeople(10) + `
select from c`

// UpdateConversation implements store.Store.
func (s *Store) UpdateConversation(ctx context.Context, scope store.Scope, id uuid.UUID, u *store.ConversationUpdate) (*store.Conversation, error) {
	const name = "update conversation"
	title := store.TitleUpdate{}
	if u.Title != nil {
		title = *u.Title
	}
	var mode any
	if u.Mode != nil {
		mode = *u.Mode
	}
	args := append(scopeArgs(scope, id), u.Title != nil, title.Title, title.Derived, titleKey(title.Title), mode)
	args = append(append(args, peopleArgs(u.Participants)...), foldArg(title.Title))
	row, err := s.changed(ctx, name, scope, id, step{sql: s.sql.update, args: args})
	if err == nil && !row.DeletedAt.IsZero() {
		return nil, fail(name, store.ErrDeleted)
	}
	return row, err
}

// changed locks a conversation, lets the steps change it and returns it, all in
// one transaction.
func (s *Store) changed(ctx context.Context, name string, scope store.Scope, id uuid.UUID, steps ...step) (*store.Conversation, error) {
	var (
		row *store.Conversation
		all []step
	)
	look := scopeArgs(scope, id)
	all = append(all, step{sql: s.sql.lock, args: look})
	all = append(all, steps...)
	all = append(all, step{sql: s.sql.get, args: look, rows: oneConversation(&row)})
	err := s.do(ctx, &call{name: name, access: writing, tenant: scope.Tenant, steps: all})
	if err == nil && row == nil {
		err = fail(name, store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}
