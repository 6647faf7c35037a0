package faults

import (
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const (
	batchSpans = 200
	traceSpans = 50 // the first is the parent of the others
)

// usualSpans returns the number of spans of an Export whose Spans is 0.
func usualSpans() int {
	if testenv.Soak() {
		return 20_000
	}
	return 10_000
}

// traceID returns the id of the n-th trace of a round.
func traceID(round, n int) trace.TraceID {
	return trace.TraceID{1, byte(round), byte(n >> 8), byte(n), 15: 1}
}

func baseID(round, n int) string { return osprofiler.BaseIDOf(traceID(round, n)) }

func spanName(i int) string { return fmt.Sprintf("span-%d", i) }

// span returns the i-th span of a round.
func span(round, i int) sdktrace.ReadOnlySpan {
	context := func(i int) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: traceID(round, i/traceSpans), SpanID: trace.SpanID{byte(i >> 16), byte(i >> 8), byte(i), 1},
		})
	}
	start := time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond)
	stub := tracetest.SpanStub{Name: spanName(i), SpanContext: context(i), StartTime: start, EndTime: start.Add(time.Millisecond)}
	if first := i - i%traceSpans; first != i {
		stub.Parent = context(first)
	}
	return stub.Snapshot()
}

// batch returns the spans of the batch that begins with the span number first.
func batch(round, first int) []sdktrace.ReadOnlySpan {
	spans := make([]sdktrace.ReadOnlySpan, batchSpans)
	for i := range spans {
		spans[i] = span(round, first+i)
	}
	return spans
}
