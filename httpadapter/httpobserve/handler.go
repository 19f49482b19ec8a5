// Package httpobserve tells OpenTelemetry of the requests to an
// httpadapter.Handler: a server's span and metrics for each, by the semantic
// conventions for HTTP, with the route of the Handler. The work is that of
// otelhttp; this package tells it the route, which only the Handler knows.
//
//	handler, err := httpadapter.New(engine, ...)
//	...
//	mux.Handle("/api/", http.StripPrefix("/api", httpobserve.Handler(handler, nil)))
//
// Together with package otelobserve a run hangs below the request that started
// it. The trace that a request names goes on; see Options.Public.
//
// A span has the method, route, path, status, sizes, and the client's address and
// agent. It has neither query, headers, bodies nor who asked. The duration of a
// stream is as long as its reader stays.
//
// It is a module of its own, so that hosts that do not use it have none of its
// dependencies.
package httpobserve

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-go/parley/httpadapter"
)

// Options steer Handler. The zero value of each field is its default.
type Options struct {
	// TracerProvider and MeterProvider are where spans and metrics go. Default the
	// global ones.
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider

	// Propagator reads the trace that a request belongs to. Default
	// propagation.TraceContext: the headers traceparent and tracestate.
	Propagator propagation.TextMapPropagator

	// Public says of which requests the trace is not to be trusted: they begin a
	// new one, with a link to theirs. Nil trusts all; a server that anybody can
	// reach should trust only what its own gateway has marked.
	Public func(*http.Request) bool
}

// Handler returns h with a span and metrics for each request. It goes inside
// whatever strips a prefix. Nil options are the default of every field.
func Handler(h *httpadapter.Handler, opts *Options) http.Handler {
	if opts == nil {
		opts = &Options{}
	}
	with := []otelhttp.Option{otelhttp.WithPropagators(propagation.TraceContext{})}
	if opts.Propagator != nil {
		with[0] = otelhttp.WithPropagators(opts.Propagator)
	}
	if opts.TracerProvider != nil {
		with = append(with, otelhttp.WithTracerProvider(opts.TracerProvider))
	}
	if opts.MeterProvider != nil {
		with = append(with, otelhttp.WithMeterProvider(opts.MeterProvider))
	}
	if opts.Public != nil {
		with = append(with, otelhttp.WithPublicEndpointFn(opts.Public))
	}
	observed, routes := otelhttp.NewHandler(h, "", with...), routesOf(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// otelhttp takes the route from the pattern. The one that is there is the
		// host's, which led here: "/api/".
		inner := r.WithContext(r.Context())
		_, inner.Pattern = routes.Handler(r)
		observed.ServeHTTP(w, inner)
	})
}

// routesOf returns a mux that knows the Handler's routes, and only serves to
// look them up.
func routesOf(h *httpadapter.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range h.Routes() {
		mux.Handle(rt.Method+" "+rt.Path, http.NotFoundHandler())
	}
	return mux
}
