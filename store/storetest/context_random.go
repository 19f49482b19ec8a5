package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/parley-go/parley/store"
	"github.com/stretchr/testify/require"
)

// contextTries is how often each write is cut.
const contextTries = 8

// Each write is cut at a random moment of it. What the answer says must be so,
// and making the call again must give the one true answer.
func contextRandom(e *env) {
	for _, w := range writes() {
		var takes time.Duration
		for try := range contextTries {
			t, call := w.prepare(e)
			before := e.picture(t.conversation)
			if try == 0 {
				began := time.Now()
				_, err := call(e.ctx)
				takes = time.Since(began)
				require.NoError(e, err, w.name)
				require.True(e, w.done(e.picture(t.conversation)), w.name)
				continue
			}
			err := e.cut(call, time.Duration(rand.Int64N(int64(2*takes)+1)))
			look := e.picture
			if errors.Is(err, store.ErrOutcomeUnknown) {
				look = e.settled
			}
			after := look(t.conversation)
			switch {
			case err == nil:
				require.True(e, w.done(after), "%s: said to be done", w.name)
			case errors.Is(err, store.ErrOutcomeUnknown):
				if !w.done(after) {
					require.Equal(e, before, after, "%s: neither all of it nor nothing", w.name)
				}
			default:
				require.ErrorIs(e, err, context.Canceled, "%s: %v", w.name, err)
				require.Equal(e, before, after, "%s: said to have written nothing", w.name)
			}
			if !w.repeatable {
				continue
			}
			replayed, again := call(e.ctx)
			require.NoError(e, again, "%s after %v", w.name, err)
			require.True(e, w.done(e.picture(t.conversation)), "%s after %v", w.name, err)
			if err != nil && !errors.Is(err, store.ErrOutcomeUnknown) {
				require.False(e, replayed, "%s was said to have written nothing, and had: %v", w.name, err)
			}
		}
	}
}

// cut makes the call with a context that is cancelled after a while.
func (e *env) cut(call func(ctx context.Context) (bool, error), after time.Duration) error {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	timer := time.AfterFunc(after, cancel)
	defer timer.Stop()
	_, err := call(ctx)
	return err
}
