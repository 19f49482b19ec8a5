package pgstore

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// DefaultSchema is the schema of a store that names no other.
const DefaultSchema = "parley"

// Options configures a Store, a migration or a statement dump. Nil and the zero
// value stand for the defaults.
type Options struct {
	// Schema is where the tables are: lower case letters, digits and
	// underscores, not beginning with a digit, at most 46 letters. Several
	// stores in one database have a schema each. Default: "parley".
	Schema string

	// ExecMode is how statements are sent. By default the store uses the mode
	// of the pool; if that is pgx's own default, which names statements on the
	// server, it first looks once whether a pooler such as PgBouncer is in
	// between, and then takes pgx.QueryExecModeCacheDescribe, which names
	// nothing. Default: 0, find out.
	ExecMode pgx.QueryExecMode

	// Logger is told about trouble that no caller sees: a listener that lost
	// its connection. Default: nil, silent.
	Logger *slog.Logger

	// NoNotify switches notifications off: Notify does nothing, and Listen
	// returns at once. Readers then poll. Default: false.
	NoNotify bool

	// ListenConfig is how Listen connects; it needs a session of its own, which
	// a pooler in transaction mode does not give. Default: nil, as the pool
	// does; behind a pooler Listen then returns at once.
	ListenConfig *pgx.ConnConfig

	// RowLevelSecurity makes the tables enforce the tenant a second time. Migrate
	// then creates policies that show a transaction only the tenant it has named,
	// and New a store that names it, in the same round trip. It needs a role that
	// is neither superuser nor exempt from policies. Every program on the schema
	// sets it, or none. Default: false.
	RowLevelSecurity bool
}

// identifier is narrower than PostgreSQL's own rule, so that a name needs no
// quotes and a channel's name fits behind it.
var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,45}$`)

// withDefaults checks the options and fills in what is not set.
func (o *Options) withDefaults() (Options, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Schema == "" {
		opts.Schema = DefaultSchema
	}
	if !identifier.MatchString(opts.Schema) {
		return opts, fmt.Errorf("pgstore: schema %q: a schema's name has lower case letters, digits and underscores, "+
			"does not begin with a digit, and has at most 46 letters", opts.Schema)
	}
	switch opts.ExecMode {
	case 0, pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec:
	case pgx.QueryExecModeDescribeExec, pgx.QueryExecModeSimpleProtocol:
		return opts, fmt.Errorf("pgstore: ExecMode %v: use CacheStatement, CacheDescribe or Exec", opts.ExecMode)
	default:
		return opts, fmt.Errorf("pgstore: ExecMode %d is not one of pgx's modes", opts.ExecMode)
	}
	return opts, nil
}
