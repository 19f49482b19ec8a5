//go:build unix

package crashtest_test

import (
	"context"
	"fmt"
	"net/rpc"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/internal/pgtest"
	"github.com/parley-go/parley/pgstore"
	"github.com/parley-go/parley/store"
)

// world is a database with the schema of a store, seen past everything that
// spoils the way of the workers to it.
type world struct {
	t      *testing.T
	server *pgtest.Server
	schema string
	pool   *pgxpool.Pool
	store  *pgstore.Store
	book   *conversation.Engine // reads; it is never started
	ledger ledger
	setup  Setup // of workers, to be changed before they begin
}

func newWorld(t *testing.T, server *pgtest.Server) *world {
	t.Helper()
	w := &world{t: t, server: server, schema: server.Schema(t), pool: server.Pool(t, 8)}
	opts := &pgstore.Options{Schema: w.schema}
	require.NoError(t, pgstore.Migrate(t.Context(), w.pool, opts))
	var err error
	w.store, err = pgstore.New(w.pool, opts)
	require.NoError(t, err)
	w.book, err = conversation.New(w.store, conversation.ResponderFunc(nil), nil)
	require.NoError(t, err)
	w.ledger = ledger{schema: w.schema, pool: w.pool}
	w.ledger.create(t)
	w.setup = Setup{
		URL: server.URL(), Direct: server.URL(), Schema: w.schema, Conns: 4,
		Lease: 15 * time.Second, Claim: 100 * time.Millisecond, MaxAttempts: 5,
	}
	return w
}

// remote is a worker as the test sees it.
type remote struct {
	*process
	client *rpc.Client
	hello  Hello
}

// hire starts a worker process.
func hire(t *testing.T, name string) *remote {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return hireAs(t, name, self)
}

// hireAs starts a worker of another build of the test binary.
func hireAs(t *testing.T, name, program string, env ...string) *remote {
	t.Helper()
	r := &remote{process: spawn(t, name, nil, append(env, workerVariable+"=1"), program)}
	r.client = rpc.NewClient(r.process)
	t.Cleanup(func() { _ = r.client.Close() }) // before the process ends
	r.must(t, "Hello", struct{}{}, &r.hello)
	r.pid = r.hello.PID
	return r
}

// employ starts workers on the world, with the names 1, 2...
func (w *world) employ(n int) []*remote {
	w.t.Helper()
	all := make([]*remote, n)
	for i := range all {
		all[i] = hire(w.t, fmt.Sprint(i+1))
	}
	for _, r := range all {
		w.begin(r)
	}
	return all
}

// begin starts the worker's engine.
func (w *world) begin(r *remote) {
	w.t.Helper()
	s := w.setup
	s.Name = r.name
	r.must(w.t, "Begin", s, &struct{}{})
}

// call calls a worker. The error says that the worker did not answer.
func (r *remote) call(ctx context.Context, method string, args, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, patience+farewell)
	defer cancel()
	c := r.client.Go("Worker."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-c.Done:
		return c.Error
	case <-ctx.Done():
		return fmt.Errorf("%s of worker %s: %w", method, r.name, ctx.Err())
	}
}

func (r *remote) must(t *testing.T, method string, args, reply any) {
	t.Helper()
	require.NoError(t, r.call(t.Context(), method, args, reply), "%s of worker %s", method, r.name)
}

// start starts a turn that must be accepted.
func (r *remote) start(t *testing.T, turn Turn) Reply {
	t.Helper()
	var reply Reply
	r.must(t, "Start", turn, &reply)
	require.True(t, reply.Failure.none(), reply.Failure.Text)
	return reply
}

// wait waits for the end of a run.
func (r *remote) wait(t *testing.T, run uuid.UUID) Reply {
	t.Helper()
	var reply Reply
	r.must(t, "Wait", run, &reply)
	require.True(t, reply.Failure.none(), reply.Failure.Text)
	return reply
}

// open follows a run; the function returned waits for that many events.
func (r *remote) open(t *testing.T, run uuid.UUID) (collect func(events int) *Stream) {
	t.Helper()
	var id int
	r.must(t, "Open", run, &id)
	return func(events int) *Stream {
		t.Helper()
		var s Stream
		r.must(t, "Collect", Collect{Reader: id, Events: events}, &s)
		return &s
	}
}

// whole is more events than any run has.
const whole = 1 << 30

// create makes a conversation.
func (w *world) create() uuid.UUID {
	w.t.Helper()
	c, err := w.book.Create(w.t.Context(), alice, conversation.CreateParams{})
	require.NoError(w.t, err)
	return c.ID
}

func (w *world) creates(n int) []uuid.UUID {
	w.t.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = w.create()
	}
	return ids
}

// line is a message of a log.
type line struct {
	Role       conversation.Role
	Run        uuid.UUID
	Text       string
	Incomplete bool
}

// log reads a whole log and checks rule V1 on it.
func (w *world) log(id uuid.UUID) []line {
	w.t.Helper()
	var lines []line
	for {
		page, err := w.book.Messages(w.t.Context(), alice, id, conversation.MessageQuery{
			Since: int64(len(lines)), Limit: conversation.MaxMessagePageSize,
		})
		require.NoError(w.t, err)
		for _, m := range page.Messages {
			require.EqualValues(w.t, len(lines)+1, m.Seq, "V1: numbers have no gaps")
			parts, err := m.Content.Parts()
			require.NoError(w.t, err)
			l := line{Role: m.Role, Run: m.RunID, Incomplete: m.Incomplete}
			for _, p := range parts {
				l.Text += p.Text
			}
			lines = append(lines, l)
		}
		if !page.HasMore {
			require.Len(w.t, lines, int(page.Version), "V1: the version is the number of the newest message")
			return lines
		}
	}
}

// runs reads all runs of a conversation, oldest first.
func (w *world) runs(id uuid.UUID) []store.Run {
	w.t.Helper()
	rows, err := w.store.ListRuns(w.t.Context(), store.Scope{Tenant: alice.Tenant, Wide: true}, id, &store.RunQuery{Limit: 10000})
	require.NoError(w.t, err)
	return rows
}

// eventually waits for a condition.
func eventually(t *testing.T, condition func() bool, what string, args ...any) {
	t.Helper()
	require.Eventually(t, condition, patience, poll, append([]any{what}, args...)...)
}

// collect returns the only column of all rows.
func collect[T any](t *testing.T, rows pgx.Rows) []T {
	t.Helper()
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return all
}

// watchdog asks the database again and again, while other things happen, for
// what must never be there. The function returned ends it and says what was seen.
func (w *world) watchdog(sql string, args ...any) (seen func() []string) {
	ctx, cancel := context.WithCancel(context.Background())
	var (
		mu    sync.Mutex
		found []string
		done  sync.WaitGroup
	)
	done.Go(func() {
		for pause(ctx, poll) {
			rows, err := w.pool.Query(ctx, fmt.Sprintf(sql, w.schema), args...)
			if err != nil {
				continue // the server may be down
			}
			all, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err == nil {
				mu.Lock()
				found = append(found, all...)
				mu.Unlock()
			}
		}
	})
	stop := sync.OnceFunc(func() { cancel(); done.Wait() })
	w.t.Cleanup(stop)
	return func() []string {
		stop()
		return found
	}
}

// sqlTwoActive finds conversations with more than one active run, except those
// that may race.
const sqlTwoActive = `select conversation_id::text from %s.run
	where not queued and status in ('pending', 'running') and conversation_id <> all($1::uuid[])
	group by conversation_id having count(*) > 1`
