package relay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"

	_ "github.com/osprofiler-otel/osprofiler/exporter/otlp"
)

// Jaeger's storage in memory does not replace spans. After a repair, the trace has the
// incomplete span and the whole one, with the same id. So the whole span is never lost.
func TestALateHalfInJaeger(t *testing.T) {
	for _, version := range testenv.JaegerVersions {
		t.Run(version.String(), func(t *testing.T) {
			server := testenv.Jaeger(t, version)
			exp, err := exporter.Open(t.Context(), "otlp+grpc://"+server.OTLPGRPC)
			if err != nil {
				t.Fatal(err)
			}
			defer exp.Shutdown(context.Background())
			start, stop := operation(int(time.Now().UnixNano()%1_000_000_000), 1)
			from := newListSource(start)
			target := relay.ToExporter(exp, relay.WithPairing(time.Millisecond, 0, 0))
			defer target.Close()
			f := relay.NewFollower([]relay.Source{from}, []relay.Target{target})
			end := following(t, f)
			id := strings.ReplaceAll(start.BaseID, "-", "")
			first := server.AwaitTrace(id, 1)
			if got := first.Spans[0].Tag("osprofiler.missing"); got != "stop" {
				t.Errorf("the first span lacks %v", got)
			}
			from.add(stop)
			eventually(t, "the span was repaired", func() bool { return f.Stats().Targets[0].Repaired == 1 })
			whole := 0
			eventually(t, "Jaeger shows the whole span", func() bool {
				trace, _ := server.Trace(id)
				for i := range trace.Spans {
					s := &trace.Spans[i]
					if s.SpanID != first.Spans[0].SpanID {
						t.Fatalf("the span %s is another one", s.SpanID)
					}
					if s.Tag("osprofiler.missing") == nil && s.Duration == 5000 {
						whole = len(trace.Spans)
					}
				}
				return whole > 0
			})
			if whole != 2 {
				t.Errorf("Jaeger has %d spans, so it replaces them by now", whole)
			}
			if err := end(); err != nil {
				t.Error(err)
			}
		})
	}
}
