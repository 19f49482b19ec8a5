package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlCreate writes a conversation, its detail and its directory; nothing happens
// when the tenant has the id. sqlFork does so with the messages 1 to $26 of the
// conversation $25, as the scope $27, $28, $29 shows it. The primary keys serve
// them; detail_conversation refuses an id that another tenant has.
var (
	sqlCreate = createStatement("", "0", "", "")
	sqlFork   = createStatement(`source as (
	select c.tenant, c.id from parley.conversation c
	where c.tenant = $27::text and c.id = $25::uuid and c.version >= $26::bigint and $26::bigint >= 0
		and ($29::bool or exists (select 1 from parley.participant v
			where v.tenant = $27::text and v.conversation_id = $25::uuid and v.user_id = $28::text and v.member))
), `, "$26::bigint", "\n\tfrom source", `messages as (
	insert into parley.message (tenant, conversation_id, seq, id, run_id, created_at, incomplete, role, author, parts)
	select c.tenant, c.id, m.seq, m.id, m.run_id, m.created_at, m.incomplete, m.role, m.author, m.parts
	from c, source, parley.message m
	where m.tenant = source.tenant and m.conversation_id = source.id and m.seq <= $26::bigint
), `)
)

func createStatement(source, version, given, messages string) string {
	return `with ` + source + `c as (
	insert into parley.conversation (tenant, id, owner, version, created_at, updated_at, activity_at, activity_minute,
		title_custom, shared, mode, channel, surface, agent_id, agent_name, title, preview, agent_fold, title_fold, preview_fold, pending)
	select $1::text, $2::uuid, $3::text, ` + version + `, statement_timestamp(), statement_timestamp(), statement_timestamp(),
		floor(date_part('epoch', statement_timestamp()) / 60)::int,
		$4::bool, cardinality($19::text[]) > 1, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text,
		$12::text, $13::text, $14::text, $15::text::json` + given + `
	on conflict do nothing
	returning *
), d as (
	insert into parley.detail (tenant, conversation_id, owner, title_key, agent, defaults, metadata, parent_id, parent_version)
	select c.tenant, c.id, c.owner, $16::text, $17::text::json, $18::text::json, $24::text::json, $25::uuid, $26::bigint from c
	returning *
), ` + messages + `people as (
	insert into parley.participant (tenant, conversation_id, user_id, name, avatar_url, member, author, owner, added_at, added_nr)
	select c.tenant, c.id, u.user_id, u.name, u.avatar_url, u.member, u.author, u.user_id = c.owner, c.created_at, u.nr
	from c, unnest($19::text[], $20::text[], $21::text[], $22::bool[], $23::bool[])
		with ordinality u(user_id, name, avatar_url, member, author, nr)
)
select ` + sqlConversation + ` from c, d`
}

// sqlCreated looks at a conversation by its id alone, for the one who wants to
// create it. The index detail_conversation and the primary key of conversation
// serve it.
const sqlCreated = `select ` + sqlConversation + `, p.*
from parley.detail d cross join lateral (
	select * from parley.conversation where tenant = d.tenant and id = d.conversation_id limit 1
) c ` + sqlDirectory + `
where d.conversation_id = $1::uuid`

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
		if err != nil && duplicate(err) == "" {
			return nil, err
		}
		if fresh && err == nil {
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

// createArgs are the arguments $1 to $26 of sqlCreate and sqlFork.
func createArgs(n *store.NewConversation, people []store.Participant) []any {
	args := []any{
		n.Tenant, idArg(n.ID), n.Owner, n.TitleCustom,
		n.Mode, n.Channel, n.Surface, n.AgentID, n.AgentName, n.Title, n.Preview,
		foldArg(n.AgentName), foldArg(n.Title), foldArg(n.Preview), jsonArg(n.Pending),
		titleKey(n.Title), jsonArg(n.Agent), jsonArg(n.Defaults),
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

// foldArg is folded text, null when that is the text itself.
func foldArg(text string) pgtype.Text {
	folded := store.Fold(text)
	return pgtype.Text{String: folded, Valid: folded != text}
}
