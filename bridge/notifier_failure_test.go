package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

func TestNotifierFlushAndShutdown(t *testing.T) {
	n, exporter := newNotifier(t)
	var all []osprofiler.Notification
	for i := range 1500 {
		start, _ := operation(i)
		all = append(all, start)
	}
	if err := n.Notify(t.Context(), all[:1400]...); err != nil {
		t.Fatal(err)
	}
	exporter.failing(errStore)
	if err := n.Flush(t.Context()); !errors.Is(err, errStore) {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Waiting != 1400 || stats.Spans != 0 {
		t.Errorf("%+v", stats)
	}
	exporter.working()
	if err := n.Flush(t.Context()); err != nil || len(exporter.all()) != 1400 {
		t.Error(err, len(exporter.all()))
	}
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Shutdown(canceled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := n.Notify(t.Context(), all[0]); !errors.Is(err, bridge.ErrNotifierShutdown) {
		t.Error(err)
	}
	if err := n.Flush(t.Context()); !errors.Is(err, bridge.ErrNotifierShutdown) {
		t.Error(err)
	}
	if err := n.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Incomplete != (bridge.Incomplete{Flush: 1400, Shutdown: 100}) || stats.Duplicates != 1400 || stats.Rejected != 1 {
		t.Errorf("%+v", stats)
	}
	if exporter.shutdown != 0 {
		t.Error("the exporter is its owner's to shut down")
	}
}

// Notifications that could not be exported can be notified again. Those that waited before
// wait again.
func TestNotifierFailedExport(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	another, _ := operation(2)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	exporter.failing(errStore)
	if err := n.Notify(t.Context(), another, stop); !errors.Is(err, errStore) || !strings.Contains(err.Error(), "1 span of notifications was not exported") {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Failed != 1 || stats.Waiting != 2 || stats.Spans != 0 || stats.FailedExports != 1 || stats.Remembered != 0 {
		t.Errorf("%+v", stats)
	}
	exporter.working()
	if err := n.Notify(t.Context(), another, stop); err != nil {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Spans != 1 || stats.Duplicates != 1 || stats.Waiting != 1 {
		t.Errorf("%+v", stats)
	}
}

// While nothing can be exported and no more halves may wait, Notify refuses new notifications
// and does not drop waiting ones.
func TestNotifierFullAndFailing(t *testing.T) {
	n, exporter := newNotifier(t, bridge.WithMaxWaiting(10))
	var all []osprofiler.Notification
	for i := range 30 {
		start, stop := operation(i)
		all = append(all, start, stop)
	}
	for i := range 10 {
		if err := n.Notify(t.Context(), all[2*i]); err != nil {
			t.Fatal(err)
		}
	}
	exporter.failing(errStore)
	for i := 10; i < 30; i++ {
		if err := n.Notify(t.Context(), all[2*i]); !errors.Is(err, errStore) {
			t.Fatal(err)
		}
	}
	if err := n.Notify(t.Context(), all[20:]...); !errors.Is(err, errStore) {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Waiting != 10 {
		t.Errorf("%+v", stats)
	}
	exporter.working()
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Spans != 30 || stats.Incomplete.Total() != 0 {
		t.Errorf("%+v", stats)
	}
}
