package live_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/exporter/live"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite" // sqlite://
	"github.com/osprofiler-otel/osprofiler/store"
)

// The samples of docs/live.md are copies of code in this file:
// TestSamplesOfTheDocs compares them.

// temporary returns a folder for an example, and a function that removes the
// folder.
func temporary() (folder string, remove func()) {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }
}

// show prints the notifications in a store, the traces in any order.
func show(connectionString string) {
	ctx := context.Background()
	s, err := store.Open(ctx, connectionString, store.WithReadOnly())
	if err != nil {
		log.Print(err)
		return
	}
	defer s.Close()
	for trace, err := range s.Traces(ctx, store.Query{}) {
		if err != nil {
			log.Print(err)
			return
		}
		for n, err := range s.Notifications(ctx, trace.BaseID) {
			if err != nil {
				log.Print(err)
				return
			}
			fmt.Println(n.Project, n.Service, n.Name)
		}
	}
}

// An operation that hangs is in the store while it hangs.
func ExampleOpen() {
	folder, remove := temporary()
	defer remove()
	connectionString := "sqlite:///" + filepath.Join(folder, "traces.db")
	ctx := context.Background()

	processor, err := live.Open(ctx, connectionString,
		live.WithProject("nova"), live.WithService("compute"))
	if err != nil {
		log.Print(err)
		return
	}
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(processor))

	ctx, boot := provider.Tracer("example").Start(ctx, "boot")
	_, network := provider.Tracer("example").Start(ctx, "wait-for-network")
	if err := provider.ForceFlush(ctx); err != nil { // else it takes about 100 ms
		log.Print(err)
	}
	show(connectionString)

	network.End()
	boot.End()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := provider.Shutdown(ctx); err != nil { // writes what is left and closes the store
		log.Print(err)
	}
	// Output:
	// nova compute boot-start
	// nova compute wait-for-network-start
}

// Stats counts the lost notifications.
func ExampleProcessor_Stats() {
	s := store.New(&scripted{write: failing(1, errors.New("the disk is full"))})
	processor := live.New(s)
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(processor))
	ctx := context.Background()
	for range 3 {
		_, span := provider.Tracer("example").Start(ctx, "op")
		span.End()
		_ = provider.ForceFlush(ctx)
	}

	stats := processor.Stats()
	lost := stats.Stops.Dropped + stats.Stops.Failed
	fmt.Println("spans:", stats.Stops.Seen, "lost:", lost)

	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = provider.Shutdown(ctx)
	// Output: spans: 3 lost: 1
}

// OTel's error handler receives summaries of the losses, too.
func ExampleLossError() {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		var loss *live.LossError
		if errors.As(err, &loss) {
			fmt.Println("spans lost:", loss.DroppedStops+loss.FailedStops)
		}
		fmt.Println(err)
	}))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Print(err) }))

	s := store.New(&scripted{write: failing(1, errors.New("the disk is full"))})
	processor := live.New(s)
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(processor))
	ctx := context.Background()
	_, span := provider.Tracer("example").Start(ctx, "op")
	span.End()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = provider.Shutdown(ctx)
	// Output:
	// spans lost: 1
	// live spans: 1 starts and 1 stops may not be stored: the disk is full; 2 of 2 notifications may not be stored (the queue holds 8192 notifications, 16777216 bytes)
}
