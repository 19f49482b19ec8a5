package pgstore

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/parley-go/parley/store"
)

// What a purge erases, and with $2 the directories it takes that user out of.
// The primary key of conversation serves the first two, the indexes
// detail_owner_title and participant_user the last.
const (
	sqlPurgeOne    = `select c.id, true from parley.conversation c where c.tenant = $1::text and c.id = $2::uuid`
	sqlPurgeTenant = `select c.id, true from parley.conversation c where c.tenant = $1::text`
	sqlPurgeOwner  = `select d.conversation_id, true from parley.detail d where d.tenant = $1::text and d.owner = $2::text
union all
select p.conversation_id, false from parley.participant p where p.tenant = $1::text and p.user_id = $2::text and not p.owner`
)

// The steps of a purge of the conversations $2 of the tenant $1. The locks come
// first, and each statement sees what was committed before them, so that nothing
// written meanwhile is left behind. The primary keys serve them, and run_list.
const (
	sqlPurgeLock = `select count(*) from (
	select 1 from parley.conversation where tenant = $1::text and id = any($2::uuid[]) order by id for update) c`
	sqlPurgeLockRuns = `select count(*) from (
	select 1 from parley.run where tenant = $1::text and conversation_id = any($2::uuid[]) and timeout >= 0 order by id for update) r`
	sqlPurgeEvents = `with gone as (
	delete from parley.run_event e using parley.run r
	where r.tenant = $1::text and r.conversation_id = any($2::uuid[]) and r.timeout >= 0 and e.tenant = r.tenant and e.run_id = r.id
	returning e.last - e.first + 1 as events)
select coalesce(sum(events), 0)::bigint from gone`
	sqlPurgeNudges = `delete from parley.nudge n using parley.run r
where r.tenant = $1::text and r.conversation_id = any($2::uuid[]) and r.timeout >= 0 and n.tenant = r.tenant and n.run_id = r.id`
	sqlPurgeRuns = `with gone as (
	delete from parley.run where tenant = $1::text and conversation_id = any($2::uuid[]) and timeout >= 0 returning 1)
select count(*) from gone`
	sqlPurgeMessages = `with gone as (
	delete from parley.message where tenant = $1::text and conversation_id = any($2::uuid[]) returning 1)
select count(*) from gone`
	sqlPurgePeople        = `delete from parley.participant where tenant = $1::text and conversation_id = any($2::uuid[])`
	sqlPurgeDetails       = `delete from parley.detail where tenant = $1::text and conversation_id = any($2::uuid[])`
	sqlPurgeSearch        = `delete from parley.search where tenant = $1::text and conversation_id = any($2::uuid[])`
	sqlPurgeConversations = `with gone as (
	delete from parley.conversation where tenant = $1::text and id = any($2::uuid[]) returning 1)
select count(*) from gone`
	// sqlPurgeUser takes the user $3 out of the directories of the conversations $2.
	sqlPurgeUser = `with gone as (
	delete from parley.participant where tenant = $1::text and conversation_id = any($2::uuid[]) and user_id = $3::text and not owner
	returning conversation_id)
update parley.conversation c set updated_at = ` + sqlNow + `
from gone where c.tenant = $1::text and c.id = gone.conversation_id`
)

// Purge implements store.Store.
func (s *Store) Purge(ctx context.Context, target store.PurgeTarget) (store.PurgeCounts, error) {
	erase, touch, err := s.purgeList(ctx, target)
	if err != nil || len(erase)+len(touch) == 0 {
		return store.PurgeCounts{}, err
	}
	var (
		n           store.PurgeCounts
		erased      = []any{target.Tenant, erase}
		locked, has = int64(0), false
	)
	err = s.do(ctx, &call{name: "purge", access: writing, tenant: target.Tenant, steps: []step{
		{sql: s.sql.purgeLock, args: []any{target.Tenant, append(erase[:len(erase):len(erase)], touch...)}, rows: one(&has, &locked)},
		{sql: s.sql.purgeLockRuns, args: erased, rows: one(&has, &locked)},
		{sql: s.sql.purgeEvents, args: erased, rows: one(&has, &n.Events)},
		{sql: s.sql.purgeNudges, args: erased},
		{sql: s.sql.purgeRuns, args: erased, rows: one(&has, &n.Runs)},
		{sql: s.sql.purgeMessages, args: erased, rows: one(&has, &n.Messages)},
		{sql: s.sql.purgePeople, args: erased},
		{sql: s.sql.purgeDetails, args: erased},
		{sql: s.sql.purgeSearch, args: erased},
		{sql: s.sql.purgeConversations, args: erased, rows: one(&has, &n.Conversations)},
		{sql: s.sql.purgeUser, args: []any{target.Tenant, touch, target.Owner}},
	}})
	if err != nil {
		return store.PurgeCounts{}, err
	}
	return n, nil
}

// purgeList names what the target is: conversations to erase, and those of which
// only the directory changes. What is created meanwhile comes after the purge.
func (s *Store) purgeList(ctx context.Context, target store.PurgeTarget) (erase, touch pgtype.FlatArray[pgtype.UUID], err error) {
	sql, args := s.sql.purgeTenant, []any{target.Tenant}
	switch {
	case target.ConversationID != uuid.Nil:
		sql, args = s.sql.purgeOne, append(args, idArg(target.ConversationID))
	case target.Owner != "":
		sql, args = s.sql.purgeOwner, append(args, target.Owner)
	}
	err = s.do(ctx, &call{name: "purge", access: reading, tenant: target.Tenant, steps: []step{{
		sql: sql, args: args,
		rows: func(rows pgx.Rows) error {
			erase, touch = pgtype.FlatArray[pgtype.UUID]{}, pgtype.FlatArray[pgtype.UUID]{}
			for rows.Next() {
				var (
					id   pgtype.UUID
					gone bool
				)
				if err := rows.Scan(&id, &gone); err != nil {
					return err
				}
				if gone {
					erase = append(erase, id)
				} else {
					touch = append(touch, id)
				}
			}
			return nil
		},
	}}})
	return erase, touch, err
}
