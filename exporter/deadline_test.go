package exporter_test

import (
	"context"
	"errors"
	"net"
	"regexp"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A store that is down, and one that takes connections and gives no answer. The
// servers of three kinds behave the same, because none of them gets to answer. The
// errors are those of docs/connection-strings.md.
func TestErrorsAfterADeadlineKeepTheirCause(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nobody.Close() })
	silent := nobody.Addr().String()
	for _, prefix := range []string{"redis://", "redis://:pw@", "redissentinel://", "mysql://u:p@", "postgresql://u:p@"} {
		down := prefix + "127.0.0.1:1/0"
		hangs := prefix + silent + "/0"
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			const count = `; 2 of 2 notifications may not be stored$`
			checkExport(t, down, `127\.0\.0\.1:1.*connection refused; gave up after [0-9.]+ m?s`+count)
			checkExport(t, hangs, regexp.QuoteMeta(silent)+` did not answer within [0-9.]+ m?s`+count)
			checkRead(t, hangs, regexp.QuoteMeta(silent)+` did not answer within [0-9.]+ m?s$`)
			checkLive(t, down, `127\.0\.0\.1:1.*connection refused; gave up after [0-9.]+ m?s; 2 notifications may not be stored$`)
			checkLive(t, hangs, regexp.QuoteMeta(silent)+` has not answered for [0-9.]+ m?s; gave up after .*; 2 notifications may not be stored$`)
		})
	}
}

// checkError checks the text of an error of a call whose context had a deadline.
func checkError(t *testing.T, what string, err error, text string) {
	t.Helper()
	if !errors.Is(err, context.DeadlineExceeded) || !regexp.MustCompile(text).MatchString(err.Error()) {
		t.Errorf("%s: %v; want an error that matches %s", what, err, text)
	}
}

// checkExport exports a span by the SDK's batch processor, whose ForceFlush has a
// deadline, and then by the exporter itself.
func checkExport(t *testing.T, connectionString, text string) {
	t.Helper()
	exp, err := exporter.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exp, sdktrace.WithBatchTimeout(time.Hour)))
	_, span := provider.Tracer("").Start(t.Context(), "op")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	// A busy machine may make the SDK see its own deadline first. It may wrap it.
	if err := provider.ForceFlush(ctx); err == nil || err.Error() != context.DeadlineExceeded.Error() {
		checkError(t, "ForceFlush", err, text)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	checkError(t, "ExportSpans", exp.ExportSpans(ctx, spans(1)), text)
	_ = provider.Shutdown(t.Context())
}

func checkRead(t *testing.T, connectionString, text string) {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, err := range s.Notifications(ctx, "id") {
		checkError(t, "Notifications", err, text)
	}
	checkError(t, "Ping", pingWithin(t, s), text)
}

func pingWithin(t *testing.T, s *store.Store) error {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	return s.Ping(ctx)
}

func checkLive(t *testing.T, connectionString, text string) {
	t.Helper()
	processor, err := live.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	_, span := provider.Tracer("").Start(t.Context(), "op")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	checkError(t, "Shutdown of the live processor", provider.Shutdown(ctx), text)
}
