package bridge

import (
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// NewSampler returns the sampler of OSProfiler's profiling on demand. It
// records exactly the traces that are vouched for, by a verified signature or
// by [Profiler.Init], and asks other about all else. A nil other drops all
// else, but for the children of spans that are recorded in this process.
func NewSampler(other sdktrace.Sampler) sdktrace.Sampler {
	if other == nil {
		other = sdktrace.ParentBased(sdktrace.NeverSample(), sdktrace.WithRemoteParentSampled(sdktrace.NeverSample()))
	}
	return &sampler{other}
}

type sampler struct{ other sdktrace.Sampler }

// ShouldSample implements sdktrace.Sampler.
func (s *sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if vouchFor(p.ParentContext, p.TraceID) == nil {
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
