package pgstore

import (
	"context"
	"fmt"

	"github.com/parley-go/parley/store"
)

// sqlCreate writes a conversation, its detail and its directory. Nothing
// happens when the id is taken.
const sqlCreate = `with c as (
	insert into parley.conversation (tenant, id, owner, version, created_at, updated_at, activity_at, activity_minute,
		title_custom, shared, mode, channel, surface, agent_id, agent_key, title, title_key, preview, preview_key, pending)
	select $1::text, $2::uuid, $3::text, 0, statement_timestamp(), statement_timestamp(), statement_timestamp(),
		floor(date_part('epoch', statement_timestamp()) / 60)::int,
		$4::bool, cardinality($18::text[]) > 1, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text, $12::text, $13::text,
		$14::text::json
	on conflict do nothing
	returning *
), d as (
	insert into parley.detail (tenant, conversation_id, agent_name, agent, defaults, metadata, parent_id, parent_version)
	select c.tenant, c.id, $15::text, $16::text::json, $17::text::json, $23::text::json, $24::uuid, $25::bigint from c
	returning *
), p as (
	insert into parley.participant (tenant, conversation_id, user_id, name, avatar_url, member, author, owner, added_at, added_nr)
	select c.tenant, c.id, u.user_id, u.name, u.avatar_url, u.member, u.author, u.user_id = c.owner, c.created_at, u.nr
	from c, unnest($18::text[], $19::text[], $20::text[], $21::bool[], $22::bool[])
		with ordinality u(user_id, name, avatar_url, member, author, nr)
)
select ` + sqlConversation + ` from c, d`

// sqlFork is sqlCreate with the messages 1 to $25 of the conversation $24, as the
// scope $26, $27, $28 shows it. The primary keys of participant, conversation and
// message serve it.
const sqlFork = `with source as (
	select c.tenant, c.id from parley.conversation c
	where c.tenant = $26::text and c.id = $24::uuid and c.version >= $25::bigint and $25::bigint >= 0
		and ($28::bool or exists (select 1 from parley.participant v
			where v.tenant = $26::text and v.conversation_id = $24::uuid and v.user_id = $27::text and v.member))
), c as (
	insert into parley.conversation (tenant, id, owner, version, created_at, updated_at, activity_at, activity_minute,
		title_custom, shared, mode, channel, surface, agent_id, agent_key, title, title_key, preview, preview_key, pending)
	select $1::text, $2::uuid, $3::text, $25::bigint, statement_timestamp(), statement_timestamp(), statement_timestamp(),
		floor(date_part('epoch', statement_timestamp()) / 60)::int,
		$4::bool, cardinality($18::text[]) > 1, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text, $12::text, $13::text,
		$14::text::json
	from source
	on conflict do nothing
	returning *
), m as (
	insert into parley.message (tenant, conversation_id, seq, id, run_id, created_at, incomplete, role, author, parts)
	select c.tenant, c.id, o.seq, o.id, o.run_id, o.created_at, o.incomplete, o.role, o.author, o.parts
	from c, source, parley.message o
	where o.tenant = source.tenant and o.conversation_id = source.id and o.seq <= $25::bigint
), d as (
	insert into parley.detail (tenant, conversation_id, agent_name, agent, defaults, metadata, parent_id, parent_version)
	select c.tenant, c.id, $15::text, $16::text::json, $17::text::json, $23::text::json, $24::uuid, $25::bigint from c
	returning *
), p as (
	insert into parley.participant (tenant, conversation_id, user_id, name, avatar_url, member, author, owner, added_at, added_nr)
	select c.tenant, c.id, u.user_id, u.name, u.avatar_url, u.member, u.author, u.user_id = c.owner, c.created_at, u.nr
	from c, unnest($18::text[], $19::text[], $20::text[], $21::bool[], $22::bool[])
		with ordinality u(user_id, name, avatar_url, member, author, nr)
)
select ` + sqlConversation + ` from c, d`

// sqlCreated looks at a conversation by its id alone, for the one who wants to
// create it. The index conversation_id serves it.
const sqlCreated = `select ` + sqlConversation + `, p.*
from parley.conversation c join parley.detail d on d.tenant = c.tenant and d.conversation_id = c.id ` + sqlDirectory + `
where c.id = $1::uuid`

// CreateConversation implements store.Store.
func (s *Store) CreateConversation(ctx context.Context, n *store.NewConversation) (*store.Conversation, error) {
	return createConversation(ctx, s, n)
}

// createConversation writes through any doer, so that a transaction of the host
// can be one.
func createConversation(ctx context.Context, via doer, n *store.NewConversation) (*store.Conversation, error) {
	const name = "create conversation"
	people := merged(append([]store.Participant{{UserID: n.Owner, Member: true}}, n.Participants...))
	sql, args := via.statements().create, createArgs(n, people)
	if n.Copy != nil {
		sql = via.statements().fork
		args = append(args, n.Copy.Tenant, n.Copy.User, n.Copy.Wide)
	}
	for range maxTries {
		var (
			row   store.Conversation
			fresh bool
		)
		err := via.do(ctx, &call{name: name, access: writing, tenant: n.Tenant, steps: []step{
			{sql: sql, args: args, rows: one(&fresh, conversationDest(&row)...)},
		}})
		if err != nil {
			return nil, err
		}
		if fresh {
			row.Participants = people
			return &row, nil
		}
		known, err := created(ctx, via, n)
		if known != nil || err != nil {
			return known, err
		}
	}
	return nil, fail(name, fmt.Errorf("%w: the id was taken and free again %d times", store.ErrUnavailable, maxTries))
}

// createArgs are the arguments $1 to $25 of sqlCreate and sqlFork.
func createArgs(n *store.NewConversation, people []store.Participant) []any {
	args := []any{
		n.Tenant, idArg(n.ID), n.Owner, n.TitleCustom,
		n.Mode, n.Channel, n.Surface, n.AgentID, store.Fold(n.AgentName), n.Title, titleKey(n.Title),
		n.Preview, previewKey(n.Preview), jsonArg(n.Pending),
		n.AgentName, jsonArg(n.Agent), jsonArg(n.Defaults),
	}
	args = append(args, peopleArgs(people)...)
	return append(args, jsonArg(n.Metadata), idArg(n.ParentID), n.ParentVersion)
}

// created answers a creation that wrote nothing: with the stored row if it is
// the caller's, else with the reason. Nil and nil mean that there is none, any
// longer.
func created(ctx context.Context, via doer, n *store.NewConversation) (*store.Conversation, error) {
	const name = "create conversation"
	var known *store.Conversation
	err := via.do(ctx, &call{name: name, access: reading, tenant: anyTenant, steps: []step{
		{sql: via.statements().created, args: []any{idArg(n.ID)}, rows: oneConversation(&known)},
	}})
	switch {
	case err != nil:
		return nil, err
	case known != nil && (known.Tenant != n.Tenant || known.Owner != n.Owner):
		return nil, fail(name, store.ErrExists)
	case known != nil || n.Copy == nil:
		return known, nil
	}
	head, err := headOf(ctx, via, name, *n.Copy, n.ParentID)
	switch {
	case err != nil:
		return nil, err
	case n.ParentVersion < 0 || n.ParentVersion > head:
		return nil, fail(name, &store.VersionConflictError{Expected: n.ParentVersion, Current: head})
	}
	return nil, nil
}

// sqlHead looks at the version. The primary keys of participant and conversation serve it.
const sqlHead = `select c.version from parley.conversation c where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible

// headOf returns the version of a conversation that the scope shows.
func headOf(ctx context.Context, via doer, name string, scope store.Scope, id [16]byte) (int64, error) {
	var (
		head  int64
		found bool
	)
	err := via.do(ctx, &call{name: name, access: reading, tenant: scope.Tenant, steps: []step{{
		sql: via.statements().head, args: scopeArgs(scope, id), rows: one(&found, &head),
	}}})
	if err == nil && !found {
		err = fail(name, store.ErrNotFound)
	}
	return head, err
}

// titleKey orders titles: those there are by their folded text, untitled ones last.
func titleKey(title string) string {
	if title == "" {
		return "1"
	}
	return "0" + store.Fold(title)
}

// previewKey is the folded preview, null when that is the preview itself.
func previewKey(preview string) any {
	folded := store.Fold(preview)
	if folded == preview {
		return nil
	}
	return folded
}
