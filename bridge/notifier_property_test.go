package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// handled returns the errors that OTel's error handler gets.
func handled(t *testing.T) <-chan error {
	errs := make(chan error, 100)
	before := otel.GetErrorHandler()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		select {
		case errs <- err:
		default:
		}
	}))
	t.Cleanup(func() { otel.SetErrorHandler(before) })
	return errs
}

// The Notifier gets any notifications, in any order, in calls of any size, with an exporter
// that sometimes fails, with flushes in between and with little room. All notifications are in
// the spans, once. With enough room every stop is in a span with its start.
func TestNotifierLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roomy := rapid.Bool().Draw(t, "roomy")
		most := 1000
		if !roomy {
			most = rapid.IntRange(1, 10).Draw(t, "most")
		}
		c := &collector{}
		n := bridge.NewNotifier(c, bridge.WithMaxWaiting(most))
		defer func() {
			if err := n.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
		}()
		stream, sent := drawStream(t)
		c.fail = func(int) error {
			if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
				return errStore
			}
			return nil
		}
		for len(stream) > 0 {
			size := rapid.IntRange(1, len(stream)).Draw(t, "size")
			for n.Notify(context.Background(), stream[:size]...) != nil {
				continue // notify it again
			}
			stream = stream[size:]
			if !roomy && rapid.IntRange(0, 5).Draw(t, "flush") == 0 {
				_ = n.Flush(context.Background())
			}
		}
		checkStats(t, n.Stats())
		for n.Flush(context.Background()) != nil {
			continue
		}
		if err := sameNotifications(c.notifications(), sent); err != nil {
			t.Fatal(err)
		}
		if stats := n.Stats(); roomy && stats.Spans != int64(len(byOperation(sent))) {
			t.Fatalf("%d operations: %+v", len(byOperation(sent)), stats)
		}
	})
}

// drawStream draws notifications of operations in any order, some repeated, some without their
// other half, some with the ids of another. It also returns the distinct notifications.
func drawStream(t *rapid.T) (stream, sent []osprofiler.Notification) {
	for i := range rapid.IntRange(1, 30).Draw(t, "operations") {
		start, stop := operation(i)
		if rapid.Bool().Draw(t, "odd ids") {
			start.BaseID = rapid.SampledFrom([]string{"", "x", "B0000000-0000-4000-8000-000000000001"}).Draw(t, "base")
			stop.BaseID = start.BaseID
		}
		halves := rapid.SampledFrom([][]osprofiler.Notification{{start, stop}, {start, stop}, {start}, {stop}}).Draw(t, "halves")
		sent = append(sent, halves...)
		for _, h := range halves {
			for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "times") {
				stream = append(stream, h)
			}
		}
	}
	return rapid.Permutation(stream).Draw(t, "order"), sent
}

func byOperation(all []osprofiler.Notification) map[string][]osprofiler.Notification {
	m := map[string][]osprofiler.Notification{}
	for _, n := range all {
		m[n.BaseID+" "+n.TraceID] = append(m[n.BaseID+" "+n.TraceID], n)
	}
	return m
}

// 10,000 operations are notified from 32 goroutines: shuffled, many of them twice, some with
// only one half.
func TestNotifierManyGoroutines(t *testing.T) {
	const operations, goroutines = 10_000, 32
	var stream, sent []osprofiler.Notification
	whole := int64(0)
	for i := range operations {
		start, stop := operation(i)
		switch i % 10 {
		case 0:
			sent = append(sent, start)
			stream = append(stream, start)
		case 1:
			sent = append(sent, stop)
			stream = append(stream, stop, stop)
		default:
			sent = append(sent, start, stop)
			stream = append(stream, start, stop)
			whole++
			if i%3 == 0 {
				stream = append(stream, stop, start, start)
			}
		}
	}
	stream = shuffled(stream, 1)
	n, exporter := newNotifier(t)
	var group sync.WaitGroup
	for g := range goroutines {
		mine := stream[g*len(stream)/goroutines : (g+1)*len(stream)/goroutines]
		group.Go(func() {
			for len(mine) > 0 {
				size := min(len(mine), 1+len(mine)%5)
				if err := n.Notify(t.Context(), mine[:size]...); err != nil {
					t.Error(err)
				}
				mine = mine[size:]
			}
		})
	}
	group.Wait()
	checkStats(t, n.Stats())
	if stats := n.Stats(); stats.Spans != whole || stats.Waiting != operations-whole || stats.Duplicates != int64(len(stream)-len(sent)) {
		t.Errorf("%+v", stats)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(exporter.all()); got != operations {
		t.Errorf("%d operations became %d spans", operations, got)
	}
	if err := sameNotifications(exporter.notifications(), sent); err != nil {
		t.Error(err)
	}
}

// The same test with an exporter that fails often, little room, and concurrent flushes: pairs
// are separated, but nothing is lost.
func TestNotifierManyGoroutinesInTrouble(t *testing.T) {
	const operations, goroutines = 2_000, 32
	var all []osprofiler.Notification
	for i := range operations {
		start, stop := operation(i)
		all = append(all, start, stop)
	}
	n, exporter := newNotifier(t, bridge.WithMaxWaiting(600), bridge.WithMaxAge(5*time.Millisecond))
	handled(t)
	var calls atomic.Int64
	exporter.fail = func(int) error {
		if calls.Add(1)%3 == 0 {
			return errStore
		}
		return nil
	}
	stream := shuffled(all, 2)
	var group sync.WaitGroup
	for g := range goroutines {
		mine := stream[g*len(stream)/goroutines : (g+1)*len(stream)/goroutines]
		group.Go(func() {
			for len(mine) > 0 {
				size := min(len(mine), 7)
				for n.Notify(t.Context(), mine[:size]...) != nil {
					runtime.Gosched()
				}
				mine = mine[size:]
				if len(mine)%50 == 0 {
					_ = n.Flush(t.Context())
				}
			}
		})
	}
	group.Wait()
	exporter.working()
	if err := n.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := n.Stats()
	if stats.Waiting != 0 || stats.FailedExports == 0 {
		t.Errorf("%+v", stats)
	}
	if err := sameNotifications(exporter.notifications(), all); err != nil {
		t.Error(err)
	}
}

// Many goroutines notify starts without stops, each of another size. The waiting halves stay
// within their bounds, by our count and by the runtime's.
func TestNotifierMemory(t *testing.T) {
	const bound, mostWaiting, texts = 4 << 20, 3000, 200 << 20
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // the second collection empties pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	n := bridge.NewNotifier(discarding{}, bridge.WithMaxBytes(bound), bridge.WithMaxWaiting(mostWaiting), bridge.WithDuplicateWindow(10_000, time.Hour))
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i, written := 0, 0; written < texts/8; i++ {
				start, _ := operation(i*8 + g)
				start.Info = osprofiler.Info(`{"x": "` + strings.Repeat("y", i*97%20_000) + `"}`)
				parsed, err := osprofiler.ParseNotification(start.JSON())
				if err == nil {
					err = n.Notify(t.Context(), parsed)
				}
				if err != nil {
					t.Error(err)
				}
				written += len(start.Info) + 300
				if s := n.Stats(); s.WaitingBytes > bound || s.Waiting > mostWaiting {
					t.Errorf("%+v", s)
				}
			}
		})
	}
	group.Wait()
	stats := n.Stats()
	if stats.WaitingBytes < bound/2 || stats.Incomplete.Bytes == 0 {
		t.Errorf("the bound was not reached: %+v", stats)
	}
	if after := heap(); after > before+bound+2<<20 { // plus the memory for remembering duplicates
		t.Errorf("the heap grew by %d bytes, the bound is %d", after-before, bound)
	}
	runtime.KeepAlive(n)
	if err := n.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Real traces, in any order and many times, pass through the exporter into a store. The reader
// returns the same notifications.
func TestNotifierRealTraces(t *testing.T) {
	s, _ := newFileStore(t)
	e := exporter.New(s)
	n := bridge.NewNotifier(e)
	var group sync.WaitGroup
	want := map[string][]osprofiler.Notification{}
	seed := uint64(0)
	for _, trace := range realTraces(t) {
		for _, one := range trace {
			want[one.BaseID] = append(want[one.BaseID], one)
		}
		seed++
		stream := shuffled(append(trace, trace[:len(trace)/2]...), seed)
		group.Go(func() {
			for ; len(stream) > 0; stream = stream[min(len(stream), 50):] {
				if err := n.Notify(t.Context(), stream[:min(len(stream), 50)]...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := errors.Join(n.Shutdown(t.Context()), e.Shutdown(t.Context())); err != nil {
		t.Fatal(err)
	}
	r := reader.New(s)
	for base, trace := range want {
		var got []osprofiler.Notification
		for one, err := range s.Notifications(t.Context(), base) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, one)
		}
		if err := sameNotifications(got, trace); err != nil || len(got) != len(trace) {
			t.Errorf("%s: %d of %d: %v", base, len(got), len(trace), err)
		}
		if _, err := r.Report(t.Context(), base); err != nil {
			t.Error(err)
		}
	}
	if stats := n.Stats(); len(want) < 9 || stats.Spans < 400 {
		t.Errorf("%d traces: %+v", len(want), stats)
	}
}

func FuzzNotifier(f *testing.F) {
	start, stop := operation(1)
	f.Add(start.JSON()+"\n"+stop.JSON()+"\n"+start.JSON(), byte(3))
	f.Add(`{"name": "x-stop", "info": {"otel": "{}"}}`+"\n{}\n[]", byte(1))
	f.Add("{\n\"\n}", byte(2))
	f.Fuzz(func(t *testing.T, text string, size byte) {
		c := &collector{}
		n := bridge.NewNotifier(c, bridge.WithMaxWaiting(3))
		var all []osprofiler.Notification
		for line := range strings.Lines(text) {
			one, err := osprofiler.ParseNotification(line)
			if err != nil {
				one = osprofiler.Notification{Name: line, BaseID: line, Info: osprofiler.Info(strings.TrimSuffix(line, "\n"))}
			}
			all = append(all, one)
		}
		valid := 0
		for i := range all {
			if all[i].Validate() == nil {
				valid++
			}
		}
		for left := all; len(left) > 0; {
			next := min(len(left), 1+int(size%8))
			_ = n.Notify(context.Background(), left[:next]...)
			left = left[next:]
		}
		if err := n.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		stats := n.Stats()
		checkStats(t, stats)
		if stats.Received-stats.Rejected != int64(valid) || stats.Spans != int64(len(c.all())) || stats.Waiting != 0 {
			t.Fatalf("%d were valid: %+v", valid, stats)
		}
		checkAllIsThere(t, c.notifications(), all)
	})
}

// checkAllIsThere checks that each valid input notification is in the output at least once.
// Notifications that carry a span are ignored, because that span is what counts.
func checkAllIsThere(t *testing.T, got, all []osprofiler.Notification) {
	for i := range all {
		if all[i].Validate() == nil && !all[i].Info.Has("otel") && !slices.ContainsFunc(got, all[i].Equal) {
			t.Fatalf("%s is lost", all[i].JSON())
		}
	}
}

func ExampleNotifier() {
	ctx := context.Background()
	spans := &collector{} // any SpanExporter: OTLP, a store, a file
	notifier := bridge.NewNotifier(spans)
	for _, line := range []string{ // as a message bus, a store or a file gives them, in any order
		`{"name": "db-stop", "base_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "trace_id": "c1f8a52b-6c3e-4f5f-9c0a-3c9c6d2e1a02", "parent_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "timestamp": "2024-05-06T07:08:09.250000", "info": {"host": "host-1"}, "project": "nova", "service": "api"}`,
		`{"name": "db-start", "base_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "trace_id": "c1f8a52b-6c3e-4f5f-9c0a-3c9c6d2e1a02", "parent_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "timestamp": "2024-05-06T07:08:09.000000", "info": {"db": {"statement": "SELECT 1", "params": {}}, "host": "host-1"}, "project": "nova", "service": "api"}`,
		`{"name": "rpc-start", "base_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "trace_id": "d1f8a52b-6c3e-4f5f-9c0a-3c9c6d2e1a03", "parent_id": "bd1f8a52-6c3e-4f5f-9c0a-3c9c6d2e1a01", "timestamp": "2024-05-06T07:08:10.000000", "info": {"function": {"name": "boot"}, "host": "host-1"}, "project": "nova", "service": "api"}`,
	} {
		notification, err := osprofiler.ParseNotification(line)
		if err == nil {
			err = notifier.Notify(ctx, notification)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := notifier.Shutdown(ctx); err != nil {
		panic(err)
	}
	for _, s := range spans.all() {
		fmt.Println(s.Name(), s.SpanKind(), s.SpanContext().SpanID(), s.EndTime().Sub(s.StartTime()))
		for _, attribute := range s.Attributes() {
			if attribute.Key == convert.MissingKey {
				fmt.Println("  without its", attribute.Value.AsString())
			}
		}
	}
	fmt.Printf("%+v\n", notifier.Stats().Incomplete)
	// Output:
	// db client 9c0a3c9c6d2e1a02 250ms
	// rpc server 9c0a3c9c6d2e1a03 0s
	//   without its stop
	// {Age:0 Count:0 Bytes:0 SameID:0 Flush:0 Shutdown:1}
}
