package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

func TestNotifierBounds(t *testing.T) {
	starts := func(count int) (all []osprofiler.Notification) {
		for i := range count {
			start, _ := operation(i)
			all = append(all, start)
		}
		return all
	}
	one := func() int64 { // the memory of one
		n, _ := newNotifier(t)
		if err := n.Notify(t.Context(), starts(11)[10]); err != nil {
			t.Fatal(err)
		}
		return n.Stats().WaitingBytes
	}()
	same := starts(1)[0]
	for name, c := range map[string]struct {
		options []bridge.NotifierOption
		all     []osprofiler.Notification
		waiting int64
		want    bridge.Incomplete
	}{
		"none":  {nil, starts(40), 40, bridge.Incomplete{}},
		"count": {[]bridge.NotifierOption{bridge.WithMaxWaiting(25)}, starts(40), 25, bridge.Incomplete{Count: 15}},
		"bytes": {[]bridge.NotifierOption{bridge.WithMaxBytes(25 * one)}, starts(60)[10:50], 25, bridge.Incomplete{Bytes: 15}},
		"alone": {[]bridge.NotifierOption{bridge.WithMaxBytes(one - 1)}, starts(15)[10:], 0, bridge.Incomplete{Bytes: 5}},
		"one id": {nil, func() (all []osprofiler.Notification) {
			for i := range 40 {
				same.Timestamp = fmt.Sprintf("2024-05-06T07:00:00.%06d", i)
				all = append(all, same)
			}
			return all
		}(), 32, bridge.Incomplete{SameID: 8}},
	} {
		t.Run(name, func(t *testing.T) {
			n, exporter := newNotifier(t, c.options...)
			for _, s := range c.all {
				if err := n.Notify(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if stats := n.Stats(); stats.Incomplete != c.want || stats.Waiting != c.waiting {
				t.Errorf("%+v", stats)
			}
			for i, s := range exporter.all() { // the oldest was exported first
				if got := convert.New().Append(nil, convert.Both, s); len(got) != 1 || !got[0].Equal(c.all[i]) {
					t.Fatalf("%d: %v", i, got)
				}
				if missing := s.Attributes()[len(s.Attributes())-1]; missing.Key != convert.MissingKey || missing.Value.AsString() != "stop" {
					t.Fatal(s.Attributes())
				}
			}
		})
	}
}

func TestNotifierAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, exporter := newNotifier(t, bridge.WithMaxAge(time.Minute))
		old, _ := operation(1)
		young, stop := operation(2)
		if err := n.Notify(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if err := n.Notify(t.Context(), young); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Second)
		if got := len(exporter.all()); got != 0 {
			t.Error("too early:", got)
		}
		time.Sleep(2 * time.Second)
		if got := exporter.notifications(); len(got) != 1 || !got[0].Equal(old) {
			t.Error(got)
		}
		if err := n.Notify(t.Context(), stop); err != nil {
			t.Fatal(err)
		}
		if stats := n.Stats(); stats.Incomplete != (bridge.Incomplete{Age: 1}) || stats.Spans != 2 || stats.Waiting != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// If the export of halves that have waited too long fails, OTel's error handler gets the
// error, and the halves wait again.
func TestNotifierAgeWithoutExporter(t *testing.T) {
	errs := handled(t)
	n, exporter := newNotifier(t, bridge.WithMaxAge(20*time.Millisecond))
	exporter.failing(errStore)
	start, _ := operation(1)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	if err := <-errs; !errors.Is(err, errStore) {
		t.Error(err)
	}
	exporter.working()
	for n.Stats().Spans == 0 {
		time.Sleep(time.Millisecond)
	}
	if stats := n.Stats(); stats.Incomplete.Age != 1 || stats.FailedExports == 0 {
		t.Errorf("%+v", stats)
	}
}

// A call waits no longer than its context allows, neither for the exporter nor for another
// call's export.
func TestNotifierContext(t *testing.T) { synctest.Test(t, testNotifierContext) }

func testNotifierContext(t *testing.T) {
	inside := make(chan struct{})
	n := bridge.NewNotifier(blocked{inside})
	notify := func(ctx context.Context, i int) error {
		start, stop := operation(i)
		return n.Notify(ctx, start, stop)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan error)
	go func() { first <- notify(ctx, 1) }()
	<-inside
	short, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := notify(short, 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	half, _ := operation(3)
	if err := n.Notify(t.Context(), half); err != nil {
		t.Error("what completes nothing should not wait:", err)
	}
	if err := n.Flush(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := n.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	cancel(errStore)
	if err := <-first; !errors.Is(err, errStore) {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Failed != 2 || stats.Waiting != 3 || stats.Remembered != 0 {
		t.Errorf("%+v", stats)
	}
	go func() { <-inside }()
	short, stop = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if err := n.Shutdown(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	checkStats(t, n.Stats())
}

// Halves that are being exported keep their reservation. If they hold all the room, a call
// waits until some is free, or until its context is done.
func TestNotifierNoRoomLeft(t *testing.T) { synctest.Test(t, testNotifierNoRoomLeft) }

func testNotifierNoRoomLeft(t *testing.T) {
	inside := make(chan struct{})
	n := bridge.NewNotifier(blocked{inside}, bridge.WithMaxWaiting(1))
	start, stop := operation(1)
	another, _ := operation(2)
	if err := n.Notify(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	first := make(chan error)
	go func() { first <- n.Notify(ctx, stop) }()
	<-inside
	short, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if err := n.Notify(short, another); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
	cancel(errStore)
	if err := <-first; !errors.Is(err, errStore) {
		t.Error(err)
	}
	if stats := n.Stats(); stats.Waiting != 1 || stats.Rejected != 1 || stats.Failed != 1 {
		t.Errorf("%+v", stats)
	}
	go func() { <-inside }()
	ended, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if err := n.Shutdown(ended); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	checkStats(t, n.Stats())
}

// blocked is an exporter that never returns.
type blocked struct{ inside chan struct{} }

func (b blocked) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	b.inside <- struct{}{}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (blocked) Shutdown(context.Context) error { return nil }
