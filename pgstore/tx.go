package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/parley-go/parley/store"
)

// doer performs calls: a Store does, each in a transaction of its own.
type doer interface {
	do(ctx context.Context, c *call) error
	statements() *statements
}

func (s *Store) statements() *statements { return &s.sql }

var (
	_ pgx.Tx
	_ *store.Conversation
)
