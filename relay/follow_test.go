package relay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"

	_ "github.com/osprofiler-otel/osprofiler/exporter/file"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
)

// spanSink is an exporter that keeps its spans. It checks that it is called by one goroutine
// at a time.
type spanSink struct {
	t      testing.TB
	mu     sync.Mutex
	spans  []sdktrace.ReadOnlySpan
	fail   error
	inside sync.Mutex
}

func (e *spanSink) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	if !e.inside.TryLock() {
		e.t.Error("ExportSpans is called by two goroutines at once")
	} else {
		defer e.inside.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	e.spans = append(e.spans, spans...)
	return nil
}

func (e *spanSink) Shutdown(context.Context) error { return nil }

func (e *spanSink) failing(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = err
}

// byID returns the newest span of each operation. These are the spans that a back end shows
// if it replaces spans.
func (e *spanSink) byID() map[string]sdktrace.ReadOnlySpan {
	e.mu.Lock()
	defer e.mu.Unlock()
	spans := map[string]sdktrace.ReadOnlySpan{}
	for _, s := range e.spans {
		spans[s.SpanContext().TraceID().String()+s.SpanContext().SpanID().String()] = s
	}
	return spans
}

func (e *spanSink) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.spans)
}

// incompletes counts the operations whose newest span lacks a half.
func (e *spanSink) incompletes() (count int) {
	for _, s := range e.byID() {
		if missing(s) != "" {
			count++
		}
	}
	return count
}

func missing(s sdktrace.ReadOnlySpan) string {
	for _, a := range s.Attributes() {
		if a.Key == convert.MissingKey {
			return a.Value.AsString()
		}
	}
	return ""
}

// operation returns the two notifications of an operation.
func operation(trace, number int) (start, stop osprofiler.Notification) {
	base := fmt.Sprintf("%08x-0000-4000-8000-%012x", trace, trace)
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", trace, 1000+number)
	at := func(ms int) string {
		return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(number*10+ms) * time.Millisecond).Format("2006-01-02T15:04:05.000000")
	}
	half := func(name, at, info string) osprofiler.Notification {
		return osprofiler.Notification{
			Name: name, BaseID: base, TraceID: id, ParentID: base, Timestamp: at,
			Project: "nova", Service: "api", Info: osprofiler.Info(info),
		}
	}
	return half("work-start", at(0), `{"host": "h1"}`), half("work-stop", at(5), `{"host": "h1"}`)
}

// operations returns the notifications of operations, all starts first.
func operations(trace, count int) (all []osprofiler.Notification) {
	var stops []osprofiler.Notification
	for i := range count {
		start, stop := operation(trace, i)
		all, stops = append(all, start), append(stops, stop)
	}
	slices.Reverse(stops)
	return append(all, stops...)
}

func openStore(t testing.TB, connectionString string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t testing.TB, s *store.Store, batch ...osprofiler.Notification) {
	t.Helper()
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for begin := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 3*time.Minute { // a target that was down is tried again after 30 s
			t.Fatalf("after three minutes, this is not so: %s", what)
		}
	}
}

// following runs a Follower until the returned function is called, which returns Run's error.
func following(t testing.TB, f *relay.Follower) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-ended })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func count(t testing.TB, s *store.Store) (n int) {
	t.Helper()
	feed, err := s.Feed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	for _, err := range feed.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestFollowGivesSeveralSourcesToSeveralTargets(t *testing.T) {
	dir := t.TempDir()
	one := openStore(t, "file://"+filepath.Join(dir, "one.jsonl"))
	two := openStore(t, "sqlite:///"+filepath.Join(dir, "two.db"))
	to := openStore(t, "sqlite:///"+filepath.Join(dir, "to.db"))
	sink := &spanSink{t: t}
	target := relay.ToExporter(sink, relay.WithTargetName("sink"))
	f := relay.NewFollower(
		[]relay.Source{relay.FromFeed(one, "", nil), relay.FromFeed(two, "", nil)},
		[]relay.Target{relay.ToStore(to), target}, relay.WithPollInterval(10*time.Millisecond))
	stop := following(t, f)
	all := operations(1, 50)
	write(t, one, all[:60]...)
	write(t, two, all[60:]...)
	eventually(t, "all spans are there", func() bool { return sink.count() == 50 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, to); got != 100 {
		t.Errorf("the store has %d notifications, not 100", got)
	}
	if n := sink.incompletes(); n != 0 {
		t.Errorf("%d spans are incomplete", n)
	}
	stats := f.Stats()
	if stats.Sources[0].Read != 60 || stats.Sources[1].Read != 40 || stats.Targets[0].Forwarded != 100 || stats.Targets[1].Paired != 50 {
		t.Errorf("the statistics are %+v", stats)
	}
}

func TestFollowRepeatsATargetThatIsDown(t *testing.T) {
	from := openStore(t, "file://"+filepath.Join(t.TempDir(), "from.jsonl"))
	sink := &spanSink{t: t, fail: errors.New("the target is down")}
	var warnings []string
	f := relay.NewFollower([]relay.Source{relay.FromFeed(from, "", nil)}, []relay.Target{relay.ToExporter(sink)},
		relay.WithPollInterval(10*time.Millisecond), relay.WithWarning(func(err error) { warnings = append(warnings, err.Error()) }))
	stop := following(t, f)
	write(t, from, operations(1, 10)...)
	eventually(t, "the target failed, and the source has read all", func() bool {
		stats := f.Stats()
		return stats.Targets[0].Err != nil && stats.Sources[0].Unacknowledged == 20 && stats.Sources[0].Lag > 0
	})
	sink.failing(nil)
	eventually(t, "all spans are there", func() bool { return sink.count() == 10 })
	eventually(t, "the target works", func() bool { return f.Stats().Targets[0].Err == nil })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "the target is down") {
		t.Errorf("the warnings are %q", warnings)
	}
}

func TestFollowResumesFromItsStateDirectory(t *testing.T) {
	dir := t.TempDir()
	from := openStore(t, "file://"+filepath.Join(dir, "from.jsonl"))
	sink := &spanSink{t: t}
	start, stop := operation(1, 1)
	run := func(wait func(s relay.Stats) bool) relay.Stats {
		state, err := relay.OpenState(filepath.Join(dir, "state"))
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		target := relay.ToExporter(sink, relay.WithTargetName("sink"))
		f := relay.NewFollower([]relay.Source{relay.FromFeed(from, "", nil)}, []relay.Target{target},
			relay.WithPollInterval(10*time.Millisecond), relay.WithState(state))
		end := following(t, f)
		eventually(t, "the relay is done", func() bool { return wait(f.Stats()) })
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := target.Close(); err != nil {
			t.Fatal(err)
		}
		return f.Stats()
	}
	write(t, from, start)
	run(func(s relay.Stats) bool { return s.Sources[0].Read == 1 && s.Sources[0].Unacknowledged == 0 })
	write(t, from, stop)
	run(func(s relay.Stats) bool { return s.Targets[0].Paired == 1 && s.Sources[0].Unacknowledged == 0 })
	if sink.count() != 1 || sink.incompletes() != 0 {
		t.Errorf("the sink has %d spans, %d of them incomplete", sink.count(), sink.incompletes())
	}
	third := run(func(s relay.Stats) bool { return s.Sources[0].Worked })
	if third.Sources[0].Read != 0 || sink.count() != 1 {
		t.Errorf("the third relay has read %d notifications, and the sink has %d spans", third.Sources[0].Read, sink.count())
	}
	if info, err := os.Stat(filepath.Join(dir, "state")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the state directory is %v, %v", info, err)
	}
}

func TestOneRelayAStateDirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := relay.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := relay.OpenState(dir); err == nil || !strings.Contains(err.Error(), "in use by another relay") {
		t.Errorf("the second relay gets %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := relay.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
