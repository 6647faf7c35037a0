package bridge

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// NewSampler returns the sampler of OSProfiler's profiling on demand. It records the traces
// that a verified signature or [Profiler.Init] named. The sampler other decides about all
// other traces. A nil other drops them, except for the children of spans that this process
// records.
//
// NewSampler should be the sampler of the provider itself. Inside [sdktrace.ParentBased] it
// decides only about roots: ParentBased then records an unsigned request whose traceparent
// says that it is sampled. To follow the decision of callers that have not signed, write
// NewSampler(ParentBased(root)). If a ParentBased asks for the sampler's first decision, the
// sampler reports that by [otel.Handle]. A ParentBased that never asks the sampler cannot be
// detected.
func NewSampler(other sdktrace.Sampler) sdktrace.Sampler {
	if other == nil {
		other = sdktrace.ParentBased(sdktrace.NeverSample(), sdktrace.WithRemoteParentSampled(sdktrace.NeverSample()))
	}
	return &sampler{other: other}
}

type sampler struct {
	other sdktrace.Sampler

	asked atomic.Bool // whether the sampler has looked for a ParentBased around it
}

// ShouldSample implements sdktrace.Sampler.
func (s *sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if !s.asked.Load() && s.asked.CompareAndSwap(false, true) {
		reportParentBased()
	}
	if trustedTraceFor(p.ParentContext, p.TraceID) == nil {
		reportReplacedCaller(p.ParentContext)
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

// errParentBased reports that the sampler is inside a ParentBased.
var errParentBased = errors.New("osprofiler: bridge.NewSampler is inside ParentBased, which records unsigned requests that " +
	"their traceparent calls sampled, unless its option WithRemoteParentSampled is a bridge.NewSampler too; write bridge.NewSampler(trace.ParentBased(root)), or bridge.NewSampler(nil) to record signed requests only")

// reportParentBased reports a ParentBased that calls the sampler. A sampler does not get its
// caller as an argument, so the call stack is the only source. The stack is read only at the
// first call.
func reportParentBased() {
	var callers [16]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "go.opentelemetry.io/otel/sdk/trace.parentBased.") {
			otel.Handle(errParentBased)
			return
		}
		if !more {
			return
		}
	}
}
