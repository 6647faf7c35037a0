// Package workload makes the data of benchmarks, so that all benchmarks and the Python
// library use the same data.
package workload

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// Spans returns server spans like those of otelhttp. Each has eight attributes, and
// all have the same resource, like the spans of one provider.
func Spans(count int) []sdktrace.ReadOnlySpan {
	return sharingOne(count, func(i int) (own, parent trace.SpanContextConfig) {
		own = trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5, 6, byte(i >> 8), byte(i)}}
		parent = own
		parent.SpanID[7] = 9
		return own, parent
	})
}

// Traces returns spans like Spans, in traces of the given size. The first span of a
// trace is the parent of its others. The ids look random, and different first numbers
// give different ids.
func Traces(first, count, size int) []sdktrace.ReadOnlySpan {
	return sharingOne(count*size, func(i int) (own, parent trace.SpanContextConfig) {
		of, root := first+i/size, (first+i/size)*size
		own = trace.SpanContextConfig{TraceID: traceID(of), SpanID: spanID(root + i%size)}
		if i%size > 0 {
			parent = trace.SpanContextConfig{TraceID: own.TraceID, SpanID: spanID(root)}
		}
		return own, parent
	})
}

// scattered returns a different number for each i, spread over all numbers.
func scattered(i int) uint64 { return (uint64(i) + 1) * 0x9e3779b97f4a7c15 }

func spanID(i int) (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], scattered(i))
	return id
}

func traceID(i int) (id trace.TraceID) {
	binary.BigEndian.PutUint64(id[:8], scattered(i))
	binary.LittleEndian.PutUint64(id[8:], scattered(i))
	return id
}

func sharingOne(count int, ids func(i int) (own, parent trace.SpanContextConfig)) []sdktrace.ReadOnlySpan {
	of := resource.NewSchemaless(
		attribute.String("service.namespace", "nova"), attribute.String("service.name", "api"),
		attribute.String("service.version", "1.2.3"), attribute.String("host.name", "controller-1"),
		attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
	)
	spans := make([]sdktrace.ReadOnlySpan, count)
	for i := range spans {
		own, parent := ids(i)
		own.TraceFlags, parent.TraceFlags = trace.FlagsSampled, trace.FlagsSampled
		spans[i] = span(i, trace.NewSpanContext(own), trace.NewSpanContext(parent), of)
	}
	return spans
}

func span(i int, own, parent trace.SpanContext, of *resource.Resource) sdktrace.ReadOnlySpan {
	began := time.Unix(1_700_000_000, 123_456_789).Add(time.Duration(i) * time.Millisecond)
	s := convert.Span{
		Name:        "GET /v2.1/servers/{id}",
		SpanContext: own, Parent: parent,
		SpanKind:  trace.SpanKindServer,
		StartTime: began, EndTime: began.Add(100 * time.Millisecond),
		Attributes: []attribute.KeyValue{
			attribute.String("http.request.method", "GET"),
			attribute.String("url.path", "/v2.1/servers/5f0b"),
			attribute.String("url.query", "limit=10"),
			attribute.String("url.scheme", "http"),
			attribute.String("http.route", "/v2.1/servers/{id}"),
			attribute.String("server.address", "api.example.org"),
			attribute.Int("server.port", 8774),
			attribute.Int("http.response.status_code", 200),
		},
		Resource:             of,
		InstrumentationScope: instrumentation.Scope{Name: "example.org/instrumentation", Version: "0.1.0"},
	}
	return s.Snapshot()
}

// Lines returns the notifications of a trace as a store has them, the newest first,
// as Redis returns them. They resemble the notifications of OpenStack's services:
// requests that call others, most of them database calls with statements.
func Lines(count int) []string {
	const statement = "SELECT instances.created_at AS instances_created_at, instances.updated_at AS instances_updated_at, " +
		"instances.deleted_at AS instances_deleted_at, instances.id AS instances_id \\nFROM instances \\nWHERE instances.id = %(id_1)s"
	began := time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC)
	lines := make([]string, count)
	for i := range count / 2 {
		operation, info := "db", `"db": {"statement": "`+statement+`", "params": {"id_1": 7}}, `
		if i%8 == 0 {
			operation, info = "wsgi", `"request": {"path": "/v2.1/servers/detail", "query": "limit=10", "method": "GET", "scheme": "http"}, `
		}
		at := began.Add(time.Duration(i) * 100 * time.Microsecond)
		lines[count-1-2*i] = line(i, operation+"-start", info, at)
		lines[count-2-2*i] = line(i, operation+"-stop", "", at.Add(time.Millisecond))
	}
	return lines
}

// line returns a half of the i-th operation. Its parent is the operation (i+7)/8.
func line(i int, name, info string, at time.Time) string {
	id := func(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012d", n) }
	return fmt.Sprintf(`{"name": "%s", "base_id": "%s", "trace_id": "%s", "parent_id": "%s", "timestamp": "%s", `+
		`"info": {%s"host": "compute-%d"}, "project": "nova", "service": "osapi_compute"}`,
		name, id(0), id(i+1), id((i+7)/8), osprofiler.FormatTime(at), info, i%16)
}
