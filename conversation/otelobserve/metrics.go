package otelobserve

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
)

// instruments are the metrics of an Observer.
type instruments struct {
	duration   genaiconv.ClientOperationDuration
	tokens     genaiconv.ClientTokenUsage
	active     metric.Int64UpDownCounter
	count      metric.Int64Counter
	claimed    metric.Int64Counter
	queue      metric.Float64Histogram
	iterations metric.Int64Histogram
}

// Buckets of the histograms, those of durations and tokens as the conventions
// advise. A run may take minutes, and a turn may wait in the queue for an hour.
var (
	durationBuckets  = metric.WithExplicitBucketBoundaries(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
	tokenBuckets     = metric.WithExplicitBucketBoundaries(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
	queueBuckets     = metric.WithExplicitBucketBoundaries(0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)
	iterationBuckets = metric.WithExplicitBucketBoundaries(0, 1, 2, 3, 5, 8, 13, 21, 34)
)

func newInstruments(meter metric.Meter) (*instruments, error) {
	var in instruments
	var errs [7]error
	in.duration, errs[0] = genaiconv.NewClientOperationDuration(meter, durationBuckets)
	in.tokens, errs[1] = genaiconv.NewClientTokenUsage(meter, tokenBuckets)
	in.active, errs[2] = meter.Int64UpDownCounter("parley.run.active",
		metric.WithUnit("{run}"), metric.WithDescription("Attempts at runs that are under way."))
	in.count, errs[3] = meter.Int64Counter("parley.run.count",
		metric.WithUnit("{run}"), metric.WithDescription("Attempts at runs that are over."))
	in.claimed, errs[4] = meter.Int64Counter("parley.run.claimed",
		metric.WithUnit("{run}"), metric.WithDescription("Runs taken over from the queue or from another process."))
	in.queue, errs[5] = meter.Float64Histogram("parley.run.queue.duration", queueBuckets,
		metric.WithUnit("s"), metric.WithDescription("Time between the start of a turn and its run's first attempt."))
	in.iterations, errs[6] = meter.Int64Histogram("parley.run.iterations", iterationBuckets,
		metric.WithUnit("{iteration}"), metric.WithDescription("Iterations of an attempt at a run."))
	return &in, errors.Join(errs[:]...)
}
