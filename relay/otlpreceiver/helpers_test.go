package otlpreceiver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lines collects the log lines of a receiver.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// open opens a receiver on a free port. Its log is discarded. Unless the test sets osp_wait,
// clients wait for the targets as long as these may take on a busy machine.
func open(t testing.TB, connectionString string, opts ...otlpreceiver.Option) *otlpreceiver.Receiver {
	t.Helper()
	switch {
	case strings.Contains(connectionString, "osp_wait="):
	case strings.Contains(connectionString, "?"):
		connectionString += "&osp_wait=1m"
	default:
		connectionString += "?osp_wait=1m"
	}
	opts = append([]otlpreceiver.Option{otlpreceiver.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	r, err := otlpreceiver.Open(connectionString, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// A target takes the notifications that a receiver yields, as a relay does.
type target struct {
	mu      sync.Mutex
	all     []osprofiler.Notification
	forget  bool // keep nothing
	refuse  func(n osprofiler.Notification) error
	release chan struct{} // unless nil, nothing is acknowledged before it is closed
}

// drain reads the receiver until the test ends.
func (to *target) drain(t testing.TB, r *otlpreceiver.Receiver) *target {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			to.read(ctx, t, r)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return to
}

func (to *target) read(ctx context.Context, t testing.TB, r *otlpreceiver.Receiver) {
	for n, err := range r.Read(ctx) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			return
		}
		if !to.forget {
			to.mu.Lock()
			to.all = append(to.all, n)
			to.mu.Unlock()
		}
		if to.refuse != nil {
			if err := to.refuse(n); err != nil {
				r.Leave(r.Position(), err)
			}
		}
	}
	if to.release != nil {
		select {
		case <-to.release:
		case <-ctx.Done():
		}
	}
	if err := r.Acknowledge(ctx, r.Position()); err != nil {
		t.Error(err)
	}
}

func (to *target) notifications() []osprofiler.Notification {
	to.mu.Lock()
	defer to.mu.Unlock()
	return append([]osprofiler.Notification(nil), to.all...)
}

// operations returns the names of the notifications, in their order.
func (to *target) operations() string {
	names := []string{}
	for _, n := range to.notifications() {
		names = append(names, n.Name)
	}
	return strings.Join(names, " ")
}

// different returns the names of the notifications, without duplicates. A client that gets no
// answer in time sends notifications again that the target already has.
func (to *target) different() string {
	names := []string{}
	for _, n := range to.notifications() {
		if !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	}
	return strings.Join(names, " ")
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not reached: " + what)
		}
	}
}

// jsonSpan is a span in OTLP/JSON.
func jsonSpan(id int, name string) string {
	return fmt.Sprintf(`{"traceId":"0123456789abcdef0123456789abcdef","spanId":"%016x","name":%q,"kind":1,`+
		`"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000"}`, id, name)
}

func jsonRequest(spans ...string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"nova"}}]},` +
		`"scopeSpans":[{"scope":{"name":"test"},"spans":[` + strings.Join(spans, ",") + `]}]}]}`
}

var _ relay.Source = (*otlpreceiver.Receiver)(nil)

func marshalled(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}
func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	return proto.Unmarshal(data.Materialize(), v.(proto.Message))
}
