package pgstore_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// wire passes bytes between a pool and the server. While deaf it lets requests
// through and swallows the answers, and then cuts the connection.
type wire struct {
	deaf   atomic.Bool
	target string
}

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", w.target)
	if err != nil {
		return nil, err
	}
	return &lossy{Conn: conn, wire: w}, nil
}

type lossy struct {
	net.Conn
	wire *wire
	once sync.Once
}

func (l *lossy) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err == nil && l.wire.deaf.Load() {
		l.once.Do(func() { l.Conn.Close() })
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// wired returns a store whose answers can be lost, and another that sees all.
func wired(t *testing.T) (w *wire, lossy, whole *pgstore.Store) {
	t.Helper()
	server := pgtest.Start(t)
	opts := &pgstore.Options{Schema: server.Schema(t)}
	whole, _ = open(t, server, opts)
	at, err := url.Parse(server.URL())
	require.NoError(t, err)
	if at.Query().Get("host") == "" {
		t.Fatal("this test needs a server on a socket: unset PARLEY_TEST_POSTGRES")
	}
	w = &wire{target: filepath.Join(at.Query().Get("host"), ".s.PGSQL."+at.Query().Get("port"))}
	pool := server.Pool(t, 1, func(c *pgxpool.Config) { c.ConnConfig.DialFunc = w.dial })
	lossy, err = pgstore.New(pool, opts)
	require.NoError(t, err)
	require.NoError(t, lossy.Check(t.Context()))
	return w, lossy, whole
}

// TestV7_ALostAnswerIsUnknownAndRepeatingIsRight loses the answer to each kind
// of write and repeats it.
func TestV7_ALostAnswerIsUnknownAndRepeatingIsRight(t *testing.T) {
	t.Parallel()
	w, lossy, whole := wired(t)
	ctx := t.Context()
	lose := func(do func() error) {
		t.Helper()
		// The statement is known to the connection, so that the first answer lost
		// is the one to its execution.
		w.deaf.Store(true)
		err := do()
		w.deaf.Store(false)
		require.ErrorIs(t, err, store.ErrOutcomeUnknown)
		require.True(t, store.SafeToRepeat(err))
	}

	warm := conversations(t, lossy, 1)[0]
	create := newConversation()
	lose(func() error { _, err := lossy.CreateConversation(ctx, create); return err })
	c, err := lossy.CreateConversation(ctx, create)
	require.NoError(t, err)
	require.Equal(t, create.ID, c.ID)

	said := &store.Append{Scope: ann, ConversationID: c.ID, Expected: new(int64), Tail: store.Tail{Messages: messages(2)}}
	_, err = lossy.Append(ctx, &store.Append{Scope: ann, ConversationID: warm, Tail: store.Tail{Messages: messages(2)}})
	require.NoError(t, err)
	lose(func() error { _, err := lossy.Append(ctx, said); return err })
	require.Eventually(t, func() bool {
		now, err := whole.GetConversation(ctx, ann, c.ID)
		require.NoError(t, err)
		return now.Version == 2
	}, soon, tick, "the server has applied it")
	appended, err := lossy.Append(ctx, said)
	require.NoError(t, err)
	require.True(t, appended.Replayed)
	require.Equal(t, int64(2), appended.Version)

	begun := newStart(c.ID)
	begun.Key = "k"
	first := start(t, lossy, warm)
	lose(func() error { _, err := lossy.StartRun(ctx, begun); return err })
	require.Eventually(t, func() bool {
		_, err := whole.GetRun(ctx, ann, begun.ID)
		return err == nil
	}, soon, tick)
	started, err := lossy.StartRun(ctx, begun)
	require.NoError(t, err)
	require.True(t, started.Replayed)

	finish := &store.FinishRun{Key: started.Run.RunKey(), Status: store.RunCompleted, Result: []byte(`{}`), Tail: store.Tail{Messages: messages(2)}}
	_, err = lossy.FinishRun(ctx, &store.FinishRun{Key: first.RunKey(), Status: store.RunCompleted, Result: []byte(`{}`), Tail: store.Tail{Messages: messages(2)}})
	require.NoError(t, err)
	lose(func() error { _, err := lossy.FinishRun(ctx, finish); return err })
	require.Eventually(t, func() bool {
		run, err := whole.GetRun(ctx, ann, begun.ID)
		require.NoError(t, err)
		return run.Status == store.RunCompleted
	}, soon, tick)
	finished, err := lossy.FinishRun(ctx, finish)
	require.NoError(t, err)
	require.True(t, finished.Replayed)
	require.Equal(t, int64(4), finished.Run.Version)
}

// TestErrors_AReadWhoseAnswerIsLostIsRepeated: reads are safe to send again, and
// a lost connection is no reason to trouble anybody.
func TestErrors_AReadWhoseAnswerIsLostIsRepeated(t *testing.T) {
	t.Parallel()
	w, lossy, _ := wired(t)
	id := conversations(t, lossy, 1)[0]
	w.deaf.Store(true)
	_, err := lossy.GetConversation(t.Context(), ann, id)
	require.ErrorIs(t, err, store.ErrUnavailable, "not for ever")
	w.deaf.Store(false)
	_, err = lossy.GetConversation(t.Context(), ann, id)
	require.NoError(t, err)
}

func TestErrors_AServerThatIsGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	opts := &pgstore.Options{Schema: "gone"}
	s, _ := open(t, server, opts)
	id := conversations(t, s, 1)[0]
	server.Crash(t)
	// The pool may still have a connection it believes in: of a write sent on it
	// nobody knows.
	_, err := s.Append(t.Context(), &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: messages(1)}})
	require.True(t, store.SafeToRepeat(err), "%v", err)
	_, err = s.Append(t.Context(), &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: messages(1)}})
	require.ErrorIs(t, err, store.ErrUnavailable)
	require.NotErrorIs(t, err, store.ErrOutcomeUnknown)
	_, err = s.GetConversation(t.Context(), ann, id)
	require.ErrorIs(t, err, store.ErrUnavailable)
	server.Restart(t)
	_, err = s.GetConversation(t.Context(), ann, id)
	require.NoError(t, err)
}

func TestErrors_AServerWithoutRoomForAnotherClientIsUnavailable(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, "fsync=off")
	admin := server.Pool(t, 1)
	opts := &pgstore.Options{Schema: "crowded"}
	require.NoError(t, pgstore.Migrate(t.Context(), admin, opts))
	_, err := admin.Exec(t.Context(), `create role app login connection limit 0`)
	require.NoError(t, err)
	s, err := pgstore.New(server.Pool(t, 1, asUser("app")), opts)
	require.NoError(t, err)
	_, err = s.CreateConversation(t.Context(), newConversation())
	require.ErrorIs(t, err, store.ErrUnavailable)
	var refused *pgconn.ConnectError
	require.ErrorAs(t, err, &refused)
}

// TestErrors_ALimitOfTheServerIsUnavailable: a lock or a statement that the
// server gave up has written nothing.
func TestErrors_ALimitOfTheServerIsUnavailable(t *testing.T) {
	t.Parallel()
	for setting, limit := range map[string]string{"lock_timeout": "20ms", "statement_timeout": "50ms"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Start(t)
			opts := &pgstore.Options{Schema: server.Schema(t)}
			whole, admin := open(t, server, opts)
			id := conversations(t, whole, 1)[0]
			s, err := pgstore.New(server.Pool(t, 2, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[setting] = limit }), opts)
			require.NoError(t, err)
			tx, err := admin.Begin(t.Context())
			require.NoError(t, err)
			defer tx.Rollback(context.WithoutCancel(t.Context()))
			_, err = tx.Exec(t.Context(), "select 1 from "+opts.Schema+".conversation for update")
			require.NoError(t, err)
			said := &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: messages(1)}}
			_, err = s.Append(t.Context(), said)
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.NotErrorIs(t, err, store.ErrOutcomeUnknown)
			require.NoError(t, tx.Rollback(t.Context()))
			res, err := s.Append(t.Context(), said)
			require.NoError(t, err)
			require.False(t, res.Replayed, "nothing had been written")
		})
	}
}

// TestErrors_AnEndedContextIsTold: it is wrapped when nothing was written.
func TestErrors_AnEndedContextIsTold(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	id := conversations(t, s, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Append(ctx, &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: messages(1)}})
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, store.SafeToRepeat(err))
	_, err = s.GetConversation(ctx, ann, id)
	require.ErrorIs(t, err, context.Canceled)
	c, err := s.GetConversation(t.Context(), ann, id)
	require.NoError(t, err)
	require.Zero(t, c.Version)
}

func TestErrors_WhatIsNotJSONIsRefusedAndNothingLeaks(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	id := conversations(t, s, 1)[0]
	bad := messages(1)
	bad[0].Parts = []byte("{not json")
	_, err := s.Append(t.Context(), &store.Append{Scope: ann, ConversationID: id, Tail: store.Tail{Messages: bad}})
	require.Error(t, err)
	require.False(t, store.SafeToRepeat(err))
	for _, sentinel := range []error{store.ErrNotFound, store.ErrVersionConflict, store.ErrExists, store.ErrFenced} {
		require.NotErrorIs(t, err, sentinel)
	}
	_, err = s.GetRun(t.Context(), ann, uuid.Nil)
	require.ErrorIs(t, err, store.ErrNotFound)
}
