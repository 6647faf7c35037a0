package bridge_test

import (
	"context"
	"fmt"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// discarding is an exporter that reads its spans and drops them.
type discarding struct{}

func (discarding) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		if s == nil {
			return errStore
		}
	}
	return nil
}

func (discarding) Shutdown(context.Context) error { return nil }

// benchOperations returns parsed notifications of database calls like keystone's. A thousand
// other notifications are between each start and its stop.
func benchOperations(b *testing.B, count int) (all []osprofiler.Notification) {
	parse := func(text string) osprofiler.Notification {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	const gap = 1000
	line := func(i int, half, info string) string {
		return fmt.Sprintf(`{"name": "db-%s", "base_id": "2130e762-6fff-43b5-a1a2-%012x", "trace_id": "61d83e73-1e58-4d0b-bf99-%012x", "parent_id": "385613ee-f74b-4dba-8499-a5caa5cf4231", "timestamp": "2026-11-22T07:16:34.%06d", "info": {%s"host": "identity-1"}, "project": "keystone", "service": "public"}`,
			half, i/50, i+1, i, info)
	}
	for i := range count + gap {
		if i < count {
			all = append(all, parse(line(i, "start", `"db": {"statement": "SELECT user.id FROM user WHERE user.name = %(name_1)s", "params": {"name_1": "x"}}, `)))
		}
		if i >= gap {
			all = append(all, parse(line(i-gap, "stop", "")))
		}
	}
	return all
}

// BenchmarkNotify measures the conversion of parsed notifications to spans, by calls of 100
// and of one.
func BenchmarkNotify(b *testing.B) {
	all := benchOperations(b, 50_000)
	for _, size := range []int{100, 1} {
		b.Run(fmt.Sprintf("by %d", size), func(b *testing.B) {
			ctx := context.Background()
			b.ReportAllocs()
			var n *bridge.Notifier
			for done := 0; done < b.N; {
				b.StopTimer()
				if n != nil {
					_ = n.Shutdown(ctx)
				}
				n = bridge.NewNotifier(discarding{})
				b.StartTimer()
				for from := 0; from < len(all) && done < b.N; from += size {
					if err := n.Notify(ctx, all[from:from+size]...); err != nil {
						b.Fatal(err)
					}
					done += size
				}
			}
			if stats := n.Stats(); b.N > 10_000 && (stats.Spans == 0 || stats.Duplicates != 0) {
				b.Fatalf("%+v", stats)
			}
			_ = n.Shutdown(ctx)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notifications/s")
		})
	}
}
