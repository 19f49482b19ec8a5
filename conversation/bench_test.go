package conversation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// benchEngine starts an engine on a memory store.
func benchEngine(b *testing.B, r conversation.Responder) *conversation.Engine {
	b.Helper()
	e, err := conversation.New(memstore.New(nil), r, nil)
	require.NoError(b, err)
	require.NoError(b, e.Start(context.Background()))
	b.Cleanup(func() { require.NoError(b, e.Shutdown(context.Background())) })
	return e
}

// benchHistory makes a conversation with n messages.
func benchHistory(b *testing.B, e *conversation.Engine, n int) uuid.UUID {
	b.Helper()
	c, err := e.Create(b.Context(), alice, conversation.CreateParams{})
	require.NoError(b, err)
	content, err := conversation.NewContent(conversation.Text("what is said in a message of the usual length, give or take"))
	require.NoError(b, err)
	for n > 0 {
		batch := make([]conversation.Message, min(n, 100))
		for i := range batch {
			batch[i] = conversation.Message{Role: []conversation.Role{conversation.RoleUser, conversation.RoleAssistant}[i%2], Content: content}
		}
		_, err := e.Append(b.Context(), alice, c.ID, conversation.AppendParams{Messages: batch})
		require.NoError(b, err)
		n -= len(batch)
	}
	return c.ID
}

// BenchmarkTurn is a whole turn whose Responder answers at once, after so much
// history, alone and with a window of 20 messages read. The lengths take turns
// in slices of one run, so that the machine is the same for all of them; each
// reports its time per turn, and the longest its ratio to the shortest, which
// is to stay within 1.2.
func BenchmarkTurn(b *testing.B) {
	lengths := []int{10, 1_000, 100_000}
	for _, window := range []int{0, 20} {
		b.Run(fmt.Sprintf("window=%d", window), func(b *testing.B) {
			e := benchEngine(b, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
				if _, err := turn.Window(ctx, window); err != nil {
					return err
				}
				return turn.Text("an answer")
			}))
			ids := make([]uuid.UUID, len(lengths))
			for i, n := range lengths {
				ids[i] = benchHistory(b, e, n)
			}
			took := make([]time.Duration, len(lengths))
			turns := 0
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				for i, id := range ids {
					began := time.Now()
					if _, err := e.RunTurn(b.Context(), alice, id, conversation.TurnRequest{Text: "a question"}); err != nil {
						b.Fatal(err)
					}
					took[i] += time.Since(began)
				}
				turns++
			}
			for i, n := range lengths {
				b.ReportMetric(float64(took[i].Nanoseconds())/float64(turns), fmt.Sprintf("ns/turn@%d", n))
			}
			b.ReportMetric(float64(took[len(took)-1])/float64(took[0]), "longest/shortest")
		})
	}
}

// BenchmarkReaders streams a run of 1,000 deltas to readers in this process. What
// many readers cost the run is in us/delta; the floor for readers over a network
// is in package httpadapter.
func BenchmarkReaders(b *testing.B) {
	const deltas = 1000
	for _, readers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(readers), func(b *testing.B) {
			begin := make(chan struct{})
			e := benchEngine(b, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
				<-begin
				for range deltas {
					if err := turn.Text("word "); err != nil {
						return err
					}
				}
				return nil
			}))
			var took time.Duration
			for b.Loop() {
				took += watchRun(b, e, readers, begin)
				begin = make(chan struct{})
			}
			b.ReportMetric(float64(readers*deltas*b.N)/took.Seconds(), "events/s")
			b.ReportMetric(float64(took.Microseconds())/float64(deltas*b.N), "us/delta")
		})
	}
}

// watchRun returns the time from the first delta to the last reader's end.
func watchRun(b *testing.B, e *conversation.Engine, readers int, begin chan struct{}) time.Duration {
	b.Helper()
	c, err := e.Create(b.Context(), alice, conversation.CreateParams{})
	require.NoError(b, err)
	run, err := e.StartRun(b.Context(), alice, c.ID, conversation.TurnRequest{Text: "go on"})
	require.NoError(b, err)
	var done sync.WaitGroup
	for range readers {
		stream, err := e.Events(b.Context(), alice, run.ID, conversation.Cursor{}, "")
		require.NoError(b, err)
		done.Go(func() {
			defer stream.Close()
			for {
				if _, err := stream.Next(b.Context()); err != nil {
					if !errors.Is(err, io.EOF) {
						b.Error(err)
					}
					return
				}
			}
		})
	}
	began := time.Now()
	close(begin)
	done.Wait()
	return time.Since(began)
}
