package otelobserve

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-go/parley/conversation"
)

// scope names this package to OpenTelemetry.
const scope = "github.com/parley-go/parley/conversation/otelobserve"

// Attributes that the conventions have no name for.
const (
	keyTenant    = attribute.Key("parley.tenant.id")
	keyRun       = attribute.Key("parley.run.id")
	keyAttempt   = attribute.Key("parley.run.attempt")
	keyClaimed   = attribute.Key("parley.run.claimed")
	keyStatus    = attribute.Key("parley.run.status")
	keyOutcome   = attribute.Key("parley.run.outcome")
	keyRecovered = attribute.Key("parley.run.recovered")
	keyIteration = attribute.Key("parley.run.iterations")
	keyWait      = attribute.Key("parley.run.queue.duration") // seconds
	keyStep      = attribute.Key("parley.step.number")
)

// Observer makes spans and metrics of runs. Make one with New. It is safe for
// concurrent use, and several engines may share it.
type Observer struct {
	opts   Options
	tracer trace.Tracer
	in     *instruments
}

var _ conversation.Observer = (*Observer)(nil)

// New makes an Observer. Nil options are the default of every field. It fails
// when the MeterProvider refuses an instrument.
func New(opts *Options) (*Observer, error) {
	o := &Observer{opts: opts.withDefaults()}
	o.tracer = o.opts.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	var err error
	o.in, err = newInstruments(o.opts.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)))
	return o, err
}

// Carry implements conversation.Observer.
func (o *Observer) Carry(ctx context.Context) map[string]string {
	carrier := propagation.MapCarrier{}
	o.opts.Propagator.Inject(ctx, carrier)
	if len(carrier) == 0 {
		return nil
	}
	return carrier
}

// BeginRun implements conversation.Observer.
func (o *Observer) BeginRun(ctx context.Context, b *conversation.RunBegin) (context.Context, conversation.RunObserver) {
	r := &run{o: o, began: time.Now(), tools: make(map[string]*toolCall)}
	r.common = []attribute.KeyValue{semconv.GenAIOperationNameInvokeAgent, semconv.GenAIProviderNameKey.String(o.opts.Provider)}
	if model := b.Run.Effective.Model; model != "" {
		r.common = append(r.common, semconv.GenAIRequestModel(model))
	}
	ctx = o.opts.Propagator.Extract(ctx, propagation.MapCarrier(b.Carried))
	ctx, r.span = o.tracer.Start(ctx, spanName("invoke_agent", agentName(b.Conversation)),
		trace.WithSpanKind(trace.SpanKindInternal), trace.WithTimestamp(r.began),
		trace.WithAttributes(r.common...), trace.WithAttributes(beginning(b)...))
	if o.opts.RecordContent {
		r.span.SetAttributes(contentOfBegin(b.Run)...)
	}
	ctx = context.WithValue(ctx, runKey{}, r)
	r.ctx = ctx

	o.in.active.Add(ctx, 1)
	if b.Claimed {
		o.in.claimed.Add(ctx, 1, metric.WithAttributes(keyRecovered.Bool(b.Run.Attempt > 1)))
	}
	if b.Run.Attempt == 1 {
		o.in.queue.Record(ctx, b.QueueWait.Seconds())
	}
	return ctx, r
}

// beginning says what is known of a run when it begins.
func beginning(b *conversation.RunBegin) []attribute.KeyValue {
	settings := &b.Run.Effective
	attrs := []attribute.KeyValue{
		semconv.GenAIConversationID(b.Run.ConversationID.String()), keyTenant.String(b.Tenant),
		keyRun.String(b.Run.ID.String()), keyAttempt.Int(b.Run.Attempt), keyClaimed.Bool(b.Claimed),
		keyWait.Float64(b.QueueWait.Seconds()),
	}
	if c := b.Conversation; c != nil && c.Agent != nil {
		attrs = append(attrs, semconv.GenAIAgentID(c.Agent.ID))
		if name := agentName(c); name != "" {
			attrs = append(attrs, semconv.GenAIAgentName(name))
		}
	}
	if settings.Temperature != nil {
		attrs = append(attrs, semconv.GenAIRequestTemperature(*settings.Temperature))
	}
	if settings.MaxTokens > 0 {
		attrs = append(attrs, semconv.GenAIRequestMaxTokens(settings.MaxTokens))
	}
	return attrs
}

// agentName is what an agent is called in the names of spans: its slug, which
// hosts choose, rather than a name for display.
func agentName(c *conversation.Conversation) string {
	if c == nil || c.Agent == nil {
		return ""
	}
	return c.Agent.Slug
}

func spanName(operation, of string) string {
	if of == "" {
		return operation
	}
	return operation + " " + of
}
