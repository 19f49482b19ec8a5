package pgstore

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// form is what the text of a transition depends on. What a call does not need
// is not in its statement: to set up each part costs the server more than to
// run it.
type form struct {
	messages int  // how many; manyMessages for more than maxListed
	people   bool // merges a directory
	events   bool // keeps a pack of events
	queue    bool // looks at the queue; without it, a conversation with one is refused
}

// A list of values costs the server a third less than arrays do, but each
// length is a statement of its own. So up to maxListed messages are listed, and
// more come as arrays.
const (
	maxListed    = 8
	manyMessages = -1
)

// messagesForm is the number of messages in a form.
func messagesForm(messages []store.Message) int {
	if len(messages) > maxListed {
		return manyMessages
	}
	return len(messages)
}

// layout gives out the numbers of a statement's arguments.
type layout struct{ last int }

// take gives out the next n and returns the first of them.
func (l *layout) take(n int) int {
	first := l.last + 1
	l.last += n
	return first
}

var argument = regexp.MustCompile(`\$[0-9]+`)

// from renumbers the arguments $1, $2 ... of a fragment so that they begin at first.
func from(first int, fragment string) string {
	return argument.ReplaceAllStringFunc(fragment, func(dollar string) string {
		n, err := strconv.Atoi(dollar[1:])
		if err != nil {
			panic(err) // the pattern has digits only
		}
		return "$" + strconv.Itoa(n-1+first)
	})
}

// messageColumns are the arguments of a message: id, run, incomplete, role,
// author, parts.
const messageColumns = 6

// takeMessages gives out the arguments of messages. rows are they as rows u, and
// count is their number.
func (l *layout) takeMessages(n int) (rows, count string) {
	if n == manyMessages {
		first := l.take(messageColumns)
		return from(first, `unnest($1::uuid[], $2::uuid[], $3::bool[], $4::text[], $5::text[], $6::text[])
		with ordinality u(id, run_id, incomplete, role, author, parts, nr)`), from(first, `cardinality($1::uuid[])`)
	}
	values := make([]string, n)
	for i := range values {
		values[i] = from(l.take(messageColumns), `($1::uuid, $2::uuid, $3::bool, $4::text, $5::text, $6::text, `+strconv.Itoa(i+1)+`)`)
	}
	return `(values ` + strings.Join(values, ",\n\t\t") + `) u(id, run_id, incomplete, role, author, parts, nr)`, strconv.Itoa(n)
}

// messageArgs are the arguments that takeMessages gave out.
func messageArgs(messages []store.Message) []any {
	if messagesForm(messages) == manyMessages {
		return messageArrays(messages)
	}
	args := make([]any, 0, len(messages)*messageColumns)
	for i := range messages {
		m := &messages[i]
		args = append(args, idArg(m.ID), idArg(m.RunID), m.Incomplete, m.Role, string(m.Author), string(m.Parts))
	}
	return args
}

// messageArrays are messages as columns.
func messageArrays(messages []store.Message) []any {
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

// sqlMessages appends the rows to c, which has their number in its version
// already.
func sqlMessages(rows, count string) string {
	return `messages as (
	insert into parley.message (tenant, conversation_id, seq, id, run_id, created_at, incomplete, role, author, parts)
	select c.tenant, c.id, c.version - ` + count + ` + u.nr, u.id, u.run_id, c.updated_at, u.incomplete, u.role,
		nullif(u.author, '')::json, nullif(u.parts, '')::json
	from c, ` + rows + `
)`
}

// peopleColumns are the arguments of a directory.
const peopleColumns = 5

// sqlPeople merges the people in the arguments from $first on into the directory
// of c. The primary key of participant serves it.
func sqlPeople(first int) string {
	return from(first, `people as (
	insert into parley.participant (tenant, conversation_id, user_id, name, avatar_url, member, author, owner, added_at, added_nr)
	select c.tenant, c.id, u.user_id, u.name, u.avatar_url, u.member, u.author, false, c.updated_at, u.nr
	from c, unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[])
		with ordinality u(user_id, name, avatar_url, member, author, nr)
	`+sqlMerge+`
)`)
}

// sqlShared notes in c whether its directory has more than the owner when those
// people join it.
func sqlShared(first int) string {
	return from(first, `shared = c.shared or not $1::text[] <@ array[c.owner]`)
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
