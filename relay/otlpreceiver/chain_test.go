package otlpreceiver_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/otlp"
)

// realTraces returns the notifications of real OpenStack traces.
func realTraces(t *testing.T) (all []osprofiler.Notification) {
	t.Helper()
	files, err := filepath.Glob("../../reader/testdata/openstack/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no real traces:", err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			n, err := osprofiler.ParseNotification(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, n)
		}
		f.Close()
	}
	return all
}

type halfKey struct{ base, trace, name string }

func byHalf(notifications []osprofiler.Notification) map[halfKey]string {
	m := map[halfKey]string{}
	for _, n := range notifications {
		m[halfKey{n.BaseID, n.TraceID, n.Name}] = n.JSON()
	}
	return m
}

// Notifications of real OpenStack traces are sent as spans by the OTLP exporter. The receiver
// turns the spans into the same notifications.
func TestChain(t *testing.T) {
	all := realTraces(t)
	pairs := map[halfKey][2]*osprofiler.Notification{}
	order := []halfKey{}
	for i := range all {
		n := &all[i]
		key := halfKey{n.BaseID, n.TraceID, n.Operation()}
		if _, ok := pairs[key]; !ok {
			order = append(order, key)
		}
		pair := pairs[key]
		if n.Half() == osprofiler.Stop {
			pair[1] = n
		} else {
			pair[0] = n
		}
		pairs[key] = pair
	}
	spans := []sdktrace.ReadOnlySpan{}
	for _, key := range order {
		spans = append(spans, convert.SpanOf(pairs[key][0], pairs[key][1]))
	}
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, "otlp+"+protocol+"://127.0.0.1:0")
			to := (&target{}).drain(t, r)
			e, err := exporter.Open(t.Context(), "otlp+"+protocol+"://"+r.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if err := e.ExportSpans(t.Context(), spans); err != nil {
				t.Fatal(err)
			}
			if err := e.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			want, got := byHalf(all), byHalf(to.notifications())
			if len(want) != len(got) {
				t.Errorf("%d notifications became %d", len(want), len(got))
			}
			failed := 0
			for key, text := range want {
				a, _ := osprofiler.ParseNotification(text)
				b, err := osprofiler.ParseNotification(got[key])
				if err == nil && a.Equal(b) {
					continue
				}
				if failed++; failed < 4 {
					t.Errorf("the notification (-) and what came back (+): %s", cmp.Diff(text, got[key]))
				}
			}
		})
	}
}

// Spans that together need more memory than there is are sent in several requests.
func TestChainOfLightSpans(t *testing.T) {
	n := realTraces(t)[0]
	var spans []sdktrace.ReadOnlySpan
	for i := range 900 {
		n.TraceID = fmt.Sprintf("00000000-0000-4000-8000-%012x", i+1)
		n.Info = ""
		spans = append(spans, convert.SpanOf(&n, nil))
	}
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r := open(t, "otlp+"+protocol+"://127.0.0.1:0?osp_max_message_size=200000&osp_max_memory=1600000")
			to := (&target{}).drain(t, r)
			e, err := exporter.Open(t.Context(), "otlp+"+protocol+"://"+r.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(e.ExportSpans(t.Context(), spans), e.Shutdown(t.Context())); err != nil {
				t.Error(err)
			}
			if got := len(byHalf(to.notifications())); got < len(spans) {
				t.Errorf("got %d notifications of %d spans", got, len(spans))
			}
		})
	}
}
