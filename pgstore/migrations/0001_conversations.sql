-- Tables of the store. "parley" stands for the schema, whatever its name.
--
-- Text that is compared or ordered is collated "C": byte order is the same in
-- every database, and equal to that of the other stores.

-- The hot row. It stays small and is updated in place (HOT), so no index may
-- name a column that an append or a turn changes; activity_minute changes at
-- most once a minute. It has few indexes, because a statement that changes a row
-- opens all of them. What seldom changes lives in detail.
create table parley.conversation (
	tenant          text collate "C" not null,
	id              uuid not null,
	owner           text collate "C" not null,

	version         bigint not null default 0,
	fence_seq       bigint not null default 0, -- the fencing number given out last
	created_at      timestamptz not null,
	updated_at      timestamptz not null,
	activity_at     timestamptz not null,
	deleted_at      timestamptz,
	activity_minute integer not null,              -- of activity_at, since 1970
	listed          boolean not null default true, -- not deleted
	title_custom    boolean not null,
	shared          boolean not null,              -- the directory has had more than the owner
	searchable      boolean not null default false, -- search has its texts as they are

	mode            text collate "C" not null,
	channel         text collate "C" not null,
	surface         text collate "C" not null,
	agent_id        text collate "C" not null,
	agent_name      text collate "C" not null,
	title           text collate "C" not null,
	preview         text collate "C" not null,
	-- The same for the text filter, folded; null where folding changes nothing.
	agent_fold      text collate "C",
	title_fold      text collate "C",
	preview_fold    text collate "C",
	pending         json,

	last_run_id     uuid,
	last_run_status text collate "C" not null default '',
	fences          bigint[] not null default '{}', -- numbers that are good now
	active          uuid[] not null default '{}',   -- the runs that hold them
	-- Queued runs in the order of their turn; settling ones are those of them
	-- that deal with calls that wait for outputs. An empty queue is null.
	queue_front     uuid[],
	queue           uuid[],
	settling_front  uuid[],
	settling        uuid[],
	promoted        uuid, -- by the newest transition that looked at the queue

	primary key (tenant, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Lists of a tenant for an administrator, and of an owner. An incremental sort
-- orders within a minute.
--
-- As long as a table is new and has no statistics, an index whose first columns
-- are given looks as good as one that finds a single row, and plans are kept.
-- So an index for lists has a condition, or a first column, that no statement
-- names that wants a single row: listed here, timeout at run.
create index conversation_recent on parley.conversation (tenant, activity_minute) where listed;
create index conversation_owner_recent on parley.conversation (tenant, owner, activity_minute) where listed;

create table parley.detail (
	tenant          text collate "C" not null,
	conversation_id uuid not null,
	owner           text collate "C" not null,
	listed          boolean not null default true, -- as in conversation
	title_key       text collate "C" not null,     -- '0' and the folded title; '1' without a title
	agent           json,
	defaults        json,
	metadata        json,
	parent_id       uuid,
	parent_version  bigint not null,
	primary key (tenant, conversation_id)
);

-- An id is taken in all tenants at once.
create unique index detail_conversation on parley.detail (conversation_id);
-- Lists by title; an incremental sort orders those that begin alike. An erasure
-- finds all of an owner by the second.
create index detail_title on parley.detail (tenant, left(title_key, 100)) where listed;
create index detail_owner_title on parley.detail (owner, tenant, left(title_key, 100));

-- The directory. A row with member decides who sees the conversation: it is
-- looked up before the conversation itself, so that foreign and absent ones
-- take the same time.
create table parley.participant (
	tenant          text collate "C" not null,
	conversation_id uuid not null,
	user_id         text collate "C" not null,
	name            text not null,
	avatar_url      text not null,
	member          boolean not null,
	author          boolean not null,
	owner           boolean not null,
	added_at        timestamptz not null, -- with added_nr the order they came in
	added_nr        integer not null,
	primary key (tenant, conversation_id, user_id)
);

-- Conversations of others that a user is in: for lists, and for an erasure.
create index participant_user on parley.participant (tenant, user_id, conversation_id) where not owner;

create table parley.message (
	tenant          text collate "C" not null,
	conversation_id uuid not null,
	seq             bigint not null,
	id              uuid not null,
	run_id          uuid,
	created_at      timestamptz not null,
	incomplete      boolean not null,
	role            text not null,
	author          json,
	parts           json,
	primary key (tenant, conversation_id, seq)
) with (autovacuum_vacuum_insert_scale_factor = 0.1);

-- A repeated append is known by its messages' ids.
create unique index message_id on parley.message (tenant, conversation_id, id) where seq > 0; -- all of them

-- Lease, owner, fencing and event numbers change often and are in no index.
create table parley.run (
	tenant          text collate "C" not null,
	id              uuid not null,
	conversation_id uuid not null,

	base_version    bigint not null,
	version         bigint not null default 0,
	fence           bigint not null,
	event_seq       bigint not null default 0,
	timeout         bigint not null,  -- nanoseconds
	created_at      timestamptz not null,
	started_at      timestamptz,
	completed_at    timestamptz,
	lease_until     timestamptz,
	deadline        timestamptz,
	queue_until     timestamptz,
	attempt         integer not null,

	queued          boolean not null,
	front           boolean not null,
	exclusive       boolean not null, -- started while no other was active
	stop_requested  boolean not null default false,
	finished        boolean not null default false, -- ended by the attempt that fence names
	has_events      boolean not null default false, -- there are rows in run_event
	tail_events     boolean not null default false, -- its end kept the events it carried

	status          text collate "C" not null,
	owner           text not null,
	user_id         text collate "C" not null,
	key             text collate "C" not null,
	fingerprint     text not null,
	promoted        uuid, -- the run that its end promoted

	-- What an engine may have to do about it: 1 claim it (pending or running),
	-- 2 see that it does not wait too long (queued), 3 delete its events (ended);
	-- null nothing. due_at orders: creation, queue_until, completion.
	due             smallint,
	due_at          timestamptz,

	spec            json,
	result          json,

	primary key (tenant, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create index run_list on parley.run (tenant, conversation_id, created_at, id) where timeout >= 0; -- all of them
create unique index run_key on parley.run (tenant, conversation_id, key) where key <> '';
-- At most one active run, unless a race was asked for.
create unique index run_one_active on parley.run (tenant, conversation_id) where exclusive and due = 1;
create index run_due on parley.run (due, due_at, id) where due is not null;

create table parley.run_event (
	tenant          text collate "C" not null,
	run_id          uuid not null,
	first           bigint not null,
	last            bigint not null,
	body            bytea,
	primary key (tenant, run_id, last)
);

create table parley.nudge (
	tenant          text collate "C" not null,
	run_id          uuid not null,
	id              uuid not null,
	user_id         text not null,
	body            text not null,
	created_at      timestamptz not null,
	taken_by        bigint, -- fencing number of the attempt that took it
	primary key (tenant, run_id, id)
);

-- lz4 halves the time of storing long bodies; servers before 14, and some after
-- it, cannot do it and keep their default.
do $$
declare
	place text[];
begin
	foreach place slice 1 in array array[['message', 'parts'], ['message', 'author'], ['run', 'spec'], ['run', 'result'],
		['run_event', 'body'], ['detail', 'defaults'], ['detail', 'metadata'], ['detail', 'agent']] loop
		execute format('alter table parley.%I alter column %I set compression lz4', place[1], place[2]);
	end loop;
exception
	when syntax_error or feature_not_supported then null;
end
$$;
