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

// CreateConversationTx is CreateConversation inside a transaction of the host,
// so that a conversation comes into being together with rows of the host's own,
// or not at all. Nothing is seen of it before the host commits. An error leaves
// the transaction as it was before the call, and usable, unless the connection
// is lost or the context has ended.
//
// With Options.RowLevelSecurity the transaction is for the conversation's tenant
// from then on.
func (s *Store) CreateConversationTx(ctx context.Context, tx pgx.Tx, n *store.NewConversation) (*store.Conversation, error) {
	return createConversation(ctx, hosted{s, tx}, n)
}

// hosted performs calls in a transaction of the host. It repeats nothing: what
// the server has undone there is the host's to repeat.
type hosted struct {
	*Store
	tx pgx.Tx
}

func (h hosted) do(ctx context.Context, c *call) error {
	mode, err := h.execMode(ctx, h.tx.Conn())
	if err == nil {
		err = pgx.BeginFunc(ctx, h.tx, func(savepoint pgx.Tx) error {
			if h.opts.RowLevelSecurity {
				if err := perform(ctx, savepoint, mode, &step{sql: h.sql.setTenant, args: []any{c.tenant}}); err != nil {
					return err
				}
			}
			for i := range c.steps {
				if err := perform(ctx, savepoint, mode, &c.steps[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		// Reading, for nothing is written before the host commits.
		return fail(c.name, judge(err, reading, false, ctx.Err()).err)
	}
	return nil
}
