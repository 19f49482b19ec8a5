package conversation_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/memstore"
)

// benchEngine is an engine on a memory store of its own.
func benchEngine(b *testing.B, r conversation.Responder) (*conversation.Engine, *memstore.Store) {
	b.Helper()
	s := memstore.New(nil)
	e, err := conversation.New(s, r, nil)
	require.NoError(b, err)
	require.NoError(b, e.Start(context.Background()))
	b.Cleanup(func() { require.NoError(b, e.Shutdown(context.Background())) })
	return e, s
}

// BenchmarkTurn is a whole turn: start, a window of twenty messages read, one
// delta, and the end. Its cost must not grow with the history.
func BenchmarkTurn(b *testing.B) {
	ctx := context.Background()
	for _, history := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("history=%d", history), func(b *testing.B) {
			e, s := benchEngine(b, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
				if _, err := turn.Window(ctx, 20); err != nil {
					return err
				}
				return turn.Text("an answer of the usual kind")
			}))
			c, err := e.Create(ctx, alice, conversation.CreateParams{})
			require.NoError(b, err)
			fill(b, &fixture{store: s, engine: e, ctx: ctx, caller: alice}, c.ID, history)
			b.ReportAllocs()
			for b.Loop() {
				run, err := e.RunTurn(ctx, alice, c.ID, conversation.TurnRequest{Text: "a question of the usual kind"})
				if err != nil || run.Status != conversation.RunCompleted {
					b.Fatal(run, err)
				}
			}
		})
	}
}

// BenchmarkFanOut streams a run of a thousand deltas to readers in its process.
// An operation is the delivery of the whole stream to all of them.
func BenchmarkFanOut(b *testing.B) {
	ctx := context.Background()
	const deltas = 1000
	for _, readers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			begin := make(chan struct{})
			e, _ := benchEngine(b, conversation.ResponderFunc(func(_ context.Context, turn *conversation.Turn) error {
				<-begin
				for range deltas {
					if err := turn.Text("delta "); err != nil {
						return err
					}
				}
				return nil
			}))
			b.ReportAllocs()
			for b.Loop() {
				c, err := e.Create(ctx, alice, conversation.CreateParams{})
				require.NoError(b, err)
				run, err := e.StartRun(ctx, alice, c.ID, conversation.TurnRequest{Text: "hi"})
				require.NoError(b, err)
				var over sync.WaitGroup
				for range readers {
					over.Add(1)
					go drain(b, e, run.ID, deltas, &over)
				}
				begin <- struct{}{}
				over.Wait()
			}
			b.ReportMetric(float64(b.N)*float64(readers*deltas)/b.Elapsed().Seconds(), "deltas/s")
		})
	}
}

func drain(b *testing.B, e *conversation.Engine, run uuid.UUID, deltas int, over *sync.WaitGroup) {
	b.Helper()
	defer over.Done()
	ctx := context.Background()
	s, err := e.Events(ctx, alice, run, conversation.Cursor{}, conversation.ViewParticipant)
	if err != nil {
		b.Error(err)
		return
	}
	n := 0
	for ev, err := range s.All(ctx) {
		if err != nil {
			b.Error(err)
			return
		}
		if ev.Type == conversation.EventTextDelta {
			n += int(ev.Seq - ev.FirstSeq + 1)
		}
	}
	if n != deltas {
		b.Errorf("%d of %d deltas", n, deltas)
	}
}
