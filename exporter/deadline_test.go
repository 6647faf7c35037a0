package exporter_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/exporter/live"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// When the deadline ends a call, the error names the cause: the store is down, or
// the store accepts connections and does not answer. Three kinds of servers behave
// the same here, because none of them gets to answer. The expected errors are
// listed in docs/connection-strings.md.
func TestErrorsAfterADeadlineKeepTheirCause(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nobody.Close() })
	silent := nobody.Addr().String()
	// On a busy machine a short time may be over before the client connects.
	check := func(t *testing.T, how func(t *testing.T, connectionString string, d time.Duration) error, connectionString, text string) {
		t.Helper()
		testenv.Growing(t, 300*time.Millisecond, func(d time.Duration) error {
			err := how(t, connectionString, d)
			if !errors.Is(err, context.DeadlineExceeded) || !regexp.MustCompile(text).MatchString(err.Error()) {
				return fmt.Errorf("the error is %w; want one that matches %s", err, text)
			}
			return nil
		})
	}
	for _, prefix := range []string{"redis://", "redis://:pw@", "redissentinel://", "mysql://u:p@", "postgresql://u:p@"} {
		down := prefix + "127.0.0.1:1/0"
		hangs := prefix + silent + "/0"
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			const count = `; 2 of 2 notifications may not be stored$`
			check(t, export, down, `127\.0\.0\.1:1.*connection refused; gave up after [0-9.]+ m?s`+count)
			check(t, export, hangs, regexp.QuoteMeta(silent)+` did not answer within [0-9.]+ m?s`+count)
			check(t, read, hangs, regexp.QuoteMeta(silent)+` did not answer within [0-9.]+ m?s$`)
			check(t, ping, hangs, regexp.QuoteMeta(silent)+` did not answer within [0-9.]+ m?s$`)
			check(t, goLive, down, `127\.0\.0\.1:1.*connection refused; gave up after [0-9.]+ m?s; 2 notifications may not be stored$`)
			check(t, goLive, hangs, regexp.QuoteMeta(silent)+` has not answered for [0-9.]+ m?s; gave up after .*; 2 notifications may not be stored$`)
		})
	}
}

// export exports a span through the SDK's batch processor, whose ForceFlush has the
// deadline. If the SDK returns only its own error about the deadline, export exports
// the spans through the exporter itself, with the same deadline.
func export(t *testing.T, connectionString string, d time.Duration) error {
	t.Helper()
	exp, err := exporter.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exp, sdktrace.WithBatchTimeout(time.Hour)))
	defer func() { _ = provider.Shutdown(t.Context()) }()
	_, span := provider.Tracer("").Start(t.Context(), "op")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := provider.ForceFlush(ctx); err == nil || err.Error() != context.DeadlineExceeded.Error() {
		return err
	}
	ctx, cancel = context.WithTimeout(t.Context(), d)
	defer cancel()
	return exp.ExportSpans(ctx, spans(1))
}

func openForReading(t *testing.T, connectionString string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func read(t *testing.T, connectionString string, d time.Duration) (last error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for _, last = range openForReading(t, connectionString).Notifications(ctx, "id") {
	}
	return last
}

func ping(t *testing.T, connectionString string, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return openForReading(t, connectionString).Ping(ctx)
}

// goLive writes a span through a live processor and shuts the processor down.
func goLive(t *testing.T, connectionString string, d time.Duration) error {
	t.Helper()
	processor, err := live.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor))
	_, span := provider.Tracer("").Start(t.Context(), "op")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return provider.Shutdown(ctx)
}
