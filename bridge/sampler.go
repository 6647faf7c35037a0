package bridge

import (
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// NewSampler returns the sampler of OSProfiler's profiling on demand. It records
// the traces that a verified signature or [Profiler.Init] named. The sampler other
// decides about all other traces. A nil other drops them, except for the children of
// spans that this process records.
func NewSampler(other sdktrace.Sampler) sdktrace.Sampler {
	if other == nil {
		other = sdktrace.ParentBased(sdktrace.NeverSample(), sdktrace.WithRemoteParentSampled(sdktrace.NeverSample()))
	}
	return &sampler{other}
}

type sampler struct{ other sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (s *sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if trustedTraceFor(p.ParentContext, p.TraceID) == nil {
		return s.other.ShouldSample(p)
	}
	return sdktrace.SamplingResult{
		Decision:   sdktrace.RecordAndSample,
		Tracestate: trace.SpanContextFromContext(p.ParentContext).TraceState(),
	}
}

// Description implements sdktrace.Sampler.
func (s *sampler) Description() string {
	return fmt.Sprintf("OSProfiler{other:%s}", s.other.Description())
}
