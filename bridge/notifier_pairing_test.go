package bridge_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// Equal notifications count once, however they are written and whenever they come.
func TestNotifierDuplicates(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	rewritten, err := osprofiler.ParseNotification(`{"service":"api","project":"nova","info":` +
		`{"host":"host-\u0031","request":{"scheme":"http","method":"GET","query":"","path":"/1"}},"timestamp":"` + start.Timestamp + `","parent_id":"` +
		start.ParentID + `","trace_id":"` + start.TraceID + `","base_id":"` + start.BaseID + `","name":"wsgi-start"}`)
	if err != nil || !rewritten.Equal(start) {
		t.Fatal(err, rewritten.JSON())
	}
	odd, err := osprofiler.ParseNotification(strings.TrimSuffix(start.JSON(), "}") + `, "more": 1}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), start, rewritten, start, odd, odd, stop, stop, start, rewritten, odd); err != nil {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Duplicates != 7 || stats.Spans != 1 || stats.Waiting != 1 || stats.Remembered != 2 {
		t.Errorf("%+v", stats)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Notify(t.Context(), start, odd, stop); err != nil {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Duplicates != 10 || stats.Spans != 2 || stats.Waiting != 0 {
		t.Errorf("%+v", stats)
	}
	if err := sameNotifications(exporter.notifications(), []osprofiler.Notification{start, stop, odd}); err != nil {
		t.Error(err)
	}
}

// The memory of duplicates is bounded in number and in time.
func TestNotifierForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := newNotifier(t, bridge.WithDuplicateWindow(6400, time.Minute))
		for i := range 20_000 {
			start, stop := operation(i)
			if err := n.Notify(t.Context(), start, stop); err != nil {
				t.Fatal(err)
			}
			if remembered := n.Stats().Remembered; remembered > 6400 {
				t.Fatal(remembered, "are remembered")
			}
		}
		start, stop := operation(19_999)
		time.Sleep(29 * time.Second)
		if err := n.Notify(t.Context(), start, stop); err != nil || n.Stats().Duplicates != 2 {
			t.Errorf("%v %+v", err, n.Stats())
		}
		time.Sleep(32 * time.Second)
		if remembered := n.Stats().Remembered; remembered != 0 {
			t.Error(remembered, "are remembered")
		}
		if err := n.Notify(t.Context(), start, stop); err != nil || n.Stats().Spans != 20_001 {
			t.Errorf("%v %+v", err, n.Stats())
		}
	})
}

// Operations that share an id get their own halves. The remaining halves are paired, as in a
// trace that is read from a store.
func TestNotifierSharedID(t *testing.T) {
	n, exporter := newNotifier(t)
	start, stop := operation(1)
	named := func(n osprofiler.Notification, name string) osprofiler.Notification {
		n.Name = name
		return n
	}
	all := []osprofiler.Notification{
		start, named(start, "db-start"), named(start, "rpc-start"), named(stop, "db-stop"), named(stop, "x-stop"), stop,
	}
	if err := n.Notify(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
	if stats := n.Stats(); stats.Spans != 2 || stats.Waiting != 2 {
		t.Fatalf("%+v", stats)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := exporter.all()
	if len(spans) != 3 || spans[0].Name() != "db" || spans[1].Name() != "wsgi" || spans[2].Name() != "rpc" {
		t.Error(spans)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
	if incomplete := n.Stats().Incomplete.Total(); incomplete != 0 {
		t.Error(incomplete)
	}
}
