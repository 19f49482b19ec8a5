package pgstore

import (
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// Fragments of the transitions. A statement decides everything on the row of
// the conversation that it locks. Conditions and values over that row hold for
// its newest version, because the server evaluates an UPDATE anew when it had
// to wait for another writer. What a statement reads elsewhere is as old as its
// beginning: it may only decide when it cannot have changed since, or when the
// row is asked to agree. A statement that then finds itself too early changes
// nothing and is sent again.

// sqlNow is the moment of a transition: of the statement, but later than every
// change before.
const sqlNow = `greatest(statement_timestamp(), c.updated_at + interval '1 microsecond')`

// sqlMinute is the minute of that moment, for the indexes of the lists.
const sqlMinute = `floor(date_part('epoch', ` + sqlNow + `) / 60)::int`

// waiting are the four columns of the queue as they are before a promotion.
type waiting struct{ front, rest, settlingFront, settling string }

// queue are the columns as the row has them.
var queue = waiting{"c.queue_front", "c.queue", "c.settling_front", "c.settling"}

// without takes a run out of the queue.
func (w waiting) without(run string) waiting {
	return waiting{
		"array_remove(" + w.front + ", " + run + ")", "array_remove(" + w.rest + ", " + run + ")",
		"array_remove(" + w.settlingFront + ", " + run + ")", "array_remove(" + w.settling + ", " + run + ")",
	}
}

// next is the run that a transition promotes, null for none: when the
// conversation is free, the first of the queue, or while calls wait for outputs
// the first that settles them. free and settled are conditions over c: whether
// the transition leaves it free, and without calls that wait.
func (w waiting) next(free, settled string) string {
	return `(case when ` + free + ` and c.deleted_at is null then
			case when ` + settled + ` then coalesce((` + w.front + `)[1], (` + w.rest + `)[1])
			else coalesce((` + w.settlingFront + `)[1], (` + w.settling + `)[1]) end end)`
}

// promote sets what follows from the promotion of next: it gets the next fencing
// number and leaves the queue, and the conversation is its. Without it fences,
// active and status are what becomes of those columns.
func (w waiting) promote(next, fences, active, status string) string {
	left := w.without(next)
	return `
		fence_seq = c.fence_seq + (` + next + ` is not null)::int,
		fences = case when ` + next + ` is null then ` + fences + ` else array[c.fence_seq + 1] end,
		active = case when ` + next + ` is null then ` + active + ` else array[` + next + `] end,
		last_run_id = coalesce(` + next + `, c.last_run_id),
		last_run_status = case when ` + next + ` is null then ` + status + ` else 'pending' end,
		promoted = ` + next + `,
		queue_front = ` + left.front + `, queue = ` + left.rest + `,
		settling_front = ` + left.settlingFront + `, settling = ` + left.settling
}

// sqlSeen is the condition that the statement sees the run it promotes: one
// that was queued while it waited for the conversation is too new for it.
func sqlSeen(next string) string {
	return `(` + next + ` is null or exists (select 1 from parley.run q where q.tenant = c.tenant and q.id = ` + next + `))`
}

// sqlPromoted makes the promoted run of c pending. The primary key of run serves it.
const sqlPromoted = `promoted as (
	update parley.run q set queued = false, queue_until = null, fence = c.fence_seq, base_version = c.version
	from c where c.promoted is not null and q.tenant = c.tenant and q.id = c.promoted
)`

// sqlPromotedAfter does it when the run that ends in ended has ended: for a
// moment both would be active, which run_one_active does not allow.
const sqlPromotedAfter = `promoted as (
	update parley.run q set queued = false, queue_until = null, fence = c.fence_seq, base_version = c.version
	from c where c.promoted is not null and q.tenant = c.tenant and q.id = c.promoted and (select count(*) from ended) >= 0
)`

// sqlMessages appends the messages in the six arguments from $first on to c,
// which has their number in its version already.
func sqlMessages(first int) string {
	return arguments(`messages as (
	insert into parley.message (tenant, conversation_id, seq, id, run_id, created_at, incomplete, role, author, parts)
	select c.tenant, c.id, c.version - cardinality($1::uuid[]) + u.nr, u.id, u.run_id, c.updated_at, u.incomplete, u.role,
		nullif(u.author, '')::json, nullif(u.parts, '')::json
	from c, unnest($1::uuid[], $2::uuid[], $3::bool[], $4::text[], $5::text[], $6::text[])
		with ordinality u(id, run_id, incomplete, role, author, parts, nr)
)`, first)
}

// sqlPeople merges the people in the five arguments from $first on into the
// directory of c. The primary key of participant serves it.
func sqlPeople(first int) string {
	return arguments(`people as (
	insert into parley.participant (tenant, conversation_id, user_id, name, avatar_url, member, author, owner, added_at, added_nr)
	select c.tenant, c.id, u.user_id, u.name, u.avatar_url, u.member, u.author, false, c.updated_at, u.nr
	from c, unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[])
		with ordinality u(user_id, name, avatar_url, member, author, nr)
	`+sqlMerge+`
)`, first)
}

// sqlShared sets whether the directory of c has more than the owner, when the
// users in the argument $users join it.
func sqlShared(users int) string {
	return arguments(`
		shared = c.shared or not $1::text[] <@ array[c.owner]`, users)
}

var argument = regexp.MustCompile(`\$[0-9]+`)

// arguments renumbers $1, $2 ... so that they begin at first.
func arguments(fragment string, first int) string {
	return argument.ReplaceAllStringFunc(fragment, func(dollar string) string {
		n, err := strconv.Atoi(dollar[1:])
		if err != nil {
			panic(err) // the pattern has digits only
		}
		return "$" + strconv.Itoa(n-1+first)
	})
}

// messageArgs are the six arguments of sqlMessages: messages as columns.
func messageArgs(messages []store.Message) []any {
	n := len(messages)
	ids, runs := make(pgtype.FlatArray[pgtype.UUID], n), make(pgtype.FlatArray[pgtype.UUID], n)
	roles, authors, parts := make([]string, n), make([]string, n), make([]string, n)
	incomplete := make([]bool, n)
	for i := range messages {
		m := &messages[i]
		ids[i], runs[i] = idArg(m.ID), idArg(m.RunID)
		roles[i], authors[i], parts[i] = m.Role, string(m.Author), string(m.Parts)
		incomplete[i] = m.Incomplete
	}
	return []any{ids, runs, incomplete, roles, authors, parts}
}

// stored returns the messages as they are in the log when the last of them has
// the number version.
func stored(messages []store.Message, version int64, at time.Time) []store.Message {
	out := make([]store.Message, len(messages))
	for i, m := range messages {
		m.Seq = version - int64(len(messages)-1-i)
		m.CreatedAt = at
		out[i] = m
	}
	return out
}

// refOf names a run of the conversation; uuid.Nil is none.
func refOf(tenant string, conversation, run uuid.UUID) *store.RunRef {
	if run == uuid.Nil {
		return nil
	}
	return &store.RunRef{Tenant: tenant, ConversationID: conversation, RunID: run}
}
