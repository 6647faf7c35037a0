package bridge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// collector is an exporter that keeps its spans and fails on request. It checks that it is
// called as the SDK's contract says.
type collector struct {
	mu       sync.Mutex
	spans    []sdktrace.ReadOnlySpan
	batches  int
	shutdown int
	fail     func(spans int) error // nil means that it never fails

	inside sync.Mutex
	atOnce bool // it was called during another call
}

func (c *collector) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	free := c.inside.TryLock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.atOnce = c.atOnce || !free
	if free {
		defer c.inside.Unlock()
	}
	if c.fail != nil {
		if err := c.fail(len(spans)); err != nil {
			return err
		}
	}
	c.batches++
	c.spans = append(c.spans, spans...)
	return nil
}

func (c *collector) Shutdown(context.Context) error { c.shutdown++; return nil }

func (c *collector) failing(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = func(int) error { return err }
}

func (c *collector) working() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = nil
}

// all returns the spans received so far.
func (c *collector) all() []sdktrace.ReadOnlySpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// notifications returns the notifications of which the spans received so far were made.
func (c *collector) notifications() []osprofiler.Notification {
	return convert.New().Append(nil, convert.Both, c.all()...)
}

var errStore = errors.New("the store is away")

// newNotifier returns a Notifier and its exporter. The Notifier is shut down when the test
// ends.
func newNotifier(t testing.TB, opts ...bridge.NotifierOption) (*bridge.Notifier, *collector) {
	c := &collector{}
	n := bridge.NewNotifier(c, opts...)
	t.Cleanup(func() {
		c.working()
		if err := n.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		checkStats(t, n.Stats())
		if c.atOnce {
			t.Error("the exporter was called while it was at work")
		}
	})
	return n, c
}

// checkStats checks the equation that NotifierStats documents for when no call is in progress.
func checkStats(t interface{ Errorf(string, ...any) }, s bridge.NotifierStats) {
	incomplete := s.Incomplete.Total()
	sum := s.Duplicates + s.Rejected + s.Failed + s.Waiting + 2*(s.Spans-incomplete) + incomplete
	if s.Received != sum || s.Waiting == 0 != (s.WaitingBytes == 0) {
		t.Errorf("received should be %d: %+v", sum, s)
	}
}

// operation returns the notifications of one operation. Their ids are derived from its number.
func operation(i int) (start, stop osprofiler.Notification) {
	start = osprofiler.Notification{
		Name:   "wsgi-start",
		BaseID: fmt.Sprintf("b0000000-0000-4000-8000-%012x", i/7), TraceID: fmt.Sprintf("c0000000-0000-4000-8000-%012x", i+1),
		ParentID:  fmt.Sprintf("b0000000-0000-4000-8000-%012x", i/7),
		Timestamp: fmt.Sprintf("2024-05-06T07:%02d:%02d.%06d", i/60%60, i%60, i%1_000_000),
		Info:      osprofiler.Info(fmt.Sprintf(`{"request": {"path": "/%d", "query": "", "method": "GET", "scheme": "http"}, "host": "host-1"}`, i)),
		Project:   "nova", Service: "api",
	}
	stop = start
	stop.Name, stop.Info = "wsgi-stop", `{"host": "host-1"}`
	return start, stop
}

// sameNotifications describes how the two lists differ, as JSON values in any order.
func sameNotifications(got, want []osprofiler.Notification) error {
	count := map[string]int{}
	for _, n := range want {
		count[n.JSON()]++
	}
	var strange []osprofiler.Notification
	for _, n := range got {
		if text := n.JSON(); count[text] > 0 {
			count[text]--
		} else {
			strange = append(strange, n) // perhaps the same value, written in another form
		}
	}
	var missing []osprofiler.Notification
	for _, n := range want {
		if text := n.JSON(); count[text] > 0 {
			count[text]--
			missing = append(missing, n)
		}
	}
	for _, n := range strange {
		i := slices.IndexFunc(missing, n.Equal)
		if i < 0 {
			return fmt.Errorf("nobody sent this: %s", n.JSON())
		}
		missing = slices.Delete(missing, i, i+1)
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d are missing, the first is %s", len(missing), missing[0].JSON())
	}
	return nil
}

// shuffled returns the notifications in another order.
func shuffled(all []osprofiler.Notification, seed uint64) []osprofiler.Notification {
	all = slices.Clone(all)
	r := rand.New(rand.NewPCG(seed, seed))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// realTraces reads the notifications of real services, each once.
func realTraces(t testing.TB) map[string][]osprofiler.Notification {
	files, err := filepath.Glob("../reader/testdata/openstack/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no real traces:", err)
	}
	traces := map[string][]osprofiler.Notification{}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			n, err := osprofiler.ParseNotification(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			if !seen[lines.Text()] {
				traces[filepath.Base(path)] = append(traces[filepath.Base(path)], n)
			}
			seen[lines.Text()] = true
		}
		_ = f.Close()
	}
	return traces
}
