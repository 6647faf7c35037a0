package otlpreceiver_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A spanSink collects spans, unless it is down.
type spanSink struct {
	down   atomic.Bool
	refuse string // the name of spans that it refuses

	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

func (s *spanSink) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	if s.down.Load() {
		return errors.New("the sink is down")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var refused []int
	for i, span := range spans {
		if span.Name() == s.refuse {
			refused = append(refused, i)
			continue
		}
		s.spans = append(s.spans, span)
	}
	if refused != nil {
		return &exporter.SinkError{Missing: refused, Refused: refused, Err: errors.New("the sink does not want it")}
	}
	return nil
}

func (*spanSink) Shutdown(context.Context) error { return nil }

func (s *spanSink) ids() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[string]int{}
	for _, span := range s.spans {
		ids[span.SpanContext().SpanID().String()]++
	}
	return ids
}

// follow runs a relay until the test ends.
func follow(t testing.TB, r *otlpreceiver.Receiver, targets ...relay.Target) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := relay.Follow(ctx, []relay.Source{r}, targets, relay.WithGrace(time.Minute))
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, target := range targets {
			if err := target.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func fileStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "file://"+filepath.Join(t.TempDir(), "traces.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// All clients get an answer only when a store and a sink have their spans. A single request
// is written at once.
func TestFollow(t *testing.T) {
	r := open(t, free+"?osp_wait=2m")
	to, sink := fileStore(t), &spanSink{}
	follow(t, r, relay.ToStore(to), relay.ToExporter(sink, relay.WithTargetName("sink")))
	began := time.Now()
	responseOf(t, postJSON(t, r, jsonRequest(jsonSpan(1, "first"))))
	t.Logf("the first request took %v", time.Since(began))

	const clients, requests = 8, 20
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := range requests {
				id := 1000*(client+1) + i
				responseOf(t, postJSON(t, r, jsonRequest(jsonSpan(id, "span"))))
				if sink.ids()[fmt.Sprintf("%016x", id)] == 0 {
					t.Errorf("the sink does not have span %d", id)
				}
			}
		})
	}
	wg.Wait()
	var all []osprofiler.Notification
	for n, err := range to.Notifications(t.Context(), "01234567-89ab-cdef-0123-456789abcdef") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	if len(all) != 2*(clients*requests+1) || len(sink.ids()) != clients*requests+1 {
		t.Errorf("%d notifications, %d spans", len(all), len(sink.ids()))
	}
}

// While a sink is down, a client gets no success. When the sink is back, it gets the spans
// that were read and those that the client sends again, with the same ids.
func TestFollowSinkIsDown(t *testing.T) {
	r := open(t, freeGRPC+"?osp_wait=1s")
	sink := &spanSink{}
	sink.down.Store(true)
	follow(t, r, relay.ToExporter(sink, relay.WithTargetName("sink")))
	_, client := dial(t, r)
	request := requestOf(t, jsonSpan(1, "one"))
	if _, err := client.Export(t.Context(), request); err == nil {
		t.Error("the client has an answer")
	}
	sink.down.Store(false)
	eventually(t, "an answer", func() bool {
		_, err := client.Export(t.Context(), request)
		return err == nil
	})
	if ids := sink.ids(); len(ids) != 1 || ids["0000000000000001"] == 0 {
		t.Errorf("the sink has %v", ids)
	}
	eventually(t, "no request that waits", func() bool { return r.Stats().Waiting == 0 })
}

// The answer names a span that a sink refuses.
func TestFollowSinkRefuses(t *testing.T) {
	r := open(t, freeGRPC)
	sink := &spanSink{refuse: "bad"}
	follow(t, r, relay.ToExporter(sink, relay.WithTargetName("sink")))
	_, client := dial(t, r)
	response, err := client.Export(t.Context(), requestOf(t, jsonSpan(1, "good"), jsonSpan(2, "bad")))
	if text := response.GetPartialSuccess().GetErrorMessage(); err != nil || response.PartialSuccess.GetRejectedSpans() != 1 ||
		!strings.Contains(text, `named "bad"`) || !strings.Contains(text, "the sink does not want it") {
		t.Error(response, err)
	}
	if ids := sink.ids(); len(ids) != 1 || ids["0000000000000001"] != 1 {
		t.Errorf("the sink has %v", ids)
	}
}
