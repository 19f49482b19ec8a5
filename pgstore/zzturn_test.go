package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/store"
)

type timed struct {
	store.Store
	get, start, finish, notify time.Duration
}

var tm *timed

func (t *timed) GetConversation(ctx context.Context, sc store.Scope, id uuid.UUID) (*store.Conversation, error) {
	tm = t
	t0 := time.Now()
	defer func() { t.get += time.Since(t0) }()
	return t.Store.GetConversation(ctx, sc, id)
}
func (t *timed) StartRun(ctx context.Context, a *store.StartRun) (*store.StartResult, error) {
	t0 := time.Now()
	defer func() { t.start += time.Since(t0) }()
	return t.Store.StartRun(ctx, a)
}
func (t *timed) FinishRun(ctx context.Context, a *store.FinishRun) (*store.FinishResult, error) {
	t0 := time.Now()
	defer func() { t.finish += time.Since(t0) }()
	return t.Store.FinishRun(ctx, a)
}

func BenchmarkTmpTurn(b *testing.B) {
	s, pool := bench(b, 16)
	ctx := context.Background()
	e, err := conversation.New(&timed{Store: s}, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		return turn.Text("hello world")
	}), nil)
	require.NoError(b, err)
	require.NoError(b, e.Start(ctx))
	caller := conversation.Caller{Tenant: "t", User: "u", Permissions: conversation.PermReadWrite}
	c, err := e.Create(ctx, caller, conversation.CreateParams{Defaults: conversation.Defaults{SystemPrompt: "be nice"}})
	require.NoError(b, err)
	_, err = pool.Exec(ctx, `create table bare(id uuid primary key, v bigint)`)
	require.NoError(b, err)
	id := uuid.New()
	_, err = pool.Exec(ctx, `insert into bare values($1,0)`, id)
	require.NoError(b, err)
	var ours, bare, get time.Duration
	b.ResetTimer()
	n := 0
	for b.Loop() {
		n++
		t0 := time.Now()
		if _, err := e.RunTurn(ctx, caller, c.ID, conversation.TurnRequest{Text: "hi"}); err != nil {
			b.Fatal(err)
		}
		t1 := time.Now()
		for range 2 {
			if _, err := pool.Exec(ctx, `update bare set v=v+1 where id=$1`, id); err != nil {
				b.Fatal(err)
			}
		}
		t2 := time.Now()
		ours += t1.Sub(t0)
		bare += t2.Sub(t1)
		get += time.Since(t2)
	}
	b.ReportMetric(float64(ours.Microseconds())/float64(n), "us/turn")
	b.ReportMetric(float64(bare.Microseconds())/float64(n), "us/2bare")
	_ = get
	b.ReportMetric(float64(tm.get.Microseconds())/float64(n), "us/get")
	b.ReportMetric(float64(tm.start.Microseconds())/float64(n), "us/start")
	b.ReportMetric(float64(tm.finish.Microseconds())/float64(n), "us/finish")
	require.NoError(b, e.Shutdown(ctx))
}
