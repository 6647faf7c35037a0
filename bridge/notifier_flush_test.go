package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge"
)

// Another call may be exporting the halves that waited when Flush was called. Flush returns
// when the outcome of that export is known. It returns an error if the export failed.
func TestFlushWaitsForOtherCalls(t *testing.T) {
	for name, c := range map[string]struct {
		outcome error
		panics  bool
		want    string // the error of Flush
	}{
		"exported": {nil, false, ""},
		"failed":   {errStore, false, "1 notification waits again"},
		"panicked": {errStore, true, "1 notification waits again"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exporter := &heldExporter{outcome: make(chan func() error)}
				n := bridge.NewNotifier(exporter, bridge.WithConcurrentExports(2))
				start, stop := operation(1)
				if err := n.Notify(t.Context(), start); err != nil {
					t.Fatal(err)
				}
				theirs, flushed := make(chan struct{}), make(chan error, 1)
				go func() {
					defer close(theirs)
					defer func() { _ = recover() }() // as an HTTP server does
					_ = n.Notify(t.Context(), stop)
				}()
				synctest.Wait() // both halves are in the exporter
				go func() { flushed <- n.Flush(t.Context()) }()
				synctest.Wait()
				if len(flushed) != 0 {
					t.Error("Flush returned while the start is under way")
				}
				exporter.outcome <- func() error {
					if c.panics {
						panic(c.outcome)
					}
					return c.outcome
				}
				<-theirs
				if err := <-flushed; c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("Flush returned %v, want %q", err, c.want)
				}
				if err := n.Flush(t.Context()); err != nil {
					t.Error(err)
				}
				if got := n.Stats(); got.Waiting != 0 || got.Spans != 1 {
					t.Errorf("%+v", got)
				}
				if err := n.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				checkStats(t, n.Stats())
			})
		})
	}
}

func TestFlushOfOtherCallsEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter := &heldExporter{outcome: make(chan func() error)}
		n := bridge.NewNotifier(exporter)
		start, stop := operation(1)
		if err := n.Notify(t.Context(), start); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- n.Notify(t.Context(), stop) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 notification:") {
			t.Error(err)
		}
		exporter.outcome <- func() error { return nil }
		if err := errors.Join(<-done, n.Flush(t.Context()), n.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
