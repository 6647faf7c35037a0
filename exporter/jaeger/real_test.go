package jaeger

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Each version of Jaeger answers Ping, which leaves nothing behind. The tests in
// internal/interop compare the spans that each version shows.
func TestPing(t *testing.T) {
	for _, v := range testenv.JaegerVersions {
		j := testenv.Jaeger(t, v)
		if err := open(t, "jaeger+http://"+j.Thrift).Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", v, err)
		}
		if j.Compact != "" {
			e := open(t, "jaeger://"+j.Compact)
			if err := e.Ping(t.Context()); err != nil {
				t.Errorf("%s by UDP: %v", v, err)
			}
			send(t, e, j, byte(len(j.Compact)))
		}
		if slices.Contains(j.Services(), "osp-check") {
			t.Errorf("%s: Ping leaves a service behind", v)
		}
	}
}

// send sends a span, and waits until Jaeger has it.
func send(t *testing.T, e *Exporter, j *testenv.JaegerServer, first byte) {
	t.Helper()
	s := convert.Span{Name: "x", StartTime: start, EndTime: start, SpanContext: contextOf(first)}
	if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{s.Snapshot()}); err != nil {
		t.Fatal(err)
	}
	j.AwaitTrace(traceID.String(), 1)
}

// A Jaeger that crashes and comes back while the exporter tries gets all spans.
func TestRestart(t *testing.T) {
	s := testenv.StartJaeger(t, testenv.JaegerAllInOne176)
	j := s.Jaeger()
	failing := make(chan error, 1)
	e := open(t, "jaeger+http://"+j.Thrift, WithRetry(store.Retry{Max: 100 * time.Millisecond, Elapsed: 5 * time.Minute, Failed: func(err error) {
		select {
		case failing <- err:
		default:
		}
	}}))
	send(t, e, j, 1)
	s.Kill()
	done := make(chan error, 1)
	go func() { done <- e.ExportSpans(context.Background(), manySpans(100, 100)) }()
	if err := <-failing; !store.IsTransient(err) {
		t.Errorf("%v is not transient", err)
	}
	s.Restart()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := len(j.AwaitTrace(traceID.String(), 100).Spans); got != 100 {
		t.Errorf("Jaeger has %d spans", got)
	}
}

// If the connection string has a port of Jaeger that does not accept thrift, the error says
// which port does.
func TestWrongPort(t *testing.T) {
	j := testenv.Jaeger(t, testenv.JaegerAllInOne176)
	for _, address := range []string{j.OTLPHTTP, j.OTLPGRPC, j.Query} {
		err := open(t, "jaeger+http://"+address, once).ExportSpans(t.Context(), manySpans(2, 10))
		var failure *exporter.SinkError
		if !errors.As(err, &failure) || len(failure.Missing) != 2 || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
		t.Log(err)
	}
}
