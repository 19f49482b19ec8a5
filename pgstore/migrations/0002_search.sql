-- The text filter over many conversations, where the server has pg_trgm and the
-- role may create it; without it the filter walks the list, with the same answer.
--
-- An index of trigrams on the hot row would end its updates in place and cost
-- more than the append itself. So the texts are copied here, by Sweep, when a
-- conversation has been quiet for a while; until then it is not searchable, and
-- the filter looks at the row.
create table parley.search (
	tenant          text collate "C" not null,
	conversation_id uuid not null,
	owner           text collate "C" not null,
	body            text collate "C" not null,
	primary key (tenant, conversation_id)
);
create index search_owner on parley.search (owner, tenant);

do $$
declare
	home text;
begin
	-- Schemas migrate at once in one database; the extension is the database's.
	perform pg_advisory_xact_lock(hashtextextended('github.com/parley-go/parley/pgstore pg_trgm', 0));
	create extension if not exists pg_trgm;
	select n.nspname into strict home from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
	execute format('create index search_body on parley.search using gin (body %I.gin_trgm_ops)', home);
	create index conversation_unsearchable on parley.conversation (tenant, owner) where listed and not searchable;
exception
	when insufficient_privilege or feature_not_supported or undefined_file or undefined_object or invalid_schema_name then null;
end
$$;
