package pgstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/store"
)

var annSpeaks = conversation.Caller{Tenant: "acme", User: "ann", Permissions: conversation.PermReadWrite}

// benchEngine starts an engine whose Responder reads a window of messages and
// answers at once.
func benchEngine(b *testing.B, s store.Store, window int) *conversation.Engine {
	b.Helper()
	e, err := conversation.New(s, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		if _, err := turn.Window(ctx, window); err != nil {
			return err
		}
		return turn.Text(string(body(0)))
	}), nil)
	require.NoError(b, err)
	require.NoError(b, e.Start(context.Background()))
	b.Cleanup(func() { require.NoError(b, e.Shutdown(context.Background())) })
	return e
}

// bareTurn does in two bare statements what a turn commits.
func bareTurn(b *testing.B, pool *pgxpool.Pool, id uuid.UUID, version *int64, i int) {
	b.Helper()
	run := uuid.Must(uuid.NewV7())
	tag, err := pool.Exec(b.Context(), bareStart, "acme", id, *version, run, `{"do":"it"}`)
	if err != nil || tag.RowsAffected() != 1 {
		b.Error(err, tag)
		return
	}
	tag, err = pool.Exec(b.Context(), bareFinish, "acme", id, *version,
		uuid.Must(uuid.NewV7()), string(body(i)), uuid.Must(uuid.NewV7()), string(body(i)), run)
	if err != nil || tag.RowsAffected() != 2 {
		b.Error(err, tag)
		return
	}
	*version += 2
}

// BenchmarkEngineTurn is a whole turn of the engine that does not stream: start,
// answer at once, end, told to the caller. The floor is the same in two bare
// statements, without an engine.
func BenchmarkEngineTurn(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s, pool := bench(b, int32(2*writers+4))
			e := benchEngine(b, s, 0)
			const each = 100 // conversations of a writer
			ids := conversations(b, s, writers*each)
			_, err := pool.Exec(b.Context(), bareTables+bareRuns)
			require.NoError(b, err)
			for _, id := range ids {
				_, err := pool.Exec(b.Context(), `insert into bare.conversation values ('acme', $1, 0, now())`, id)
				require.NoError(b, err)
			}
			bare := make([]int64, len(ids))
			versus(b, writers, func(w, i int) {
				run, err := e.RunTurn(b.Context(), annSpeaks, ids[w*each+i%each], conversation.TurnRequest{Text: string(body(i))})
				if err != nil || run.Status != conversation.RunCompleted {
					b.Error(err, run)
				}
			}, func(w, i int) { bareTurn(b, pool, ids[w*each+i%each], &bare[w*each+i%each], i) })
		})
	}
}

// BenchmarkEngineTurnOverHistory is a turn with a window of 20 after so much
// history. The lengths take turns in one run; the longest is to stay within 1.2
// of the shortest.
func BenchmarkEngineTurnOverHistory(b *testing.B) {
	s, _ := bench(b, 8)
	e := benchEngine(b, s, 20)
	lengths := []int{10, 1_000, 100_000}
	ids := conversations(b, s, len(lengths))
	content, err := conversation.NewContent(conversation.Text(string(body(0))))
	require.NoError(b, err)
	for i, n := range lengths {
		for n > 0 {
			batch := make([]conversation.Message, min(n, 100))
			for j := range batch {
				batch[j] = conversation.Message{Role: []conversation.Role{conversation.RoleUser, conversation.RoleAssistant}[j%2], Content: content}
			}
			_, err := e.Append(b.Context(), annSpeaks, ids[i], conversation.AppendParams{Messages: batch})
			require.NoError(b, err)
			n -= len(batch)
		}
	}
	took := make([]time.Duration, len(lengths))
	turns := 0
	b.ResetTimer()
	for b.Loop() {
		for i, id := range ids {
			began := time.Now()
			_, err := e.RunTurn(b.Context(), annSpeaks, id, conversation.TurnRequest{Text: "a question"})
			took[i] += time.Since(began)
			require.NoError(b, err)
		}
		turns++
	}
	for i, n := range lengths {
		b.ReportMetric(float64(took[i].Microseconds())/float64(turns), fmt.Sprintf("us/turn@%d", n))
	}
	b.ReportMetric(float64(took[len(took)-1])/float64(took[0]), "longest/shortest")
}

// BenchmarkFirstDelta is the time from a delta to its reader: in the process
// that runs, where the bar is 1 ms, and in another engine on the same database,
// where it is 150 ms.
func BenchmarkFirstDelta(b *testing.B) {
	s, _ := bench(b, 16)
	emitted := make(chan time.Time, 1)
	e, err := conversation.New(s, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		emitted <- time.Now()
		if err := turn.Text("first"); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}), nil)
	require.NoError(b, err)
	require.NoError(b, e.Start(context.Background()))
	b.Cleanup(func() { require.NoError(b, e.Shutdown(context.Background())) })
	other := benchEngine(b, s, 0)
	id := conversations(b, s, 1)[0]
	for name, reader := range map[string]*conversation.Engine{"local": e, "remote": other} {
		b.Run(name, func(b *testing.B) {
			var took, worst time.Duration
			n := 0
			for b.Loop() {
				run, err := e.StartRun(b.Context(), annSpeaks, id, conversation.TurnRequest{Text: "go"})
				require.NoError(b, err)
				stream, err := reader.Events(b.Context(), annSpeaks, run.ID, conversation.Cursor{}, "")
				require.NoError(b, err)
				for event, err := range stream.All(b.Context()) {
					require.NoError(b, err)
					if event.Type == conversation.EventTextDelta {
						break
					}
				}
				late := time.Since(<-emitted)
				took, worst, n = took+late, max(worst, late), n+1
				_, err = e.StopRun(b.Context(), annSpeaks, run.ID)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(took.Microseconds())/float64(n)/1000, "ms/first-delta")
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms/worst")
		})
	}
}
