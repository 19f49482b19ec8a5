//go:build unix

package crashtest_test

import (
	"github.com/google/uuid"

	"github.com/parley-go/parley/store"
)

// A heedless worker has no engine. It takes runs and writes for them straight to
// the store, whatever became of its lease.

// Attempt is an attempt at a run on its way between test and worker.
type Attempt struct {
	Failure Failure
	Key     store.RunKey
	Events  int64 // how many it has stored
}

// lease is what it asks for.
func (w *Worker) lease() store.Lease {
	return store.Lease{Owner: w.setup.Name, Duration: w.setup.Lease}
}

// Take starts a turn like that of the run, in its conversation.
func (w *Worker) Take(pattern uuid.UUID, a *Attempt) error {
	ctx, cancel := ask()
	defer cancel()
	scope := store.Scope{Tenant: alice.Tenant, User: alice.User}
	run, err := w.store.GetRun(ctx, scope, pattern)
	if err != nil {
		return err
	}
	lease := w.lease()
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	started, err := w.store.StartRun(ctx, &store.StartRun{
		Scope: scope, ConversationID: run.ConversationID, ID: id,
		Spec: run.Spec, Timeout: run.Timeout, Busy: store.BusyReject, Lease: &lease,
	})
	a.Failure = classify(err)
	if err == nil {
		a.Key = started.Run.RunKey()
	}
	return nil
}

// Write stores an event.
func (w *Worker) Write(given Attempt, a *Attempt) error {
	ctx, cancel := ask()
	defer cancel()
	first := given.Events + 1
	answers, err := w.store.AppendEvents(ctx, []store.EventAppend{{
		Key: given.Key, EventPack: store.EventPack{First: first, Last: first, Body: []byte(`{}`)},
	}})
	if err == nil {
		err = answers[0]
	}
	a.Failure, a.Key, a.Events = classify(err), given.Key, first
	return nil
}

// Renew renews the lease.
func (w *Worker) Renew(given Attempt, a *Attempt) error {
	ctx, cancel := ask()
	defer cancel()
	answers, err := w.store.Renew(ctx, w.lease(), []store.RunKey{given.Key})
	if err == nil && !answers[0].Held {
		err = store.ErrFenced
	}
	a.Failure = classify(err)
	return nil
}

// Finish ends the run with a message.
func (w *Worker) Finish(given Attempt, a *Attempt) error {
	ctx, cancel := ask()
	defer cancel()
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	_, err = w.store.FinishRun(ctx, &store.FinishRun{
		Key: given.Key, Status: store.RunCompleted, Result: []byte(`{}`),
		Tail: store.Tail{Messages: []store.Message{{ID: id, Role: "assistant", RunID: given.Key.RunID, Parts: []byte(`[]`)}}},
	})
	a.Failure = classify(err)
	return nil
}

// Release gives the run back. A late one is passed over in silence.
func (w *Worker) Release(given Attempt, a *Attempt) error {
	ctx, cancel := ask()
	defer cancel()
	if err := w.store.Release(ctx, []store.RunKey{given.Key}); err != nil {
		a.Failure = classify(err)
		return nil
	}
	a.Failure = classify(store.ErrFenced)
	return nil
}
