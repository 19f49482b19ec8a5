package pgstore

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// sqlFinish ends an attempt, appends its messages, keeps its last events and
// promotes; sqlFinishPeople merges a directory besides. The fencing number and
// the head are checked together on the row of the conversation. What the head
// must be is read from the run: it cannot have changed since the number that
// the caller knows was given out. The primary keys of conversation, run,
// run_event and message serve it.
var (
	sqlFinish       = finishStatement("", "")
	sqlFinishPeople = finishStatement(sqlShared(19)+",", sqlPeople(19)+", ")
)

func finishStatement(shared, people string) string {
	const lands = `cardinality($10::uuid[]) > 0`
	next := queue.next(`c.fences = array[$4::bigint]`, `case when `+lands+` then $7::text is null else c.pending is null end`)
	return `with base as materialized (
	select r.base_version as version from parley.run r
	where r.tenant = $1::text and r.id = $3::uuid and r.conversation_id = $2::uuid and r.fence = $4::bigint
), c as (
	update parley.conversation c set` + shared + `
		version = c.version + cardinality($10::uuid[]),
		pending = case when ` + lands + ` then $7::text::json else c.pending end,
		preview = case when ` + lands + ` then coalesce($8::text, c.preview) else c.preview end,
		preview_key = case when ` + lands + ` and $8::text is not null then $9::text else c.preview_key end,
		updated_at = ` + sqlNow + `,
		activity_at = case when ` + lands + ` or ` + next + ` is not null then ` + sqlNow + ` else c.activity_at end,
		activity_minute = case when ` + lands + ` or ` + next + ` is not null then ` + sqlMinute + ` else c.activity_minute end,` +
		queue.promote(next, `array_remove(c.fences, $4::bigint)`, `array_remove(c.active, $3::uuid)`,
			`case when c.last_run_id = $3::uuid then $5::text else c.last_run_status end`) + `
	from base
	where c.tenant = $1::text and c.id = $2::uuid and $4::bigint = any(c.fences)
		and (cardinality($10::uuid[]) = 0 or c.version = base.version)
		and ` + sqlSeen(next) + `
	returning c.tenant, c.id, c.version, c.updated_at, c.fence_seq, c.promoted, c.title, c.title_custom
), ended as (
	update parley.run r set
		status = $5::text, result = $6::text::json, finished = true, promoted = c.promoted,
		version = case when ` + lands + ` then c.version else 0 end,
		completed_at = c.updated_at, owner = '', lease_until = null,
		tail_events = coalesce($16::bigint = r.event_seq + 1, false),
		event_seq = case when $16::bigint = r.event_seq + 1 then $17::bigint + 1 else r.event_seq + 1 end,
		has_events = r.has_events or coalesce($16::bigint = r.event_seq + 1, false)
	from c where r.tenant = c.tenant and r.id = $3::uuid
	returning r.*
), events as (
	insert into parley.run_event (tenant, run_id, first, last, body)
	select r.tenant, r.id, $16::bigint, $17::bigint, $18::bytea from ended r where r.tail_events
), ` + sqlMessages(10) + `, ` + people + sqlPromotedAfter + `
select ` + sqlRun + `, c.version, c.updated_at, c.promoted, c.title, c.title_custom from c, ended r`
}

// FinishRun implements store.Store.
func (s *Store) FinishRun(ctx context.Context, f *store.FinishRun) (*store.FinishResult, error) {
	const name = "finish run"
	if !f.Status.Terminal() {
		return nil, fail(name, fmt.Errorf("a run cannot end with status %q", f.Status))
	}
	sql, args := s.sql.finish, finishArgs(f)
	if len(f.Participants) > 0 && len(f.Messages) > 0 {
		sql = s.sql.finishPeople
		args = append(args, peopleArgs(f.Participants)...)
	}
	for range maxTries {
		var (
			res      store.FinishResult
			version  int64
			at       pgtype.Timestamptz
			promoted uuid.UUID
			done     bool
		)
		err := s.do(ctx, &call{name: name, access: writing, tenant: f.Key.Tenant, steps: []step{{
			sql: sql, args: args,
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
		again, err := s.finishRefused(ctx, f, taken)
		if again != nil || err != nil {
			return again, err
		}
	}
	return nil, fail(name, errContended)
}

func finishArgs(f *store.FinishRun) []any {
	args := append(keyArgs(f.Key), string(f.Status), jsonArg(f.Result), jsonArg(f.Pending), textArg(f.Preview), previewKey(f.Preview))
	args = append(args, messageArgs(f.Messages)...)
	if f.Events == nil {
		return append(args, nil, nil, nil)
	}
	return append(args, f.Events.First, f.Events.Last, f.Events.Body)
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
