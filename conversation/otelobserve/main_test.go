package otelobserve_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/conversation/otelobserve"
	"github.com/parley-go/parley/memstore"
	"github.com/parley-go/parley/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	alice = conversation.Caller{Tenant: "acme", User: "alice", Permissions: conversation.PermReadWrite}
	carol = conversation.Caller{Tenant: "globex", User: "carol", Permissions: conversation.PermReadWrite}
)

// fixture is an engine whose spans and metrics stay in memory.
type fixture struct {
	*testing.T
	engine *conversation.Engine
	tracer *sdktrace.TracerProvider
	spans  *tracetest.InMemoryExporter
	reader *sdkmetric.ManualReader
}

func setup(t *testing.T, r conversation.Responder, o otelobserve.Options, cfg conversation.Config) *fixture {
	t.Helper()
	return setupOn(t, memstore.New(nil), r, o, cfg)
}

func setupOn(t *testing.T, s store.Store, r conversation.Responder, o otelobserve.Options, cfg conversation.Config) *fixture {
	t.Helper()
	f := &fixture{T: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	f.tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(f.spans))
	o.TracerProvider, o.MeterProvider = f.tracer, sdkmetric.NewMeterProvider(sdkmetric.WithReader(f.reader))
	observer, err := otelobserve.New(&o)
	require.NoError(t, err)
	cfg.Observer = observer
	f.engine, err = conversation.New(s, r, &cfg)
	require.NoError(t, err)
	require.NoError(t, f.engine.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, f.shutdown()) })
	return f
}

// shutdown hands over at once what still runs.
func (f *fixture) shutdown() error {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return f.engine.Shutdown(ended)
}

func (f *fixture) create(caller conversation.Caller, d conversation.Defaults) uuid.UUID {
	f.Helper()
	c, err := f.engine.Create(f.Context(), caller, conversation.CreateParams{
		Defaults: d, Agent: &conversation.Agent{ID: "a1", Slug: "support", DisplayName: "Support"},
	})
	require.NoError(f, err)
	return c.ID
}

const patience = time.Minute

// run starts a turn within ctx and waits for its end.
func (f *fixture) run(ctx context.Context, caller conversation.Caller, id uuid.UUID, text string) *conversation.Run {
	f.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	run, err := f.engine.RunTurn(ctx, caller, id, conversation.TurnRequest{Text: text})
	require.NoError(f, err)
	return run
}

// span returns the one span of a name.
func (f *fixture) span(name string) tracetest.SpanStub {
	f.Helper()
	var found []tracetest.SpanStub
	for _, s := range f.spans.GetSpans() {
		if s.Name == name {
			found = append(found, s)
		}
	}
	require.Len(f, found, 1, name)
	return found[0]
}

// attrs returns attributes as a map.
func attrs(list []attribute.KeyValue) map[string]any {
	m := make(map[string]any, len(list))
	for _, kv := range list {
		m[string(kv.Key)] = kv.Value.AsInterface()
	}
	return m
}

// metrics returns what was measured, by name.
func (f *fixture) metrics() map[string]metricdata.Aggregation {
	f.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(f, f.reader.Collect(context.Background(), &all))
	byName := make(map[string]metricdata.Aggregation)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m.Data
		}
	}
	return byName
}

// defaults has a server of tools, with a secret, and a tool of the client's.
func defaults() conversation.Defaults {
	warm := 0.5
	return conversation.Defaults{SystemPrompt: "CANARY prompt", Settings: conversation.Settings{
		Model: "gpt-x", Temperature: &warm, MaxTokens: 100,
		MCPServers: []conversation.MCPServer{{Alias: "web", URL: "https://CANARY.example", Headers: map[string]conversation.Secret{"k": "CANARY"}}},
		Tools:      []conversation.Tool{{Name: "ask", Description: "CANARY"}},
	}}
}

// agent searches in its first step and answers in its second. A few words of
// the input make it do something else.
func agent(ctx context.Context, turn *conversation.Turn) error {
	if turn.InputText() == "ask" {
		_, err := turn.ToolCall(conversation.ToolCall{ID: "c1", Name: "ask", Arguments: []byte(`{"q":"CANARY"}`)})
		return err
	}
	if _, err := turn.Step(ctx); err != nil {
		return err
	}
	if _, err := turn.ToolCall(conversation.ToolCall{ID: "s1", Name: "web-search", Arguments: []byte(`{"q":"CANARY"}`)}); err != nil {
		return err
	}
	result := conversation.ToolOutput{ToolCallID: "s1", Parts: []conversation.Part{conversation.Text("CANARY result")}}
	if err := turn.ToolResult(result); err != nil {
		return err
	}
	if err := turn.Usage(conversation.Usage{PromptTokens: 70, CompletionTokens: 30}); err != nil {
		return err
	}
	if turn.InputText() == "fail" {
		return errors.New("CANARY failure")
	}
	if _, err := turn.Step(ctx); err != nil {
		return err
	}
	if turn.InputText() == "leave open" {
		if _, err := turn.ToolCall(conversation.ToolCall{ID: "s2", Name: "web-read"}); err != nil {
			return err
		}
		return &conversation.RunError{Code: "quota", Message: "CANARY"}
	}
	return turn.Text("CANARY answer")
}
