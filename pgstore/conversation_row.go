package pgstore

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// sqlConversation are the columns of a conversation c and its detail d.
const sqlConversation = `c.tenant, c.id, c.owner, c.agent_id, c.agent_name, d.agent, c.title, c.title_custom,
	c.mode, c.channel, c.surface, c.preview, d.defaults, d.metadata, d.parent_id, d.parent_version,
	c.version, c.pending, c.last_run_id, c.last_run_status, cardinality(c.active),
	coalesce(cardinality(c.queue_front), 0) + coalesce(cardinality(c.queue), 0),
	c.created_at, c.updated_at, c.activity_at, c.deleted_at`

// conversationDest are the places of those columns.
func conversationDest(c *store.Conversation) []any {
	return []any{
		&c.Tenant, ident{&c.ID}, &c.Owner, &c.AgentID, &c.AgentName, &c.Agent, &c.Title, &c.TitleCustom,
		&c.Mode, &c.Channel, &c.Surface, &c.Preview, &c.Defaults, &c.Metadata, ident{&c.ParentID}, &c.ParentVersion,
		&c.Version, &c.Pending, ident{&c.LastRunID}, (*string)(&c.LastRunStatus), &c.Active,
		&c.Queued,
		moment{&c.CreatedAt}, moment{&c.UpdatedAt}, moment{&c.ActivityAt}, moment{&c.DeletedAt},
	}
}

// sqlHot are the columns of a conversation c alone: what may change, and what
// decides who may do what.
const sqlHot = `c.tenant, c.id, c.owner, c.agent_id, c.title, c.title_custom, c.mode, c.channel, c.surface, c.preview,
	c.version, c.pending, c.last_run_id, c.last_run_status, cardinality(c.active),
	coalesce(cardinality(c.queue_front), 0) + coalesce(cardinality(c.queue), 0),
	c.created_at, c.updated_at, c.activity_at`

// hotDest are the places of those columns.
func hotDest(c *store.Conversation) []any {
	return []any{
		&c.Tenant, ident{&c.ID}, &c.Owner, &c.AgentID, &c.Title, &c.TitleCustom, &c.Mode, &c.Channel, &c.Surface, &c.Preview,
		&c.Version, &c.Pending, ident{&c.LastRunID}, (*string)(&c.LastRunStatus), &c.Active, &c.Queued,
		moment{&c.CreatedAt}, moment{&c.UpdatedAt}, moment{&c.ActivityAt},
	}
}

// sqlShownDirectory is sqlDirectory where it has more than the owner.
var sqlShownDirectory = strings.Replace(sqlDirectory, "where ", "where c.shared and ", 1)

// sqlDirectory gives the directory of a conversation c as four arrays, in the
// order people came. The primary key of participant serves it.
const sqlDirectory = `cross join lateral (
	select array_agg(p.user_id) as users, array_agg(p.name) as names, array_agg(p.avatar_url) as pictures,
		array_agg(p.member::int + 2 * p.author::int) as flags
	from (select * from parley.participant where tenant = c.tenant and conversation_id = c.id order by added_at, added_nr) p
) p`

// directory is where those arrays go.
type directory struct {
	users, names, pictures []string
	flags                  []int32
}

func (d *directory) dest() []any { return []any{&d.users, &d.names, &d.pictures, &d.flags} }

// people returns the directory as the contract has it.
func (d *directory) people() ([]store.Participant, error) {
	if len(d.names) != len(d.users) || len(d.pictures) != len(d.users) || len(d.flags) != len(d.users) {
		return nil, errTornAnswer
	}
	people := make([]store.Participant, len(d.users))
	for i := range people {
		people[i] = store.Participant{
			UserID: d.users[i], Name: d.names[i], AvatarURL: d.pictures[i],
			Member: d.flags[i]&1 != 0, Author: d.flags[i]&2 != 0,
		}
	}
	return people, nil
}

// scanConversation reads the present row of a result with sqlConversation and
// the directory, behind columns that go to first.
func scanConversation(rows pgx.Rows, first ...any) (*store.Conversation, error) {
	var (
		c store.Conversation
		d directory
	)
	if err := rows.Scan(append(append(first, conversationDest(&c)...), d.dest()...)...); err != nil {
		return nil, err
	}
	people, err := d.people()
	c.Participants = people
	return &c, err
}

// oneConversation reads a result of at most one conversation into row, nil for none.
func oneConversation(row **store.Conversation) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*row = nil
		if rows.Next() {
			*row, err = scanConversation(rows)
		}
		return err
	}
}
