package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlFinish ends an attempt, appends its messages, keeps its last events, and
// promotes where there is a queue. The fencing number and the head are checked
// together on the row of the conversation. What the head must be is read from
// the run: it cannot have changed since the number that the caller knows was
// given out. The primary keys of conversation, run, run_event and message serve
// it.
func sqlFinish(f form) string {
	const alone = `c.fences = array[$4::bigint]`
	args := layout{last: 6}
	sets := []string{`updated_at = ` + sqlNow}
	where, parts := "", ""
	settled, version, lands := `c.pending is null`, "0", f.messages != 0
	if lands {
		first := args.take(3)
		rows, count := args.takeMessages(f.messages)
		sets = append(sets, `version = c.version + `+count, from(first, `pending = $1::text::json,
		preview = coalesce($2::text, c.preview),
		preview_fold = case when $2::text is null then c.preview_fold else $3::text end,
		searchable = c.searchable and $2::text is null`))
		where, settled, version = ` and c.version = base.version`, from(first, `$1::text is null`), `c.version`
		parts += ", " + sqlMessages(rows, count)
	}
	if f.people {
		first := args.take(peopleColumns)
		sets, parts = append(sets, sqlShared(first)), parts+", "+sqlPeople(first)
	}
	events := `event_seq = r.event_seq + 1, ` + sqlEndedDue
	if f.events {
		first := args.take(3)
		events = from(first, `tail_events = ($1::bigint = r.event_seq + 1), has_events = r.has_events or $1::bigint = r.event_seq + 1,
		event_seq = case when $1::bigint = r.event_seq + 1 then $2::bigint else r.event_seq end + 1,
		due = case when r.has_events or $1::bigint = r.event_seq + 1 then 3 end,
		due_at = case when r.has_events or $1::bigint = r.event_seq + 1 then c.updated_at end`)
		parts += from(first, `, events as (
	insert into parley.run_event (tenant, run_id, first, last, body)
	select r.tenant, r.id, $1::bigint, $2::bigint, $3::bytea from ended r where r.tail_events
)`)
	}
	moves, which := "", "null::uuid"
	if f.queue {
		next := queue.next(alone, settled)
		sets = append(sets, queue.promote(next, `array_remove(c.fences, $4::bigint)`, `array_remove(c.active, $3::uuid)`,
			`case when c.last_run_id = $3::uuid then $5::text else c.last_run_status end`))
		moves, which = next+` is not null`, "c.promoted"
		where += ` and ` + sqlSeen(next)
		parts += ", " + sqlPromotedAfter
	} else {
		sets = append(sets, `fences = array_remove(c.fences, $4::bigint), active = array_remove(c.active, $3::uuid)`,
			`last_run_status = case when c.last_run_id = $3::uuid then $5::text else c.last_run_status end`)
		where += ` and ` + sqlNoQueue
	}
	switch {
	case lands:
		sets = append(sets, `activity_at = `+sqlNow, `activity_minute = `+sqlMinute)
	case f.queue:
		sets = append(sets, `activity_at = case when `+moves+` then `+sqlNow+` else c.activity_at end`,
			`activity_minute = case when `+moves+` then `+sqlMinute+` else c.activity_minute end`)
	}
	return `with base as materialized (
	select r.base_version as version from parley.run r
	where r.tenant = $1::text and r.id = $3::uuid and r.conversation_id = $2::uuid and r.fence = $4::bigint
), c as (
	update parley.conversation c set ` + strings.Join(sets, ",\n\t\t") + `
	from base
	where c.tenant = $1::text and c.id = $2::uuid and $4::bigint = any(c.fences)` + where + `
	returning c.tenant, c.id, c.version, c.updated_at, c.fence_seq, ` + which + ` as promoted, c.title, c.title_custom
), ended as (
	update parley.run r set
		status = $5::text, result = $6::text::json, finished = true, promoted = c.promoted,
		version = ` + version + `, completed_at = c.updated_at, owner = '', lease_until = null,
		` + events + `
	from c where r.tenant = $1::text and r.id = $3::uuid
	returning r.*
)` + parts + `
select ` + sqlRun + `, c.version, c.updated_at, c.promoted, c.title, c.title_custom from c, ended r`
}

// FinishRun implements store.Store.
func (s *Store) FinishRun(ctx context.Context, f *store.FinishRun) (*store.FinishResult, error) {
	const name = "finish run"
	if !f.Status.Terminal() {
		return nil, fail(name, fmt.Errorf("a run cannot end with status %q", f.Status))
	}
	kind, args := finishArgs(f)
	for range maxTries {
		var (
			res      store.FinishResult
			version  int64
			at       pgtype.Timestamptz
			promoted uuid.UUID
			done     bool
		)
		err := s.do(ctx, &call{name: name, access: writing, tenant: f.Key.Tenant, steps: []step{{
			sql: s.sql.finish.of(kind), args: args,
			rows: one(&done, append(runDest(&res.Run), &version, &at, ident{&promoted}, &res.Title, &res.TitleCustom)...),
		}}})
		taken := duplicate(err) != ""
		if err != nil && !taken {
			return nil, err
		}
		if done && err == nil {
			if len(f.Messages) > 0 {
				res.Messages = stored(f.Messages, version, at.Time.UTC())
			}
			res.Promoted = refOf(f.Key.Tenant, f.Key.ConversationID, promoted)
			return &res, nil
		}
		if !kind.queue && !taken {
			kind.queue = true // the likeliest reason
			continue
		}
		again, err := s.finishRefused(ctx, f, taken)
		if again != nil || err != nil {
			return again, err
		}
	}
	return nil, fail(name, errContended)
}

// finishArgs returns the form of the statement and its arguments.
func finishArgs(f *store.FinishRun) (form, []any) {
	kind := form{messages: messagesForm(f.Messages), events: f.Events != nil}
	args := append(keyArgs(f.Key), string(f.Status), jsonArg(f.Result))
	if len(f.Messages) > 0 {
		args = append(args, jsonArg(f.Pending), textArg(f.Preview), foldArg(f.Preview))
		args = append(args, messageArgs(f.Messages)...)
		if kind.people = len(f.Participants) > 0; kind.people {
			args = append(args, peopleArgs(f.Participants)...)
		}
	}
	if kind.events {
		args = append(args, f.Events.First, f.Events.Last, f.Events.Body)
	}
	return kind, args
}

// keyArgs are the arguments $1 to $4 that name an attempt.
func keyArgs(key store.RunKey) []any {
	return []any{key.Tenant, idArg(key.ConversationID), idArg(key.RunID), key.Fence}
}

// sqlFinishLook looks at everything an end is checked against. The primary keys
// of run and conversation serve it.
const sqlFinishLook = `select ` + sqlRun + `, r.finished and r.fence = $4::bigint, r.fence = $4::bigint and $4::bigint = any(c.fences), c.version,
	c.title, c.title_custom, r.promoted
from parley.run r join parley.conversation c on c.tenant = r.tenant and c.id = r.conversation_id
where r.tenant = $1::text and r.id = $3::uuid and r.conversation_id = $2::uuid`

// finishRefused finds out why an end wrote nothing, in the order of the
// contract. Nil and nil mean that nothing stands in its way any longer. taken
// says that one of its messages' ids is in the log, or twice in the call.
func (s *Store) finishRefused(ctx context.Context, f *store.FinishRun, taken bool) (*store.FinishResult, error) {
	const name = "finish run"
	var (
		res               store.FinishResult
		found, done, held bool
		head              int64
		promoted          uuid.UUID
	)
	err := s.do(ctx, &call{name: name, access: reading, tenant: f.Key.Tenant, steps: []step{{
		sql: s.sql.finishLook, args: keyArgs(f.Key),
		rows: one(&found, append(runDest(&res.Run), &done, &held, &head, &res.Title, &res.TitleCustom, ident{&promoted})...),
	}}})
	switch {
	case err != nil:
		return nil, err
	case found && done:
		res.Replayed = true
		res.Promoted = refOf(f.Key.Tenant, f.Key.ConversationID, promoted)
		res.Messages, err = s.landed(ctx, &res.Run)
		return &res, err
	case !found || !held:
		return nil, fail(name, store.ErrFenced)
	case len(f.Messages) > 0 && res.Run.BaseVersion != head:
		return nil, fail(name, &store.VersionConflictError{Expected: res.Run.BaseVersion, Current: head})
	case taken:
		return nil, fail(name, fmt.Errorf("%w: the id of a message", store.ErrExists))
	}
	return nil, nil
}

// sqlLanded reads the messages that a run has appended: those behind its base
// version up to its version. The primary key of message serves it.
const sqlLanded = `select ` + sqlMessage + ` from parley.message m
where m.tenant = $1::text and m.conversation_id = $2::uuid and m.seq > $3::bigint and m.seq <= $4::bigint
order by m.seq`

func (s *Store) landed(ctx context.Context, r *store.Run) ([]store.Message, error) {
	var messages []store.Message
	err := s.do(ctx, &call{name: "finish run", access: reading, tenant: r.Tenant, steps: []step{{
		sql:  s.sql.landed,
		args: []any{r.Tenant, idArg(r.ConversationID), r.BaseVersion, r.Version},
		rows: func(rows pgx.Rows) error {
			messages = nil
			for rows.Next() {
				var m store.Message
				if err := rows.Scan(messageDest(&m)...); err != nil {
					return err
				}
				messages = append(messages, m)
			}
			return nil
		},
	}}})
	return messages, err
}
