//go:build !race

package otlpreceiver

import (
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
)

// The reserved memory of a request is about the memory that the request uses, also for the
// smallest spans. The race detector changes the memory of a program.
func TestMemoryOfRequest(t *testing.T) {
	r, err := Open("otlp+http://127.0.0.1:0", WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, attributes := range map[string]int{"small": 0, "usual": 5, "text": 100} {
		body := bodyOf(t, attributes)
		before := heap()
		request, f := r.understand(body, otlppb.Parse)
		if f != nil {
			t.Fatal(f)
		}
		after := heap()
		if size := after - before; size > request.memory()*11/10 || size < request.memory()/4 {
			t.Errorf("%s: a body of %d bytes takes %d bytes, not %d", name, len(body), size, request.memory())
		}
		runtime.KeepAlive(request)
		runtime.KeepAlive(body)
	}
}

// bodyOf returns a body of about a megabyte, of spans with this number of attributes.
func bodyOf(t *testing.T, attributes int) []byte {
	s := &tracepb.Span{TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "n", StartTimeUnixNano: 1, EndTimeUnixNano: 2}
	for a := range attributes {
		text := &commonpb.AnyValue_StringValue{StringValue: strings.Repeat("v", 20)}
		s.Attributes = append(s.Attributes, &commonpb.KeyValue{Key: strings.Repeat("k", a%20+1), Value: &commonpb.AnyValue{Value: text}})
	}
	ofScope := &tracepb.ScopeSpans{Spans: slices.Repeat([]*tracepb.Span{s}, (1<<20)/proto.Size(s))}
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{ofScope}}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
