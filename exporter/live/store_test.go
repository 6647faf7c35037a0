package live_test

import (
	"context"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
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

// failing returns a Write whose first tries fail.
func failing(tries int, err error) func(context.Context, int, []osprofiler.Notification) error {
	return func(_ context.Context, try int, _ []osprofiler.Notification) error {
		if try <= tries {
			return err
		}
		return nil
	}
}
