package bridge_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// The lines of docs/notify.md and docs/propagation.md are repeated here word for word. Package
// doctest checks that.

// batches yields an operation in two batches, each with the cursor that follows it.
func batches() iter.Seq2[[]osprofiler.Notification, string] {
	return func(yield func([]osprofiler.Notification, string) bool) {
		for i, line := range []string{
			`{"name": "boot-start", "base_id": "b", "trace_id": "t", "parent_id": "b", "timestamp": "2024-05-06T07:08:09.000000", "info": {}, "project": "nova", "service": "api"}`,
			`{"name": "boot-stop", "base_id": "b", "trace_id": "t", "parent_id": "b", "timestamp": "2024-05-06T07:08:10.000000", "info": {}, "project": "nova", "service": "api"}`,
		} {
			n, err := osprofiler.ParseNotification(line)
			if err != nil || !yield([]osprofiler.Notification{n}, fmt.Sprint("cursor ", i+1)) {
				return
			}
		}
	}
}

// A program stores a cursor when no notification before the cursor is waiting in memory.
func ExampleNotifier_FinishedInput_checkpoints() {
	ctx := context.Background()
	notifier := bridge.NewNotifier(tracetest.NewInMemoryExporter())
	source := batches()
	store := func(cursor string) { fmt.Println("stored:", cursor) }

	type checkpoint struct {
		cursor string
		input  uint64
	}
	var checkpoints []checkpoint

	for batch, cursor := range source { // the cursor that follows the batch
		for notifier.Notify(ctx, batch...) != nil { // all of it again
			time.Sleep(time.Second)
		}
		checkpoints = append(checkpoints, checkpoint{cursor, notifier.LastInput()})
		for len(checkpoints) > 0 && checkpoints[0].input <= notifier.FinishedInput() {
			store(checkpoints[0].cursor)
			checkpoints = checkpoints[1:]
		}
	}
	_ = notifier.Shutdown(ctx)
	// Output:
	// stored: cursor 1
	// stored: cursor 2
}

// A service without OpenTelemetry's instrumentation uses the middleware of this package.
func ExampleWithProfiler() {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(bridge.NewSampler(nil)))
	keys := bridge.NewKeys("a key")
	server, mux := new(http.Server), http.NewServeMux()

	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(keys))
	server.Handler = bridge.NewHandler(mux, bridge.WithProfiler(profiler))
	client := &http.Client{Transport: bridge.NewTransport(nil, bridge.WithProfiler(profiler))}

	fmt.Println(server.Handler != nil, client.Transport != nil)
	// Output: true true
}
