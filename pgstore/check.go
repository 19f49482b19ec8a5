package pgstore

import (
	"context"
	"errors"
	"fmt"
)

// oldestServer is the first version that has all the statements need.
const oldestServer = 130000

// sqlCheck looks at everything that keeps a store from working: the server, the
// schema and the role's rights on it.
const sqlCheck = `select current_setting('server_version_num')::int, current_user::text,
	coalesce((select has_schema_privilege(n.oid, 'usage') from pg_namespace n where n.nspname = $1::text), false),
	exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1::text and c.relname = 'migration'),
	coalesce((select bool_and(has_table_privilege(c.oid, 'select') and (c.relname = 'migration' or has_table_privilege(c.oid, 'insert')
			and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')))
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1::text and c.relkind in ('r', 'p')), false),
	exists (select 1 from pg_namespace n where n.nspname = $1::text),
	pg_is_in_recovery() or current_setting('transaction_read_only')::bool,
	coalesce((select c.relrowsecurity from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1::text and c.relname = 'conversation'), false),
	(select r.rolsuper or r.rolbypassrls from pg_roles r where r.rolname = current_user)`

// Check implements store.Store: it connects and looks whether the schema is the
// one this package works with, and whether the role may.
func (s *Store) Check(ctx context.Context) error {
	const name = "check"
	var (
		server                                    int
		role                                      string
		usage, versions, tables, schema, readOnly bool
		policies, exempt                          bool
		have                                      int
		found                                     bool
	)
	err := s.do(ctx, &call{name: name, access: reading, tenant: anyTenant, steps: []step{{
		sql: sqlCheck, args: []any{s.opts.Schema},
		rows: one(&found, &server, &role, &usage, &versions, &tables, &schema, &readOnly, &policies, &exempt),
	}}})
	if err != nil {
		return err
	}
	in := s.opts.Schema
	switch {
	case server < oldestServer:
		return fail(name, fmt.Errorf("the server is PostgreSQL %d.%d: use 13 or later", server/10000, server%10000))
	case !schema:
		return fail(name, fmt.Errorf("there is no schema %s: run pgstore.Migrate, or name another schema in Options", in))
	case !usage:
		return fail(name, fmt.Errorf("role %s may not use schema %s: grant usage on schema %s to %s", role, in, in, role))
	case !versions:
		return fail(name, fmt.Errorf("schema %s has no tables of this package: run pgstore.Migrate", in))
	case !tables:
		return fail(name, fmt.Errorf("role %s may not read and write the tables of schema %s: "+
			"grant select, insert, update, delete on all tables in schema %s to %s", role, in, in, role))
	case readOnly:
		return fail(name, errors.New("the server takes no writes: connect to the primary, with target_session_attrs=read-write"))
	case policies && !s.opts.RowLevelSecurity:
		return fail(name, fmt.Errorf("schema %s has row level security: set Options.RowLevelSecurity", in))
	case !policies && s.opts.RowLevelSecurity:
		return fail(name, fmt.Errorf("schema %s has no row level security: run pgstore.Migrate with Options.RowLevelSecurity", in))
	case exempt && s.opts.RowLevelSecurity:
		return fail(name, fmt.Errorf("role %s is exempt from row level security: connect as a role that is not superuser and has no bypassrls", role))
	}
	err = s.do(ctx, &call{name: name, access: reading, tenant: anyTenant, steps: []step{
		{sql: inSchema(in, sqlVersion), rows: one(&found, &have)},
	}})
	if err != nil {
		return err
	}
	steps, err := migrations()
	switch {
	case err != nil:
		return err
	case have < len(steps):
		return fail(name, fmt.Errorf("schema %s is at migration %d and this program needs %d: run pgstore.Migrate", in, have, len(steps)))
	case have > len(steps):
		return fail(name, &SchemaTooNewError{Schema: in, Have: have, Know: len(steps)})
	}
	return nil
}
