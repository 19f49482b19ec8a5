// Package pgstore keeps conversations in PostgreSQL, through pgx. It is a
// complete store.Store, for any number of engines on one database.
//
//	pool, err := pgxpool.New(ctx, url)
//	...
//	if err := pgstore.Migrate(ctx, pool, nil); err != nil { ... }
//	s, err := pgstore.New(pool, nil)
//
// PostgreSQL 13 and later will do. The pool is the host's: it opens it, sizes it
// and closes it.
//
// # What a call costs
//
// Starting and ending a run, appending, reading a page: each is one statement,
// one round trip and, where it writes, one commit. Only a refusal costs a second
// round trip, to learn its reason, and ending a run of a conversation where others
// are queued. Seldom used transitions send a few statements at once, in one round
// trip and one transaction.
//
// The text filter of lists uses an index of trigrams where Migrate could create
// the extension pg_trgm, which needs the right to create in the database. It
// looks at copies of the texts that Sweep makes half a minute after their last
// change, and at the rows of conversations that have no copy yet: the answer is
// exact at any time, and quick as long as somebody sweeps. Without the extension
// the filter walks the list.
//
// # Durability
//
// What a call acknowledged was committed by the database, as durably as it is
// configured to commit. With synchronous_commit off, a crash of the server takes
// the newest acknowledged writes with it; with asynchronous replication, a
// failover does. Packs of events are always stored with synchronous_commit off,
// for their own transaction only.
//
// # Errors
//
// When the answer to a write is lost on the way, the error is
// store.ErrOutcomeUnknown: repeat the call. When nothing was sent, or the server
// refused for want of room or because it is shutting down, it is
// store.ErrUnavailable. Deadlocks and serialisation failures are repeated here;
// nobody sees them. A call whose context ends while the server works leaves
// pgx's connection closed: give the pool a
// pgconn.CancelRequestContextWatcherHandler if that happens often.
//
// # Poolers
//
// Everything works behind PgBouncer in transaction mode, any version. The store
// finds out by itself whether a pooler stands between (see Options.ExecMode) and
// then sends statements without naming them, which costs the server the planning
// each time; the statements of one transaction go one by one, unless the pool's
// own mode is such a one; and it does not listen for notifications, which a pooler
// never delivers (see Options.ListenConfig). A pooler that takes named statements,
// as PgBouncer does from 1.21 on, is used best with Options.ExecMode set to
// pgx.QueryExecModeCacheStatement.
//
// # Decisions where the contract leaves a choice
//
// Ids of conversations are unique over all tenants, those of runs within a
// tenant. The times of one transition are all its UpdatedAt; leases and
// limits of time count from the moment the statement reached the server. A run
// that is released gets a new fencing number that nobody knows, so that the
// conversation stays held. FinishRun with a message id that the log has already
// is store.ErrExists. JSON columns have the type json: bytes come back as they
// were given, and what is not JSON is refused. Bodies of events may be anything.
package pgstore
