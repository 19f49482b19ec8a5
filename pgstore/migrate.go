package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrations returns the migrations as files, 0001_name.sql and so on, for a
// host that has a tool of its own to run them. In them "parley." stands before
// every name of a table; SQL gives the text for another schema.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// migration is one step of the schema. Steps are applied in order and never
// change once released.
type migration struct {
	version int
	name    string
	sql     string // for the schema parley
}

// migrations reads the embedded steps.
func migrations() ([]migration, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	steps := make([]migration, 0, len(files))
	for i, file := range files {
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("pgstore: migration %s is not number %d", file, i+1)
		}
		text, err := migrationFiles.ReadFile(file)
		if err != nil {
			return nil, err
		}
		steps = append(steps, migration{version: version, name: name, sql: string(text)})
	}
	return steps, nil
}

// SQL returns the whole schema as one script, for the schema of the options: for
// a look, or to be run by hand on an empty database. Nil options are the defaults.
func SQL(opts *Options) (string, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return "", err
	}
	steps, err := migrations()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "begin;\n\n%s\n\n", inSchema(o.Schema, sqlVersions(o.Schema)))
	for _, m := range steps {
		fmt.Fprintf(&b, "-- migration %d: %s\n\n%s\n\ninsert into %s (version, name) values (%d, '%s');\n\n",
			m.version, m.name, strings.TrimSpace(inSchema(o.Schema, m.sql)), inSchema(o.Schema, "parley.migration"), m.version, m.name)
	}
	if o.RowLevelSecurity {
		b.WriteString(inSchema(o.Schema, sqlSecure) + "\n")
	}
	b.WriteString("commit;\n")
	return b.String(), nil
}

// sqlVersions creates the schema and the list of what has been applied.
func sqlVersions(schema string) string {
	return `create schema if not exists ` + pgx.Identifier{schema}.Sanitize() + `;
create table if not exists parley.migration (
	version    integer primary key,
	name       text not null,
	applied_at timestamptz not null default now()
);`
}

// SchemaTooNewError says that the tables were made by a later version of this
// package, which must not be run over by an older one.
type SchemaTooNewError struct {
	Schema string
	Have   int // the newest migration in the database
	Know   int // the newest this package has
}

func (e *SchemaTooNewError) Error() string {
	return fmt.Sprintf("schema %s is at migration %d and this program knows %d: run a version of it that is as new as the schema",
		e.Schema, e.Have, e.Know)
}

// Migrate brings the schema to the newest version, and creates it if there is
// none. Any number of processes may call it at once: one applies, the others
// wait and find nothing to do. All steps are one transaction, so a failure
// changes nothing. A schema that is newer than this package is
// *SchemaTooNewError. Nil options are the defaults.
//
// The role needs the right to create in the database, for the schema, or to
// own the schema if it exists.
func Migrate(ctx context.Context, pool *pgxpool.Pool, opts *Options) error {
	if pool == nil {
		return errors.New("pgstore: Migrate needs a pool; open one with pgxpool.New")
	}
	o, err := opts.withDefaults()
	if err != nil {
		return err
	}
	steps, err := migrations()
	if err != nil {
		return err
	}
	// At a higher level the statements behind the lock would not see what the
	// one before it has committed.
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		return migrate(ctx, tx, &o, steps)
	})
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*SchemaTooNewError)):
		return fail("migrate", err)
	default:
		return fail("migrate", judge(err, reading, true, ctx.Err()).err)
	}
}

func migrate(ctx context.Context, tx pgx.Tx, o *Options, steps []migration) error {
	schema := o.Schema
	if err := lockMigrations(ctx, tx, schema); err != nil {
		return err
	}
	if err := script(ctx, tx, inSchema(schema, sqlVersions(schema))); err != nil {
		return err
	}
	have, err := versionOf(ctx, tx, schema)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return &SchemaTooNewError{Schema: schema, Have: have, Know: len(steps)}
	}
	for _, m := range steps[have:] {
		if err := script(ctx, tx, inSchema(schema, m.sql)); err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.version, m.name, err)
		}
		if _, err := tx.Exec(ctx, inSchema(schema, `insert into parley.migration (version, name) values ($1::int, $2::text)`),
			pgx.QueryExecModeExec, m.version, m.name); err != nil {
			return err
		}
	}
	if o.RowLevelSecurity {
		return secure(ctx, tx, schema)
	}
	return nil
}

// lockMigrations lets one transaction migrate the schema at a time. The lock
// goes with the transaction, so it holds behind a pooler, too.
func lockMigrations(ctx context.Context, tx pgx.Tx, schema string) error {
	_, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('github.com/parley-go/parley/pgstore ' || $1::text, 0))`,
		pgx.QueryExecModeExec, schema)
	return err
}

// script runs a text of several statements.
func script(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// sqlVersion is the newest migration that was applied.
const sqlVersion = `select coalesce(max(version), 0) from parley.migration`

func versionOf(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, schema string) (int, error) {
	var version int
	err := q.QueryRow(ctx, inSchema(schema, sqlVersion), pgx.QueryExecModeExec).Scan(&version)
	return version, err
}
