package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	faultSpans = 20_000
	faultBatch = 200
	faultTrace = 50 // spans of a trace
)

// patience is for a machine that is busy with other tests.
const patience = 3 * time.Minute

var patient = store.Retry{Elapsed: patience}

// faultSpan is the i-th of all.
func faultSpan(i int) sdktrace.ReadOnlySpan {
	id := trace.TraceID{1, byte(i / faultTrace >> 8), byte(i / faultTrace), 15: 1}
	start := time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Millisecond)
	return tracetest.SpanStub{Name: fmt.Sprintf("span-%d", i), StartTime: start, EndTime: start.Add(time.Millisecond),
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{byte(i >> 16), byte(i >> 8), byte(i), 1}})}.Snapshot()
}

// A tally is what became of the spans by the word of ExportSpans.
type tally struct {
	sync.Mutex
	acknowledged, lost map[string]bool
}

// export exports all spans by four exporters at once, while trouble is made
// after some batches; it comes to an end whatever happens.
func export(t *testing.T, s store.Store, retry store.Retry, trouble func()) *tally {
	t.Helper()
	result := &tally{acknowledged: map[string]bool{}, lost: map[string]bool{}}
	batches := make(chan []sdktrace.ReadOnlySpan)
	var exporting, troubling sync.WaitGroup
	for range 4 {
		exporting.Go(func() {
			e := exporter.New(s, exporter.WithRetry(retry), exporter.WithHost("h"))
			for batch := range batches {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				err := e.ExportSpans(ctx, batch)
				cancel()
				result.note(t, batch, err)
			}
		})
	}
	for first := 0; first < faultSpans; first += faultBatch {
		if first == faultSpans/4 {
			troubling.Go(trouble)
		}
		batch := make([]sdktrace.ReadOnlySpan, faultBatch)
		for i := range batch {
			batch[i] = faultSpan(first + i)
		}
		batches <- batch
	}
	close(batches)
	exporting.Wait()
	troubling.Wait()
	return result
}

// note takes each span for lost of which a half is missing.
func (r *tally) note(t *testing.T, batch []sdktrace.ReadOnlySpan, err error) {
	r.Lock()
	defer r.Unlock()
	missing := map[int]bool{}
	var writeError *store.WriteError
	if errors.As(err, &writeError) {
		for _, i := range writeError.Missing {
			missing[i/2] = true
		}
	} else if err != nil {
		t.Errorf("the error tells not what is lost: %v", err)
	}
	for i, span := range batch {
		if missing[i] {
			r.lost[span.Name()] = true
		} else {
			r.acknowledged[span.Name()] = true
		}
	}
}

// check reads all traces: every acknowledged span is there with both halves,
// and none twice.
func (r *tally) check(t *testing.T, s store.Store) {
	t.Helper()
	halves := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for entry, err := range s.Traces(ctx, store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		for n, err := range s.Notifications(ctx, entry.BaseID) {
			if err != nil {
				t.Fatal(err)
			}
			halves[strings.TrimSuffix(strings.TrimSuffix(n.Name, "-start"), "-stop")]++
		}
	}
	if sum := len(r.acknowledged) + len(r.lost); sum != faultSpans {
		t.Errorf("%d acknowledged and %d lost are %d, not %d", len(r.acknowledged), len(r.lost), sum, faultSpans)
	}
	absent, doubled := 0, 0
	for name := range r.acknowledged {
		if halves[name] < 2 {
			absent++
		}
	}
	for _, count := range halves {
		if count > 2 {
			doubled++
		}
	}
	if absent > 0 || doubled > 0 {
		t.Errorf("%d acknowledged spans are not there, %d came twice", absent, doubled)
	}
	t.Logf("%d acknowledged, %d lost, %d traced", len(r.acknowledged), len(r.lost), len(halves))
}

var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

func TestServerKilledAndRestarted(t *testing.T) {
	server := testenv.StartRedis(t, durable...)
	s := open(t, "redis://"+server.Addr()+"?socket_timeout=2&osp_legacy=no")
	r := export(t, s, patient, func() {
		server.Kill()
		time.Sleep(300 * time.Millisecond)
		server.Restart()
	})
	r.check(t, s)
	if len(r.lost) > 0 {
		t.Errorf("%d spans were lost, though the server came back in time", len(r.lost))
	}
}

// Without repeating, a batch that is cut off is reported.
func TestServerKilledWithoutRetry(t *testing.T) {
	server := testenv.StartRedis(t, durable...)
	s := open(t, "redis://"+server.Addr()+"?socket_timeout=2&osp_legacy=no")
	r := export(t, s, store.Retry{Elapsed: -1}, func() {
		server.Kill()
		server.Restart()
	})
	r.check(t, s)
	if len(r.lost) == 0 {
		t.Error("nothing was lost, so that nothing was tested")
	}
}

func TestServerStoppedPastTheTimeout(t *testing.T) {
	server := testenv.StartRedis(t, durable...)
	s := open(t, "redis://"+server.Addr()+"?socket_timeout=1&osp_legacy=no")
	r := export(t, s, patient, func() {
		server.Stop()
		time.Sleep(2500 * time.Millisecond)
		server.Continue()
	})
	r.check(t, s)
	if len(r.lost) > 0 {
		t.Errorf("%d spans were lost, though the server came back in time", len(r.lost))
	}
}

func TestSentinelFailover(t *testing.T) {
	set := testenv.StartSentinels(t, durable...)
	s := open(t, set.URL+"&socket_timeout=1&osp_replicas=1&osp_legacy=no")
	r := export(t, s, patient, func() {
		set.Master.Kill()
		for range 600 {
			if testenv.SentinelMaster(t, set.URL) != set.Master.Addr() {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		// The replica alone has no replica that could acknowledge; the old
		// master becomes it when it is back.
		set.Master.Restart()
	})
	r.check(t, open(t, set.URL+"&osp_legacy=no"))
	if testenv.SentinelMaster(t, set.URL) == set.Master.Addr() {
		t.Error("there was no failover")
	}
}

// The connection is cut in the midst of batches, again and again.
func TestConnectionCutInABatch(t *testing.T) {
	server := testenv.StartRedis(t, durable...)
	proxy := testenv.NewProxy(t, server.Addr())
	s := open(t, "redis://"+proxy.Addr()+"?socket_timeout=2&osp_legacy=no")
	r := export(t, s, patient, func() {
		for range 10 {
			proxy.CutAfter(150_000) // about a batch and a half
			time.Sleep(50 * time.Millisecond)
		}
	})
	r.check(t, s)
	if len(r.lost) > 0 || proxy.Cuts() < 3 {
		t.Errorf("%d spans were lost with %d cuts", len(r.lost), proxy.Cuts())
	}
}

// Nothing blocks past its context, whether that is cancelled or expires.
func TestNothingOutlivesItsContext(t *testing.T) {
	proxy := testenv.NewProxy(t, testenv.StartRedis(t).Addr())
	s := open(t, "redis://"+proxy.Addr())
	write(t, s, event("x", 1))
	proxy.Blackhole(true)
	cancelled := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		return ctx, cancel
	}
	expired := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(t.Context(), 100*time.Millisecond)
	}
	for name, c := range map[string]struct {
		with func() (context.Context, context.CancelFunc)
		want error
	}{"cancelled": {cancelled, context.Canceled}, "expired": {expired, context.DeadlineExceeded}} {
		for method, call := range map[string]func(ctx context.Context) error{
			"Write":         func(ctx context.Context) error { return s.Write(ctx, []osprofiler.Notification{event("x", 2)}) },
			"Notifications": func(ctx context.Context) error { return only(s.Notifications(ctx, "x")) },
			"Traces":        func(ctx context.Context) error { return only(s.Traces(ctx, store.Query{})) },
			"Changes":       func(ctx context.Context) error { return only(s.Changes(ctx, "")) },
		} {
			ctx, cancel := c.with()
			start := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(start); took > 4*time.Second || !errors.Is(err, c.want) {
				t.Errorf("%s, whose context is %s, returned %v after %v", method, name, err, took)
			}
		}
	}
	done := make(chan error)
	go func() { done <- s.Write(context.Background(), []osprofiler.Notification{event("x", 3)}) }()
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, store.ErrClosed) {
		t.Errorf("a write while the store was closed: %v", err)
	}
	proxy.Blackhole(false)
}

// only returns the last error of a sequence.
func only[T any](sequence func(yield func(T, error) bool)) (last error) {
	for _, err := range sequence {
		last = err
	}
	return last
}
