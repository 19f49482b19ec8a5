package otelobserve

import (
	"cmp"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// DefaultProvider is the default of Options.Provider.
const DefaultProvider = "parley"

// Options steer an Observer. The zero value of each field is its default.
type Options struct {
	// TracerProvider and MeterProvider are where spans and metrics go. Default the
	// global ones.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider

	// Propagator says what of a request's context is stored with the run that it
	// starts. Default propagation.TraceContext: the ids of the trace. Baggage is
	// left out, since anything may be in it.
	Propagator propagation.TextMapPropagator

	// Provider is the gen_ai.provider.name of spans and metrics: whose models the
	// Responder calls, "openai" or "anthropic". Default "parley".
	Provider string

	// RecordContent puts what people and models wrote into spans: the prompt, the
	// turn's input, the answer, the arguments and results of tools. All of it goes
	// wherever the traces go.
	RecordContent bool
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.TracerProvider == nil {
		out.TracerProvider = otel.GetTracerProvider()
	}
	if out.MeterProvider == nil {
		out.MeterProvider = otel.GetMeterProvider()
	}
	if out.Propagator == nil {
		out.Propagator = propagation.TraceContext{}
	}
	out.Provider = cmp.Or(out.Provider, DefaultProvider)
	return out
}
