package interop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	_ "github.com/osprofiler-otel/osprofiler/exporter/jaeger"
	_ "github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// A jaegerRoute is a protocol by which spans are sent to Jaeger.
type jaegerRoute struct {
	name   string
	url    func(j *testenv.JaegerServer) string // "" if the server does not take it
	thrift bool
	udp    bool
}

var jaegerRoutes = []jaegerRoute{
	{name: "OTLP by gRPC", url: func(j *testenv.JaegerServer) string { return "otlp+grpc://" + j.OTLPGRPC }},
	{name: "OTLP by HTTP", url: func(j *testenv.JaegerServer) string { return "otlp+http://" + j.OTLPHTTP }},
	{name: "thrift by HTTP", thrift: true, url: func(j *testenv.JaegerServer) string { return "jaeger+http://" + j.Thrift }},
	{name: "thrift by UDP", thrift: true, udp: true, url: func(j *testenv.JaegerServer) string {
		if j.Compact == "" {
			return ""
		}
		return "jaeger://" + j.Compact + "?osp_pause=1ms" // inParts waits for the server
	}},
}

// eachJaeger runs a test on each version of Jaeger by each route that the version supports.
func eachJaeger(t *testing.T, test func(t *testing.T, j *testenv.JaegerServer, route jaegerRoute, export func([]sdktrace.ReadOnlySpan))) {
	for _, v := range testenv.JaegerVersions {
		for _, route := range jaegerRoutes {
			if route.udp && !v.TakesUDP() {
				continue
			}
			t.Run(v.String()+", "+route.name, func(t *testing.T) {
				j := testenv.Jaeger(t, v)
				e := openExporter(t, route.url(j))
				test(t, j, route, func(spans []sdktrace.ReadOnlySpan) {
					t.Helper()
					for part := range inParts(spans, route) {
						if err := e.ExportSpans(t.Context(), part); err != nil {
							t.Fatal(err)
						}
						if route.udp {
							j.AwaitDatagrams()
						}
					}
				})
			})
		}
	}
}

// inParts divides spans into parts that the buffer of a UDP socket has room for, however
// busy the server is. By other routes, all spans are one part.
func inParts(spans []sdktrace.ReadOnlySpan, route jaegerRoute) iter.Seq[[]sdktrace.ReadOnlySpan] {
	const most = 60_000 // of about 200,000
	return func(yield func([]sdktrace.ReadOnlySpan) bool) {
		begin, size := 0, 0
		for i, s := range spans {
			if size += sizeOf(s); route.udp && size > most {
				if !yield(spans[begin : i+1]) {
					return
				}
				begin, size = i+1, 0
			}
		}
		if begin < len(spans) {
			yield(spans[begin:])
		}
	}
}

// sizeOf estimates the number of bytes of a span.
func sizeOf(s sdktrace.ReadOnlySpan) int {
	size := 1000
	add := func(attributes []attribute.KeyValue) {
		for _, kv := range attributes {
			size += len(kv.Key) + len(kv.Value.String())
		}
	}
	add(s.Attributes())
	for _, e := range s.Events() {
		add(e.Attributes)
	}
	return size
}

func openExporter(t *testing.T, connectionString string) sdktrace.SpanExporter {
	t.Helper()
	e, err := exporter.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestJaegerHasRealTraces sends real traces of OpenStack to each version of Jaeger, by
// each route that the version supports, and reads them back by Jaeger's API. Each span
// equals the reader's span of the same notifications.
func TestJaegerHasRealTraces(t *testing.T) {
	files := openstackFiles(t)
	var table strings.Builder
	eachJaeger(t, func(t *testing.T, j *testenv.JaegerServer, route jaegerRoute, export func([]sdktrace.ReadOnlySpan)) {
		all, total := 0, jaegerCounts{}
		for _, file := range files {
			spans := freshSpans(t, file)
			export(spans)
			c := compareJaeger(t, j, route, spans)
			all += len(spans)
			total = jaegerCounts{total.tags + c.tags, total.cut + c.cut, total.failed + c.failed}
		}
		if total.cut > 0 != route.udp {
			t.Errorf("%d values were cut", total.cut)
		}
		fmt.Fprintf(&table, "%-42s %d traces, %d spans (%d failed): %d tags and log fields are equal, %d cut to fit\n",
			strings.TrimPrefix(t.Name(), "TestJaegerHasRealTraces/"), len(files), all, total.failed, total.tags, total.cut)
	})
	testenv.Table(t, "jaeger", table.String())
}

// openstackFiles returns the notifications of the real traces, a line each.
func openstackFiles(t *testing.T) (contents []string) {
	t.Helper()
	paths, err := filepath.Glob("../../reader/testdata/openstack/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(content))
	}
	if len(contents) < 9 {
		t.Fatalf("there are %d traces", len(contents))
	}
	return append(contents, capturedNotifications(t))
}

// freshSpans returns the spans that the reader makes of notifications. The trace gets a
// base id of its own, because tests share the servers.
func freshSpans(t *testing.T, content string) (spans []sdktrace.ReadOnlySpan) {
	t.Helper()
	line, _, _ := strings.Cut(content, "\n")
	n, err := osprofiler.ParseNotification(line)
	if err != nil {
		t.Fatal(err)
	}
	own := freshBaseID(t)
	path := filepath.Join(t.TempDir(), "trace.jsonl")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, n.BaseID, own)), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := reader.Open(t.Context(), "file://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for s, err := range r.Spans(t.Context(), own) {
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
	return spans
}

func freshBaseID(t *testing.T) string {
	t.Helper()
	var id osprofiler.UUID
	if _, err := rand.Read(id[:]); err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// capturedNotifications returns the notifications of the trace that was captured from
// RabbitMQ, a line each.
func capturedNotifications(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	for body := range strings.Lines(read(t, "testdata/openstack/18-keystone-messaging.amqp.jsonl")) {
		var message struct {
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal([]byte(body), &message); err != nil {
			t.Fatal(err)
		}
		lines.Write(message.Payload)
		lines.WriteByte('\n')
	}
	return lines.String()
}
