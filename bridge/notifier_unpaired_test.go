package bridge_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

func halvesOf(id string) (start, stop osprofiler.Notification) {
	start = osprofiler.Notification{
		Name: "work-start", BaseID: "11111111-2222-4333-8444-555555555555", TraceID: id,
		ParentID: "11111111-2222-4333-8444-555555555555", Timestamp: "2026-03-01T12:00:00.000000", Info: `{"host": "h"}`,
	}
	stop = start
	stop.Name, stop.Timestamp = "work-stop", "2026-03-01T12:00:01.000000"
	return start, stop
}

func TestWaitingYieldsWhatIsNew(t *testing.T) {
	var released []uint64
	exporter := &collector{}
	n := bridge.NewNotifier(exporter, bridge.WithReleased(func(number uint64) { released = append(released, number) }))
	defer n.Shutdown(t.Context())
	notify := func(all ...osprofiler.Notification) error { return n.Notify(t.Context(), all...) }
	start1, stop1 := halvesOf("00000000-0000-4000-8000-000000000001")
	start2, stop2 := halvesOf("00000000-0000-4000-8000-000000000002")
	start3, stop3 := halvesOf("00000000-0000-4000-8000-000000000003")
	if err := notify(start1, start2, start3, stop3); err != nil {
		t.Fatal(err)
	}
	last, halves := n.Waiting(0)
	first := maps.Collect(halves)
	if len(first) != 2 || len(released) != 1 {
		t.Fatalf("%d halves wait, %d were released", len(first), len(released))
	}
	if err := notify(stop2); err != nil {
		t.Fatal(err)
	}
	if _, halves = n.Waiting(last); len(maps.Collect(halves)) != 0 {
		t.Errorf("new halves are %v", maps.Collect(halves))
	}
	if number := released[len(released)-1]; len(released) != 2 || first[number].TraceID != start2.TraceID {
		t.Errorf("released were %d: %v", released, first)
	}
	exporter.failing(errors.New("no"))
	if err := notify(stop1); err == nil {
		t.Error("the export did not fail")
	}
	_, halves = n.Waiting(last)
	if waiting := slices.Collect(maps.Keys(maps.Collect(halves))); len(waiting) != 1 || first[waiting[0]].TraceID != start1.TraceID {
		t.Errorf("after a failed export the halves %v wait, of %v", waiting, first)
	}
}

func TestExportOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter := &collector{}
		n := bridge.NewNotifier(exporter, bridge.WithMaxAge(24*time.Hour))
		start1, _ := halvesOf("00000000-0000-4000-8000-000000000001")
		start2, _ := halvesOf("00000000-0000-4000-8000-000000000002")
		for _, start := range []osprofiler.Notification{start1, start2} {
			if err := n.Notify(t.Context(), start); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if err := n.ExportOlder(t.Context(), 15*time.Second); err != nil {
			t.Fatal(err)
		}
		if len(exporter.spans) != 1 || n.Stats().Waiting != 1 || n.Stats().Incomplete.Age != 1 {
			t.Errorf("%d spans, %+v", len(exporter.spans), n.Stats())
		}
		if err := n.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := n.ExportOlder(t.Context(), 0); !errors.Is(err, bridge.ErrNotifierShutdown) {
			t.Errorf("after Shutdown: %v", err)
		}
	})
}
