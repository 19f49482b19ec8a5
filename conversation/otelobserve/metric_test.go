package otelobserve_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/conversation/otelobserve"
	"github.com/parley-go/parley/memstore"
)

// line is one data point: its attributes, and how often and what was recorded.
type line struct {
	attrs string
	count uint64
	sum   float64
}

// lines returns the data points of an instrument; the sums of times are left out.
func lines(t *testing.T, data metricdata.Aggregation, timed bool) []line {
	t.Helper()
	encoder := attribute.DefaultEncoder()
	var out []line
	switch data := data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			require.GreaterOrEqual(t, p.Sum, 0.0)
			require.Less(t, p.Sum, patience.Seconds())
			if timed {
				p.Sum = 0
			}
			out = append(out, line{p.Attributes.Encoded(encoder), p.Count, p.Sum})
		}
	case metricdata.Histogram[int64]:
		for _, p := range data.DataPoints {
			out = append(out, line{p.Attributes.Encoded(encoder), p.Count, float64(p.Sum)})
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			out = append(out, line{p.Attributes.Encoded(encoder), 1, float64(p.Value)})
		}
	default:
		require.Failf(t, "unexpected data", "%T", data)
	}
	return out
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{Provider: "openai"}, conversation.Config{})
	id := f.create(alice, defaults())
	for _, text := range []string{"hi", "hi", "fail", "ask"} {
		f.run(t.Context(), alice, id, text)
	}
	m := f.metrics()
	const model = ",gen_ai.provider.name=openai,gen_ai.request.model=gpt-x"
	for name, want := range map[string][]line{
		"gen_ai.client.operation.duration": {
			{"gen_ai.operation.name=execute_tool,gen_ai.provider.name=openai,gen_ai.tool.name=web-search", 3, 0},
			{"gen_ai.operation.name=invoke_agent" + model, 3, 0},
			{"error.type=responder_error,gen_ai.operation.name=invoke_agent" + model, 1, 0},
		},
		"gen_ai.client.token.usage": {
			{"gen_ai.operation.name=invoke_agent" + model + ",gen_ai.token.type=input", 3, 210},
			{"gen_ai.operation.name=invoke_agent" + model + ",gen_ai.token.type=output", 3, 90},
		},
		"parley.run.active": {{"", 1, 0}},
		"parley.run.count": {
			{"parley.run.outcome=ended,parley.run.status=completed", 1, 2},
			{"error.type=responder_error,parley.run.outcome=ended,parley.run.status=failed", 1, 1},
			{"parley.run.outcome=ended,parley.run.status=requires_action", 1, 1},
		},
		"parley.run.queue.duration": {{"", 4, 0}},
		"parley.run.iterations":     {{"", 4, 6}},
	} {
		require.Contains(t, m, name)
		require.ElementsMatch(t, want, lines(t, m[name], true), name)
	}
	require.NotContains(t, m, "parley.run.claimed")
}

func TestMetricsOfRunsTakenOver(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	began := make(chan struct{})
	first := setupOn(t, s, conversation.ResponderFunc(func(ctx context.Context, _ *conversation.Turn) error {
		close(began)
		<-ctx.Done()
		return context.Cause(ctx)
	}), otelobserve.Options{}, conversation.Config{})
	run, err := first.engine.StartRun(t.Context(), alice, first.create(alice, defaults()), conversation.TurnRequest{Text: "hi"})
	require.NoError(t, err)
	<-began
	require.Equal(t, []line{{"", 1, 1}}, lines(t, first.metrics()["parley.run.active"], false))
	require.NoError(t, first.shutdown())
	m := first.metrics()
	require.Equal(t, []line{{"", 1, 0}}, lines(t, m["parley.run.active"], false))
	require.Equal(t, []line{{"parley.run.outcome=handed_over", 1, 1}}, lines(t, m["parley.run.count"], false))

	second := setupOn(t, s, conversation.ResponderFunc(agent), otelobserve.Options{}, conversation.Config{})
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = second.engine.Wait(waiting, alice, run.ID)
	require.NoError(t, err)
	m = second.metrics()
	require.Equal(t, []line{{"parley.run.recovered=true", 1, 1}}, lines(t, m["parley.run.claimed"], false))
	require.NotContains(t, m, "parley.run.queue.duration", "it had not waited, it was begun before")
}
