package pgstore

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// moment scans a timestamptz into a UTC time, null into the zero time.
type moment struct{ at *time.Time }

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (m moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.Valid {
		*m.at = v.Time.UTC()
	} else {
		*m.at = time.Time{}
	}
	return nil
}

// ident scans a uuid, null into uuid.Nil.
type ident struct{ id *uuid.UUID }

// ScanUUID implements pgtype.UUIDScanner.
func (i ident) ScanUUID(v pgtype.UUID) error {
	*i.id = uuid.Nil
	if v.Valid {
		*i.id = v.Bytes
	}
	return nil
}

// idArg is a uuid as an argument; uuid.Nil is null.
func idArg(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }

// timeArg is a time as an argument; the zero time is null.
func timeArg(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()} }

// numberArg is a number that may be missing.
func numberArg(n *int64) pgtype.Int8 {
	if n == nil {
		return pgtype.Int8{}
	}
	return pgtype.Int8{Int64: *n, Valid: true}
}

// jsonArg is JSON as an argument; none is null. It is text, because as bytes it
// would be sent as bytea in modes that do not ask the server for types.
func jsonArg(body []byte) pgtype.Text { return pgtype.Text{String: string(body), Valid: len(body) > 0} }

// textArg is text that may be missing; "" is null.
func textArg(s string) pgtype.Text { return pgtype.Text{String: s, Valid: s != ""} }

// micros is a duration for make_interval and the like, which count microseconds.
func micros(d time.Duration) int64 { return d.Microseconds() }

// one reads a result of at most one row into dest and notes whether there was one.
func one(found *bool, dest ...any) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*found = rows.Next()
		if !*found {
			return nil
		}
		return rows.Scan(dest...)
	}
}
