package otlpreceiver_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

// spansOf makes spans of the notifications that a target has.
func spansOf(t testing.TB, notifications []osprofiler.Notification) (spans []sdktrace.ReadOnlySpan) {
	t.Helper()
	if len(notifications)%2 != 0 {
		t.Fatalf("%d notifications", len(notifications))
	}
	for i := 0; i < len(notifications); i += 2 {
		start, err := osprofiler.ParseNotification(notifications[i].JSON())
		if err != nil {
			t.Fatal(err)
		}
		stop, err := osprofiler.ParseNotification(notifications[i+1].JSON())
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, convert.SpanOf(&start, &stop))
	}
	return spans
}

// The exporters of the Go SDK send spans, and the receiver yields them unchanged.
func TestGoClients(t *testing.T) {
	for name, c := range map[string]struct {
		url    string
		client func(address string) otlptrace.Client
	}{
		"grpc": {freeGRPC + "?osp_token=secret", func(address string) otlptrace.Client {
			return otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"),
				otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer secret"}))
		}},
		"http": {free + "?osp_token=secret", func(address string) otlptrace.Client {
			return otlptracehttp.NewClient(otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure(), otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
				otlptracehttp.WithHeaders(map[string]string{"Authorization": "Bearer secret"}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, c.url)
			to := (&target{}).drain(t, r)
			exporter, err := otlptrace.New(t.Context(), c.client(r.Addr().String()))
			if err != nil {
				t.Fatal(err)
			}
			recorder := tracetest.NewSpanRecorder()
			provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSpanProcessor(recorder),
				sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "go"))))
			ctx, parent := provider.Tracer("test", trace.WithInstrumentationVersion("1")).Start(t.Context(), "parent", trace.WithSpanKind(trace.SpanKindServer))
			_, child := provider.Tracer("test").Start(ctx, "child", trace.WithAttributes(attribute.StringSlice("list", []string{"a"})),
				trace.WithLinks(trace.Link{SpanContext: parent.SpanContext(), Attributes: []attribute.KeyValue{attribute.Bool("yes", true)}}))
			child.AddEvent("event", trace.WithAttributes(attribute.Float64("f", 1.5)))
			child.SetStatus(codes.Error, "failed")
			child.End()
			parent.End()
			if err := provider.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(otlppb.Encode(recorder.Ended()...), otlppb.Encode(spansOf(t, to.notifications())...), protocmp.Transform()); diff != "" {
				t.Errorf("the spans (-) and what the target has (+): %s", diff)
			}
		})
	}
}

// A client of the Go SDK repeats a request that was answered as unavailable. If the spans
// arrive a second time, they have the same ids.
func TestGoClientsRepeat(t *testing.T) {
	for name, c := range map[string]struct {
		url    string
		client func(address string) otlptrace.Client
	}{
		"grpc": {freeGRPC, func(address string) otlptrace.Client {
			return otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure(),
				otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: 5 * time.Minute}))
		}},
		"http": {free, func(address string) otlptrace.Client {
			return otlptracehttp.NewClient(otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure(),
				otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: 5 * time.Minute}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, c.url+"?osp_wait=200ms")
			exporter, err := otlptrace.New(t.Context(), c.client(r.Addr().String()))
			if err != nil {
				t.Fatal(err)
			}
			defer exporter.Shutdown(t.Context())
			spans := tracetest.SpanStubs{{Name: "again", StartTime: time.Unix(1, 0), EndTime: time.Unix(2, 0), SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
			})}}.Snapshots()
			exported := make(chan error, 1)
			go func() { exported <- exporter.ExportSpans(t.Context(), spans) }()
			eventually(t, "an answer that asks for a repetition", func() bool { return r.Stats().Retried > 0 })
			to := (&target{}).drain(t, r)
			if err := <-exported; err != nil {
				t.Fatal(err)
			}
			if got := to.different(); got != "again-start again-stop" {
				t.Errorf("the target has %s", got)
			}
		})
	}
}

// The middleware of OpenStack and OpenTelemetry's SDK for Python, both unmodified, can send
// spans.
func TestPythonClients(t *testing.T) {
	python := testenv.NewPython(t)
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, "otlp+"+protocol+"://127.0.0.1:0")
			to := (&target{}).drain(t, r)
			output := runPython(t, python, r, protocol)
			spans := spansOf(t, to.notifications())
			lines := []string{}
			byName := map[string]sdktrace.ReadOnlySpan{}
			for _, s := range spans {
				lines = append([]string{s.SpanContext().TraceID().String() + " " + s.SpanContext().SpanID().String() + " " + s.Name()}, lines...)
				byName[s.Name()] = s
			}
			if diff := cmp.Diff(output, lines); diff != "" {
				t.Fatalf("Python's spans (-) and those of the target (+): %s", diff)
			}
			checkPythonSpans(t, byName["HTTP GET /v2/images"], byName["SELECT glance"])
			if got := to.operations(); got != "db-start db-stop wsgi-start wsgi-stop" {
				t.Errorf("the target has %s", got)
			}
		})
	}
}

// runPython runs testdata/native.py and returns the lines of its output.
func runPython(t *testing.T, python string, r *otlpreceiver.Receiver, protocol string) []string {
	t.Helper()
	_, port, err := net.SplitHostPort(r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/native.py", protocol, port)
	stderr := &strings.Builder{}
	cmd.Stderr = stderr
	output, err := cmd.Output()
	if strings.Contains(stderr.String(), "ModuleNotFoundError") {
		testenv.Missing(t, "run scripts/setup.sh: ", stderr)
	}
	if err != nil {
		t.Fatal(err, stderr)
	}
	return strings.Split(strings.TrimSpace(string(output)), "\n")
}

func checkPythonSpans(t *testing.T, wsgi, db sdktrace.ReadOnlySpan) {
	t.Helper()
	want := map[attribute.Key]string{
		"http.method": "GET", "openstack.request_id": "req-7c9e6679-7425-40de-944b-e07fc1f90ae7",
		"openstack.global_request_id": "req-0f8fad5b-d9cb-469f-a165-70867728950e",
		"openstack.project_id":        "a-project", "openstack.user_id": "a-user", "openstack.domain_id": "a-domain",
	}
	for _, kv := range wsgi.Attributes() {
		if kv.Value.AsString() == want[kv.Key] {
			delete(want, kv.Key)
		}
	}
	service, _ := wsgi.Resource().Set().Value("service.name")
	if len(want) > 0 || wsgi.SpanKind() != trace.SpanKindServer || service.AsString() != "glance-api" ||
		wsgi.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || wsgi.Parent().SpanID().String() != "b7ad6b7169203331" || !wsgi.Parent().IsRemote() {
		t.Errorf("the span of the middleware: %+v, without %v", wsgi, want)
	}
	if db.Parent().SpanID() != wsgi.SpanContext().SpanID() || db.Parent().IsRemote() || db.Status().Code != codes.Error || db.Status().Description != "broken" ||
		len(db.Events()) != 1 || db.Events()[0].Name != "exception" || db.InstrumentationScope().Version != "1.0" {
		t.Errorf("the span in it: %+v", db)
	}
}
