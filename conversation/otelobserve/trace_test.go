package otelobserve_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/conversation/otelobserve"
	"github.com/parley-go/parley/memstore"
)

func TestSpansOfARun(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{Provider: "openai"}, conversation.Config{})
	id := f.create(alice, defaults())
	ctx, request := f.tracer.Tracer("test").Start(t.Context(), "request")
	run := f.run(ctx, alice, id, "hi CANARY")
	request.End()
	require.Equal(t, conversation.RunCompleted, run.Status)

	spans := f.spans.GetSpans()
	require.Len(t, spans, 5)
	top, tool := f.span("invoke_agent support"), f.span("execute_tool web-search")
	require.Equal(t, request.SpanContext().SpanID(), top.Parent.SpanID())
	require.Equal(t, trace.SpanKindInternal, top.SpanKind)
	require.Equal(t, codes.Unset, top.Status.Code)
	found := attrs(top.Attributes)
	require.GreaterOrEqual(t, found["parley.run.queue.duration"], 0.0)
	delete(found, "parley.run.queue.duration")
	require.Equal(t, map[string]any{
		"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-x",
		"gen_ai.request.temperature": 0.5, "gen_ai.request.max_tokens": int64(100),
		"gen_ai.conversation.id": id.String(), "gen_ai.agent.id": "a1", "gen_ai.agent.name": "support",
		"gen_ai.usage.input_tokens": int64(70), "gen_ai.usage.output_tokens": int64(30),
		"parley.tenant.id": "acme", "parley.run.id": run.ID.String(), "parley.run.attempt": int64(1), "parley.run.claimed": false,
		"parley.run.outcome": "ended", "parley.run.status": "completed", "parley.run.iterations": int64(2),
	}, found)

	steps := map[any]trace.SpanID{}
	for _, s := range spans {
		require.Equal(t, request.SpanContext().TraceID(), s.SpanContext.TraceID())
		require.False(t, s.EndTime.Before(s.StartTime))
		if s.Name == "step" {
			require.Equal(t, top.SpanContext.SpanID(), s.Parent.SpanID())
			steps[attrs(s.Attributes)["parley.step.number"]] = s.SpanContext.SpanID()
		}
	}
	require.Len(t, steps, 2)
	require.Equal(t, steps[int64(1)], tool.Parent.SpanID())
	require.Equal(t, map[string]any{
		"gen_ai.operation.name": "execute_tool", "gen_ai.provider.name": "openai", "gen_ai.tool.name": "web-search",
		"gen_ai.tool.call.id": "s1", "gen_ai.tool.type": "extension",
	}, attrs(tool.Attributes))
}

func TestSpansOfFailures(t *testing.T) {
	t.Parallel()
	for input, code := range map[string]string{"fail": conversation.CodeResponder, "leave open": "quota"} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{}, conversation.Config{})
			run := f.run(t.Context(), alice, f.create(alice, defaults()), input)
			require.Equal(t, conversation.RunFailed, run.Status)
			top := f.span("invoke_agent support")
			require.Equal(t, codes.Error, top.Status.Code)
			require.Equal(t, code, top.Status.Description)
			require.Equal(t, code, attrs(top.Attributes)["error.type"])
			require.Equal(t, "failed", attrs(top.Attributes)["parley.run.status"])
			require.Equal(t, int64(70), attrs(top.Attributes)["gen_ai.usage.input_tokens"])
			if input == "leave open" { // nobody answers the call any more
				tool := f.span("execute_tool web-read")
				require.Equal(t, codes.Error, tool.Status.Code)
				require.Equal(t, "tool_error", attrs(tool.Attributes)["error.type"])
			}
		})
	}
}

func TestCallsOfClientToolsAreEvents(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{}, conversation.Config{})
	run := f.run(t.Context(), alice, f.create(alice, defaults()), "ask")
	require.Equal(t, conversation.RunRequiresAction, run.Status)
	require.Len(t, f.spans.GetSpans(), 1)
	top := f.span("invoke_agent support")
	require.Equal(t, codes.Unset, top.Status.Code)
	require.Len(t, top.Events, 1)
	require.Equal(t, "tool.requested", top.Events[0].Name)
	require.Equal(t, map[string]any{
		"gen_ai.tool.name": "ask", "gen_ai.tool.call.id": "c1", "gen_ai.tool.type": "function",
	}, attrs(top.Events[0].Attributes))
}

// TestStopIsNoFailure: somebody wanted it.
func TestStopIsNoFailure(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	f := setup(t, conversation.ResponderFunc(func(ctx context.Context, _ *conversation.Turn) error {
		close(began)
		<-ctx.Done()
		return context.Cause(ctx)
	}), otelobserve.Options{}, conversation.Config{})
	run, err := f.engine.StartRun(t.Context(), alice, f.create(alice, defaults()), conversation.TurnRequest{Text: "hi"})
	require.NoError(t, err)
	<-began
	_, err = f.engine.StopRun(t.Context(), alice, run.ID)
	require.NoError(t, err)
	top := f.span("invoke_agent support")
	require.Equal(t, codes.Unset, top.Status.Code)
	require.Equal(t, "stopped", attrs(top.Attributes)["parley.run.status"])
	require.NotContains(t, attrs(top.Attributes), "error.type")
}

// TestTheTraceGoesAlong to a run that another engine takes over. Both attempts
// hang below the request.
func TestTheTraceGoesAlong(t *testing.T) {
	t.Parallel()
	s := memstore.New(nil)
	began := make(chan struct{})
	first := setupOn(t, s, conversation.ResponderFunc(func(ctx context.Context, _ *conversation.Turn) error {
		close(began)
		<-ctx.Done()
		return context.Cause(ctx)
	}), otelobserve.Options{}, conversation.Config{})
	ctx, request := first.tracer.Tracer("test").Start(t.Context(), "request")
	run, err := first.engine.StartRun(ctx, alice, first.create(alice, defaults()), conversation.TurnRequest{Text: "hi"})
	require.NoError(t, err)
	request.End()
	<-began
	require.NoError(t, first.shutdown())
	handed := first.span("invoke_agent support")
	require.Equal(t, "handed_over", attrs(handed.Attributes)["parley.run.outcome"])
	require.Equal(t, codes.Unset, handed.Status.Code)

	second := setupOn(t, s, conversation.ResponderFunc(agent), otelobserve.Options{}, conversation.Config{})
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = second.engine.Wait(waiting, alice, run.ID)
	require.NoError(t, err)
	again := second.span("invoke_agent support")
	require.Equal(t, request.SpanContext().TraceID(), again.SpanContext.TraceID())
	require.Equal(t, request.SpanContext().SpanID(), again.Parent.SpanID())
	require.NotEqual(t, handed.SpanContext.SpanID(), again.SpanContext.SpanID())
	require.Equal(t, int64(2), attrs(again.Attributes)["parley.run.attempt"])
	require.Equal(t, true, attrs(again.Attributes)["parley.run.claimed"])
}

// TestPlacesForTheHostsOwnSpans: below the run, the step, the tool call.
func TestPlacesForTheHostsOwnSpans(t *testing.T) {
	t.Parallel()
	var f *fixture
	mark := func(ctx context.Context, name string) {
		_, span := f.tracer.Tracer("host").Start(ctx, name)
		span.End()
	}
	f = setup(t, conversation.ResponderFunc(func(ctx context.Context, turn *conversation.Turn) error {
		mark(otelobserve.StepContext(ctx), "before any step")
		if _, err := turn.Step(ctx); err != nil {
			return err
		}
		mark(ctx, "in the run")
		mark(otelobserve.StepContext(ctx), "in the step")
		call, err := turn.ToolCall(conversation.ToolCall{Name: "web-search"})
		if err != nil {
			return err
		}
		mark(otelobserve.ToolContext(ctx, call.ID), "in the call")
		mark(otelobserve.ToolContext(ctx, "another"), "in no call")
		return turn.ToolResult(conversation.ToolOutput{ToolCallID: call.ID, IsError: true})
	}), otelobserve.Options{}, conversation.Config{})
	f.run(t.Context(), alice, f.create(alice, defaults()), "hi")
	for name, parent := range map[string]string{
		"before any step": "invoke_agent support", "in the run": "invoke_agent support", "in the step": "step",
		"in the call": "execute_tool web-search", "in no call": "step",
	} {
		require.Equal(t, f.span(parent).SpanContext.SpanID(), f.span(name).Parent.SpanID(), name)
	}
	require.Equal(t, codes.Error, f.span("execute_tool web-search").Status.Code)

	ctx := t.Context()
	require.Equal(t, ctx, otelobserve.StepContext(ctx), "a context of nobody's run")
	require.Equal(t, ctx, otelobserve.ToolContext(ctx, "x"))
}

// TestRunsWithoutARequest are roots of traces of their own.
func TestRunsWithoutARequest(t *testing.T) {
	t.Parallel()
	f := setup(t, conversation.ResponderFunc(agent), otelobserve.Options{}, conversation.Config{})
	id := f.create(alice, defaults())
	traces := map[string]bool{}
	for range 3 {
		f.run(t.Context(), alice, id, "hi")
		top := f.span("invoke_agent support")
		require.False(t, top.Parent.IsValid())
		traces[fmt.Sprint(top.SpanContext.TraceID())] = true
		f.spans.Reset()
	}
	require.Len(t, traces, 3)
}
