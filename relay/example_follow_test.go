package relay_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A relay follows a file. It keeps in a directory how far the file was read, and which halves
// of operations wait for the other half.
func ExampleFollow() {
	dir, err := os.MkdirTemp("", "osprofiler-example-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	from, err := store.Open(ctx, "file://"+filepath.Join(dir, "traces.jsonl"))
	if err != nil {
		log.Fatal(err)
	}
	defer from.Close()
	if err := from.Write(ctx, operations(1, 3)); err != nil {
		log.Fatal(err)
	}
	state, err := relay.OpenState(filepath.Join(dir, "state"))
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()

	target := relay.ToExporter(stopAfter{3, stop}, relay.WithTargetName("the example"))
	defer target.Close()
	source := relay.FromFeed(from, "", nil)
	defer source.Close()
	stats, err := relay.Follow(ctx, []relay.Source{source}, []relay.Target{target}, relay.WithState(state))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d notifications, %d spans\n", stats.Sources[0].Read, stats.Targets[0].Spans)
	// Output: 6 notifications, 3 spans
}

// stopAfter is an exporter that stops the relay after a number of spans.
type stopAfter struct {
	spans int
	stop  func()
}

func (e stopAfter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) >= e.spans {
		e.stop()
	}
	return nil
}

func (stopAfter) Shutdown(context.Context) error { return nil }
