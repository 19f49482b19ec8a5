package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/parley-go/parley/store"
)

// SQLSTATEs that mean something here.
const (
	stateUniqueViolation   = "23505"
	stateSerialization     = "40001"
	stateDeadlock          = "40P01"
	stateNoSuchStatement   = "26000"
	stateStatementExists   = "42P05"
	statePlanChanged       = "0A000" // a migration ran meanwhile
	stateNoSuchTable       = "42P01"
	stateNoSuchColumn      = "42703"
	stateNoSuchSchema      = "3F000"
	stateNoRight           = "42501"
	stateLockNotAvailable  = "55P03"
	stateReadOnly          = "25006"
	stateCanceled          = "57014"
	stateIdleTimeout       = "57P05"
	classNoResources       = "53"
	classOperator          = "57"
	classSystem            = "58"
	classConnection        = "08"
	classRollback          = "40"
	severityFatal          = "FATAL"
	severityPanic          = "PANIC"
	constraintRunID        = "run_pkey"
	constraintConversation = "conversation_id"
)

// verdict is what an error of the driver means.
type verdict struct {
	err    error // for the caller; wraps a sentinel where there is one
	repeat bool  // sending the same again is right and may help
	broken bool  // the connection was the trouble
	pooled bool  // names of statements do not hold: a pooler is in between
}

// duplicateError tells the code of a transition that a key was taken; it never
// leaves the package.
type duplicateError struct {
	constraint string
}

func (e *duplicateError) Error() string { return "key of " + e.constraint + " is taken" }

// judge is the one place that knows what errors of the driver mean. sent says
// whether the server may have applied the call; ended is the error of its
// context.
func judge(err error, a access, sent bool, ended error) verdict {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && !errors.As(err, new(*pgconn.ConnectError)) {
		return judgeServer(pg, a, sent, ended)
	}
	if ownError(err) {
		return verdict{err: err}
	}
	switch {
	case sent && a == writing:
		// The context's error is told, not wrapped: who finds it may take it
		// that nothing was written.
		return verdict{err: fmt.Errorf("%w: %v", store.ErrOutcomeUnknown, err)}
	case ended != nil:
		return verdict{err: ended}
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return verdict{err: fmt.Errorf("%w: %w", store.ErrUnavailable, err)} // a limit of the pool's own
	default:
		return verdict{err: fmt.Errorf("%w: %w", store.ErrUnavailable, err), repeat: true, broken: true}
	}
}

// judgeServer judges an error that the server has reported. Such an error says
// that the transaction is undone, except for one that ends the session, which
// may come after the commit.
func judgeServer(pg *pgconn.PgError, a access, sent bool, ended error) verdict {
	last := pg.SeverityUnlocalized == severityFatal || pg.SeverityUnlocalized == severityPanic
	if last && sent && a == writing && pg.Code != stateIdleTimeout {
		return verdict{err: fmt.Errorf("%w: %v", store.ErrOutcomeUnknown, pg)}
	}
	unavailable := fmt.Errorf("%w: %w", store.ErrUnavailable, pg)
	switch pg.Code {
	case stateUniqueViolation:
		return verdict{err: &duplicateError{constraint: pg.ConstraintName}}
	case stateSerialization, stateDeadlock, statePlanChanged:
		return verdict{err: unavailable, repeat: true}
	case stateNoSuchStatement, stateStatementExists:
		return verdict{err: unavailable, repeat: true, pooled: true}
	case stateNoSuchTable, stateNoSuchColumn, stateNoSuchSchema:
		return verdict{err: fmt.Errorf("the tables are missing or of another version, run pgstore.Migrate: %w", pg)}
	case stateNoRight:
		return verdict{err: fmt.Errorf("the database's role lacks a right on the store's schema, grant it: %w", pg)}
	case stateCanceled:
		if ended != nil {
			return verdict{err: ended}
		}
		return verdict{err: unavailable}
	case stateLockNotAvailable, stateReadOnly:
		return verdict{err: unavailable}
	case stateIdleTimeout:
		return verdict{err: unavailable, repeat: true, broken: true}
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case classNoResources, classSystem:
		return verdict{err: unavailable}
	case classRollback:
		return verdict{err: unavailable, repeat: true}
	case classOperator, classConnection:
		return verdict{err: unavailable, repeat: a == reading, broken: true}
	}
	return verdict{err: pg}
}

// unsent reports whether err arose before anything was sent.
func unsent(err error) bool { return err != nil && pgconn.SafeToRetry(err) }

// ownError reports whether err is of our own making: a result that does not
// scan, or a decision of a reader of rows.
func ownError(err error) bool {
	return errors.Is(err, errTornAnswer)
}

// duplicate returns the constraint that a call has run against, or "".
func duplicate(err error) string {
	var d *duplicateError
	if errors.As(err, &d) {
		return d.constraint
	}
	return ""
}

// fail names the operation.
func fail(name string, err error) error { return fmt.Errorf("pgstore: %s: %w", name, err) }
