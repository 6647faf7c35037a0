package exporter_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a driver whose Write does what the test prescribes. storetest
// checks the rules that real stores follow.
type scripted struct {
	mu       sync.Mutex
	write    func(ctx context.Context, try int, batch []osprofiler.Notification) error
	tries    int
	stored   []osprofiler.Notification
	closed   int
	closeErr error
}

func (s *scripted) Name() string               { return "the scripted store" }
func (s *scripted) Ping(context.Context) error { return nil }
func (s *scripted) Close() error               { s.closed++; return s.closeErr }

func (s *scripted) Write(ctx context.Context, batch []osprofiler.Notification) error {
	s.mu.Lock()
	s.tries++
	try := s.tries
	s.mu.Unlock()
	if s.write != nil {
		if err := s.write(ctx, try, batch); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored = append(s.stored, batch...)
	return nil
}

func spans(n int) []sdktrace.ReadOnlySpan {
	stubs := tracetest.SpanStubs{}
	for i := range n {
		stubs = append(stubs, tracetest.SpanStub{
			Name: "work",
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2, byte(i), 1}, TraceFlags: trace.FlagsSampled,
			}),
			StartTime: time.Unix(1, 0), EndTime: time.Unix(2, 0),
		})
	}
	return stubs.Snapshots()
}

var quick = exporter.WithRetry(store.Retry{Initial: time.Millisecond, Max: time.Millisecond, Elapsed: 5 * time.Second})

func TestEachSpanIsTwoNotifications(t *testing.T) {
	s := &scripted{}
	e := exporter.New(store.New(s), exporter.WithProject("p"), exporter.WithService("s"), exporter.WithHost("h"))
	if err := e.ExportSpans(t.Context(), spans(3)); err != nil {
		t.Fatal(err)
	}
	if len(s.stored) != 6 {
		t.Fatalf("3 spans should be 6 notifications, not %d", len(s.stored))
	}
	n := s.stored[0]
	if n.Name != "work-start" || n.Project != "p" || n.Service != "s" || n.Info.Host() != "h" ||
		n.Timestamp != "1970-01-01T00:00:01.000000" || n.ParentID != n.BaseID {
		t.Fatal(n.JSON())
	}
}

func TestTransientFailureIsRepeatedForWhatIsMissing(t *testing.T) {
	s := &scripted{}
	s.write = func(_ context.Context, try int, _ []osprofiler.Notification) error {
		switch try {
		case 1:
			return &store.WriteError{Transient: true, Err: errors.New("connection refused")}
		case 2:
			return &store.WriteError{Transient: true, Missing: []int{1, 3}, Err: errors.New("half of it")}
		case 3:
			return &store.WriteError{Transient: true, Missing: []int{1}, Err: errors.New("one more")}
		}
		return nil
	}
	if err := exporter.New(store.New(s), quick).ExportSpans(t.Context(), spans(2)); err != nil {
		t.Fatal(err)
	}
	if len(s.stored) != 1 || s.stored[0].Name != "work-stop" {
		t.Fatalf("the last try should hold only what was missing: %v", s.stored)
	}
}

func TestPermanentFailureIsReportedAtOnce(t *testing.T) {
	s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error { return errors.New("no such table") }}
	err := exporter.New(store.New(s), quick).ExportSpans(t.Context(), spans(2))
	if err == nil || s.tries != 1 || !strings.Contains(err.Error(), "4 of 4 notifications") || !strings.Contains(err.Error(), "no such table") {
		t.Fatal(s.tries, err)
	}
	var partial *store.WriteError
	if !errors.As(err, &partial) || len(partial.Missing) != 4 {
		t.Fatalf("%#v", err)
	}
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error {
			return &store.WriteError{Transient: true, Err: errors.New("connection refused")}
		}}
		const timeout = 50 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		begun := time.Now()
		err := exporter.New(store.New(s), quick).ExportSpans(ctx, spans(1))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connection refused") || s.tries < 2 {
			t.Fatalf("%d tries: %v", s.tries, err)
		}
		if took := time.Since(begun); took > timeout || took < timeout*9/10 {
			t.Fatalf("it ended after %v and should end a little before its context, which ends after %v", took, timeout)
		}
	})
}

func TestShutdown(t *testing.T) {
	s := &scripted{}
	e := exporter.New(store.New(s))
	for range 2 {
		if err := e.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.ExportSpans(t.Context(), spans(1)); !errors.Is(err, exporter.ErrShutdown) {
		t.Fatal(err)
	}
	if s.closed != 0 || len(s.stored) != 0 {
		t.Fatal("a store of the caller's is the caller's to close")
	}
}

func TestShutdownWaitsNoLongerThanItsContext(t *testing.T) {
	inWrite, release := make(chan struct{}), make(chan struct{})
	s := &scripted{write: func(context.Context, int, []osprofiler.Notification) error {
		close(inWrite)
		<-release
		return nil
	}}
	e := exporter.New(store.New(s))
	exported := make(chan error)
	go func() { exported <- e.ExportSpans(context.Background(), spans(1)) }()
	<-inWrite
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := e.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), spans(1)); !errors.Is(err, exporter.ErrShutdown) {
		t.Fatal("exports end with the call of Shutdown:", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Fatal("a second Shutdown should not return nil while an export is under way:", err)
	}
	close(release)
	if err := <-exported; err != nil {
		t.Fatal(err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Each call of Shutdown returns the error of closing the store, however often Shutdown
// is called.
func TestShutdownTellsWhatClosingSays(t *testing.T) {
	reason := errors.New("the disk is full")
	store.Register(store.Backend{Schemes: []string{"test-unclosable"}, Open: func(context.Context, string, store.Options) (*store.Store, error) {
		return store.New(&scripted{closeErr: reason}), nil
	}})
	e, err := exporter.Open(t.Context(), "test-unclosable://")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Shutdown(t.Context()); !errors.Is(err, reason) {
			t.Error(err)
		}
	}
}

func TestCancelledAndEmptyExports(t *testing.T) {
	s := &scripted{}
	e := exporter.New(store.New(s))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := e.ExportSpans(ctx, spans(1))
	var missing *store.WriteError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &missing) || !slices.Equal(missing.Missing, []int{0, 1}) || s.tries != 0 {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), nil); err != nil || s.tries != 0 {
		t.Fatal(err)
	}
	if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{nil}); err != nil {
		t.Fatal(err)
	}
}

func TestConcurrentExports(t *testing.T) {
	s := &scripted{}
	e := exporter.New(store.New(s))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				if err := e.ExportSpans(context.Background(), spans(5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(s.stored) != 16*20*5*2 {
		t.Fatal(len(s.stored))
	}
}

func TestOpenRefuses(t *testing.T) {
	for connection, want := range map[string]string{
		"":                  "empty",
		"nonsense":          "no connection string",
		"redix://u:pw@host": `unknown scheme "redix"`,
	} {
		_, err := exporter.Open(t.Context(), connection)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", connection, err)
		}
	}
}

// failing returns a Write whose first tries fail.
func failing(tries int, err error) func(context.Context, int, []osprofiler.Notification) error {
	return func(_ context.Context, try int, _ []osprofiler.Notification) error {
		if try <= tries {
			return err
		}
		return nil
	}
}
