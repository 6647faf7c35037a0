package bridge_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// A heldExporter is an exporter whose first export has the outcome that the test
// sends. Its other exports are those of a collector.
type heldExporter struct {
	collector
	first   sync.Once
	outcome chan func() error
}

func (h *heldExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	var err error
	h.first.Do(func() { err = (<-h.outcome)() })
	if err != nil {
		return err
	}
	return h.collector.ExportSpans(ctx, spans)
}

// While one call exports notifications, another call with the same ones waits for the outcome.
// As always, nil means that each notification is in a span.
func TestNotifierDuplicateWhileExporting(t *testing.T) {
	start, stop := operation(1)
	forgetful := []bridge.NotifierOption{bridge.WithDuplicateWindow(1, time.Nanosecond)}
	for name, c := range map[string]struct {
		outcome    func() error
		mine       []osprofiler.Notification
		duplicates int64
		options    []bridge.NotifierOption
	}{
		"exported":               {func() error { return nil }, []osprofiler.Notification{start, stop}, 2, nil},
		"exported and forgotten": {func() error { return nil }, []osprofiler.Notification{start, stop}, 2, forgetful},
		"failed":                 {func() error { return errStore }, []osprofiler.Notification{start, stop}, 1, nil}, // the start waits again
		"failed, backward":       {func() error { return errStore }, []osprofiler.Notification{stop, start}, 1, nil},
		"failed, the stop":       {func() error { return errStore }, []osprofiler.Notification{stop}, 0, nil},
		"panicked":               {func() error { panic(errStore) }, []osprofiler.Notification{start, stop}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exporter := &heldExporter{outcome: make(chan func() error)}
				n := bridge.NewNotifier(exporter, c.options...)
				theirs, mine := make(chan error, 1), make(chan error, 1)
				go func() {
					defer func() { _ = recover() }() // as an HTTP server does
					theirs <- n.Notify(t.Context(), start, stop)
				}()
				synctest.Wait()
				go func() { mine <- n.Notify(t.Context(), c.mine...) }()
				synctest.Wait()
				if len(mine) != 0 {
					t.Error("it returned before the outcome was known")
				}
				exporter.outcome <- c.outcome
				synctest.Wait()
				if err := <-mine; err != nil {
					t.Error(err)
				}
				if got := n.Stats(); got.Spans != 1 || got.Waiting != 0 || got.Duplicates != c.duplicates {
					t.Errorf("%+v", got)
				}
				if err := n.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				checkStats(t, n.Stats())
				if err := sameNotifications(exporter.notifications(), []osprofiler.Notification{start, stop}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The wait for another call's outcome ends with the context, and a failed export of the call
// itself leaves nothing behind.
func TestNotifierDuplicateWhileExportingErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter := &heldExporter{outcome: make(chan func() error)}
		n := bridge.NewNotifier(exporter)
		start, stop := operation(1)
		theirs, mine := make(chan error, 1), make(chan error, 1)
		go func() { theirs <- n.Notify(t.Context(), start, stop) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := n.Notify(ctx, start, stop)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 notifications") {
			t.Error(err)
		}
		if got := n.Stats(); got.Rejected != 2 || got.Duplicates != 0 {
			t.Errorf("%+v", got)
		}
		go func() { mine <- n.Notify(t.Context(), stop, start) }()
		synctest.Wait()
		exporter.failing(errStore)
		exporter.outcome <- func() error { return errStore }
		if err := errors.Join(<-theirs, <-mine); strings.Count(err.Error(), errStore.Error()) != 2 {
			t.Error(err)
		}
		exporter.working()
		if err := errors.Join(n.Notify(t.Context(), start, stop, start), n.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		checkStats(t, n.Stats())
		if got := n.Stats(); got.Spans != 1 || got.Incomplete.Total() != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// slow is an exporter with a delay.
type slow struct{ *collector }

func (s slow) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	time.Sleep(200 * time.Microsecond)
	return s.collector.ExportSpans(ctx, spans)
}

// Many calls bring the same notifications at once, in different orders, to an exporter that
// sometimes fails, and nobody retries. The calls end, and all notifications that one of them
// took are in the spans, once.
func TestNotifierManyBringTheSame(t *testing.T) {
	const operations, goroutines = 500, 8
	var all []osprofiler.Notification
	for i := range operations {
		start, stop := operation(i)
		all = append(all, start, stop)
	}
	all = shuffled(all, 1)
	exporter := &collector{}
	var exports atomic.Int64
	exporter.fail = func(int) error {
		if exports.Add(1)%2 == 0 {
			return errStore
		}
		return nil
	}
	n := bridge.NewNotifier(slow{exporter}, bridge.WithConcurrentExports(goroutines))
	var mu sync.Mutex
	taken := map[string]bool{}
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for from := 0; from < len(all); from += 20 {
				mine := shuffled(all[from:from+20], uint64(g))
				if n.Notify(t.Context(), mine...) != nil {
					continue
				}
				mu.Lock()
				for _, one := range mine {
					taken[one.JSON()] = true
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	checkStats(t, n.Stats())
	exporter.working()
	if err := n.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, one := range exporter.notifications() {
		times[one.JSON()]++
	}
	for _, one := range all {
		if text := one.JSON(); times[text] > 1 || taken[text] && times[text] == 0 {
			t.Errorf("exported %d times, taken: %v: %s", times[text], taken[text], text)
		}
	}
	if len(taken) == 0 || n.Stats().FailedExports == 0 {
		t.Errorf("%d were taken: %+v", len(taken), n.Stats())
	}
}
