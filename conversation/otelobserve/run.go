package otelobserve

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-go/parley/conversation"
)

// run is an attempt at a run.
type run struct {
	o      *Observer
	ctx    context.Context // with the run's span
	span   trace.Span
	began  time.Time
	common []attribute.KeyValue // of span and metrics

	mu    sync.Mutex
	step  trace.Span // nil before the first
	tools map[string]*toolCall
}

// toolCall is a call that has no result yet.
type toolCall struct {
	span  trace.Span
	began time.Time
	attrs []attribute.KeyValue
}

// runKey is the context key of the run.
type runKey struct{}

// StepContext returns ctx with the span of the run's present step, so that what
// is done with it has its place below the step. ctx is a Responder's, or made
// from one; any other is returned as it is.
func StepContext(ctx context.Context) context.Context {
	r, ok := ctx.Value(runKey{}).(*run)
	if !ok {
		return ctx
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return trace.ContextWithSpan(ctx, r.present())
}

// ToolContext returns ctx with the span of a tool call that has no result yet,
// and that of StepContext for any other call.
func ToolContext(ctx context.Context, toolCallID string) context.Context {
	r, ok := ctx.Value(runKey{}).(*run)
	if !ok {
		return ctx
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.tools[toolCallID]; c != nil {
		return trace.ContextWithSpan(ctx, c.span)
	}
	return trace.ContextWithSpan(ctx, r.present())
}

// present is the innermost span that is not a tool's. Callers hold mu.
func (r *run) present() trace.Span {
	if r.step != nil {
		return r.step
	}
	return r.span
}

// Step implements conversation.RunObserver.
func (r *run) Step(number int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.step != nil {
		r.step.End()
	}
	_, r.step = r.o.tracer.Start(r.ctx, "step", trace.WithAttributes(keyStep.Int(number)))
}

// ToolCall implements conversation.RunObserver.
func (r *run) ToolCall(call conversation.ToolCall, client bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, name := semconv.GenAIToolCallID(call.ID), semconv.GenAIToolName(call.Name)
	if client {
		r.present().AddEvent("tool.requested", trace.WithAttributes(id, name, semconv.GenAIToolType("function")))
		return
	}
	c := &toolCall{began: time.Now()}
	c.attrs = []attribute.KeyValue{semconv.GenAIOperationNameExecuteTool, semconv.GenAIProviderNameKey.String(r.o.opts.Provider), name}
	_, c.span = r.o.tracer.Start(trace.ContextWithSpan(r.ctx, r.present()), spanName("execute_tool", call.Name),
		trace.WithTimestamp(c.began), trace.WithAttributes(c.attrs...), trace.WithAttributes(id, semconv.GenAIToolType("extension")))
	if r.o.opts.RecordContent {
		c.span.SetAttributes(semconv.GenAIToolCallArgumentsKey.String(string(call.Arguments)))
	}
	r.tools[call.ID] = c
}

// Values of error.type that are no code of a run.
const (
	errorTool = "tool_error" // the tool said so, or gave no result
	errorLost = "lost"       // the engine no longer held the run
)

// ToolResult implements conversation.RunObserver.
func (r *run) ToolResult(result conversation.Part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.tools[result.ToolCallID]
	if c == nil { // of a call of the client's
		return
	}
	delete(r.tools, result.ToolCallID)
	if r.o.opts.RecordContent {
		c.span.SetAttributes(semconv.GenAIToolCallResultKey.String(encode(messageParts(result.Parts))))
	}
	r.endTool(c, result.IsError)
}

func (r *run) endTool(c *toolCall, failed bool) {
	attrs := c.attrs
	if failed {
		attrs = append(slices.Clip(attrs), semconv.ErrorTypeKey.String(errorTool))
		c.span.SetAttributes(semconv.ErrorTypeKey.String(errorTool))
		c.span.SetStatus(codes.Error, errorTool)
	}
	now := time.Now()
	c.span.End(trace.WithTimestamp(now))
	r.o.in.duration.Inst().Record(r.ctx, now.Sub(c.began).Seconds(), metric.WithAttributes(attrs...))
}

// End implements conversation.RunObserver.
func (r *run) End(end *conversation.RunEnd) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.tools {
		r.endTool(c, true)
	}
	clear(r.tools)
	if r.step != nil {
		r.step.End()
	}
	r.span.SetAttributes(keyOutcome.String(string(end.Outcome)), keyIteration.Int(end.Iterations),
		semconv.GenAIUsageInputTokens(int(end.Usage.PromptTokens)), semconv.GenAIUsageOutputTokens(int(end.Usage.CompletionTokens)))
	if end.Run != nil {
		r.span.SetAttributes(keyStatus.String(string(end.Run.Status)))
		if r.o.opts.RecordContent {
			r.span.SetAttributes(contentOfEnd(end.Run)...)
		}
	}
	failure := errorType(end)
	if failure != "" {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(failure))
		r.span.SetStatus(codes.Error, failure)
	}
	now := time.Now()
	r.span.End(trace.WithTimestamp(now))
	r.measure(end, failure, now.Sub(r.began))
}

// measure records the metrics of an attempt that is over.
func (r *run) measure(end *conversation.RunEnd, failure string, took time.Duration) {
	in := r.o.in
	failed := func(attrs []attribute.KeyValue) metric.MeasurementOption {
		if failure != "" {
			attrs = append(slices.Clip(attrs), semconv.ErrorTypeKey.String(failure))
		}
		return metric.WithAttributes(attrs...)
	}
	in.active.Add(r.ctx, -1)
	how := []attribute.KeyValue{keyOutcome.String(string(end.Outcome))}
	if end.Run != nil {
		how = append(how, keyStatus.String(string(end.Run.Status)))
	}
	in.count.Add(r.ctx, 1, failed(how))
	in.duration.Inst().Record(r.ctx, took.Seconds(), failed(r.common))
	in.iterations.Record(r.ctx, int64(end.Iterations))
	for kind, n := range map[attribute.KeyValue]int64{
		semconv.GenAITokenTypeInput: end.Usage.PromptTokens, semconv.GenAITokenTypeOutput: end.Usage.CompletionTokens,
	} {
		if n > 0 {
			in.tokens.Inst().Record(r.ctx, n, metric.WithAttributes(append(slices.Clip(r.common), kind)...))
		}
	}
}

// errorType is why an attempt counts as failed, "" when it does not: somebody's
// stop, and a run that goes on elsewhere, are no failures.
func errorType(end *conversation.RunEnd) string {
	switch {
	case end.Outcome == conversation.OutcomeLost:
		return errorLost
	case end.Run == nil || end.Run.Error == nil || end.Run.Status == conversation.RunStopped:
		return ""
	default:
		return end.Run.Error.Code
	}
}
