package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlAppend appends messages at the head, and promotes where there is a queue.
// Everything is decided on the row of the conversation. The primary keys of
// participant, conversation, run and message serve it; the index message_id
// refuses a replay at the head.
func sqlAppend(f form) string {
	args := layout{last: 10}
	rows, count := args.takeMessages(f.messages)
	shared, people := "", ""
	if f.people {
		first := args.take(peopleColumns)
		shared, people = sqlShared(first)+", ", ", "+sqlPeople(first)
	}
	promote, ready, promoted, which := "", sqlNoQueue, "", "null::uuid"
	if f.queue {
		next := queue.next(`c.fences = '{}'`, `$8::text is null`)
		promote = "," + queue.promote(next, `c.fences`, `c.active`, `c.last_run_status`)
		ready, promoted, which = sqlSeen(next), ", "+sqlPromoted, "c.promoted"
	}
	return `with c as (
	update parley.conversation c set ` + shared + `
		version = c.version + ` + count + `,
		pending = $8::text::json,
		preview = coalesce($9::text, c.preview),
		preview_fold = case when $9::text is null then c.preview_fold else $10::text end,
		searchable = c.searchable and $9::text is null,
		updated_at = ` + sqlNow + `, activity_at = ` + sqlNow + `, activity_minute = ` + sqlMinute + promote + `
	where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + ` and c.deleted_at is null
		and ($5::bigint is null or c.version = $5::bigint)
		and ($6::bool or c.fences = '{}')
		and ($7::bool or c.pending is null)
		and ` + ready + `
	returning c.tenant, c.id, c.version, c.updated_at, c.fence_seq, ` + which + ` as promoted
), ` + sqlMessages(rows, count) + people + promoted + `
select c.version, c.updated_at, c.promoted from c`
}

var errNothingToAppend = errors.New("an append needs messages")

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, a *store.Append) (*store.AppendResult, error) {
	const name = "append"
	if len(a.Messages) == 0 {
		return nil, fail(name, errNothingToAppend)
	}
	f := form{messages: messagesForm(a.Messages), people: len(a.Participants) > 0}
	args := append(scopeArgs(a.Scope, a.ConversationID),
		numberArg(a.Expected), a.Race, a.Settles, jsonArg(a.Pending), textArg(a.Preview), foldArg(a.Preview))
	args = append(args, messageArgs(a.Messages)...)
	if f.people {
		args = append(args, peopleArgs(a.Participants)...)
	}
	for range maxTries {
		var (
			res      store.AppendResult
			at       pgtype.Timestamptz
			promoted uuid.UUID
			done     bool
		)
		err := s.do(ctx, &call{name: name, access: writing, tenant: a.Scope.Tenant, steps: []step{
			{sql: s.sql.append.of(f), args: args, rows: one(&done, &res.Version, &at, ident{&promoted})},
		}})
		taken := duplicate(err) != ""
		if err != nil && !taken {
			return nil, err
		}
		if done && err == nil {
			res.Messages = stored(a.Messages, res.Version, at.Time.UTC())
			res.Promoted = refOf(a.Scope.Tenant, a.ConversationID, promoted)
			return &res, nil
		}
		again, err := s.appendRefused(ctx, a, taken)
		if again != nil || err != nil {
			return again, err
		}
		f.queue = true // nothing else stood in its way
	}
	return nil, fail(name, errContended)
}

// errContended is the answer of a transition that others overtook each time.
var errContended = fmt.Errorf("%w: overtaken by other writers %d times", store.ErrUnavailable, maxTries)

// sqlAppendLook looks at everything an append is checked against: the row, and
// those of its messages that are in the log already. The primary keys of
// participant and conversation serve it, and message_id.
const sqlAppendLook = `select c.version, c.deleted_at is not null, c.active[1], c.pending is not null, ` + sqlMessage + `
from parley.conversation c left join lateral (
	select * from parley.message
	where tenant = $1::text and conversation_id = $3::uuid and id = any($5::uuid[]) and seq > 0
) m on true
where c.tenant = $1::text and c.id = $3::uuid and ` + sqlVisible + `
order by m.seq`

// appendRefused finds out why an append wrote nothing, in the order of the
// contract. Nil and nil mean that nothing stands in its way any longer. taken
// says that the server found one of its ids in the log, or twice in the append.
func (s *Store) appendRefused(ctx context.Context, a *store.Append, taken bool) (*store.AppendResult, error) {
	const name = "append"
	var (
		found, deleted, pending bool
		head                    int64
		holder                  uuid.UUID
		known                   []store.Message
	)
	ids := make(pgtype.FlatArray[pgtype.UUID], len(a.Messages))
	for i := range a.Messages {
		ids[i] = idArg(a.Messages[i].ID)
	}
	err := s.do(ctx, &call{name: name, access: reading, tenant: a.Scope.Tenant, steps: []step{{
		sql:  s.sql.appendLook,
		args: append(scopeArgs(a.Scope, a.ConversationID), ids),
		rows: func(rows pgx.Rows) error {
			found, known = false, nil
			for rows.Next() {
				found = true
				var m store.Message
				if err := rows.Scan(append([]any{&head, &deleted, ident{&holder}, &pending}, messageDest(&m)...)...); err != nil {
					return err
				}
				if m.Seq != 0 {
					known = append(known, m)
				}
			}
			return nil
		},
	}}})
	if err != nil {
		return nil, err
	}
	conflict := &store.VersionConflictError{Expected: head, Current: head}
	if a.Expected != nil {
		conflict.Expected = *a.Expected
	}
	switch {
	case !found:
		return nil, fail(name, store.ErrNotFound)
	case deleted:
		return nil, fail(name, store.ErrDeleted)
	case replayed(a, known):
		return &store.AppendResult{Version: known[len(known)-1].Seq, Messages: known, Replayed: true}, nil
	case len(known) > 0 || conflict.Expected != head:
		return nil, fail(name, conflict)
	case !a.Race && holder != uuid.Nil:
		return nil, fail(name, &store.RunActiveError{RunID: holder})
	case !a.Settles && pending:
		return nil, fail(name, store.ErrToolOutputsPending)
	case taken && doubled(a.Messages):
		return nil, fail(name, store.ErrExists)
	}
	return nil, nil
}

// replayed reports whether known, in the order of the log, are the messages of
// the append, one after the other and at the expected place.
func replayed(a *store.Append, known []store.Message) bool {
	if len(known) != len(a.Messages) || a.Expected != nil && known[0].Seq != *a.Expected+1 {
		return false
	}
	for i := range known {
		if known[i].ID != a.Messages[i].ID || known[i].Seq != known[0].Seq+int64(i) {
			return false
		}
	}
	return true
}

// doubled reports whether two of the messages have one id.
func doubled(messages []store.Message) bool {
	ids := make([]uuid.UUID, len(messages))
	for i := range messages {
		ids[i] = messages[i].ID
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return len(slices.Compact(ids)) != len(messages)
}
