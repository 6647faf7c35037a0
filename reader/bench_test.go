package reader_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// manyLines writes the notifications of a trace like those that OpenStack's
// services leave: requests that call others, most of them database calls with
// statements, newest first as Redis gives them.
func manyLines(count int) []string {
	const statement = "SELECT instances.created_at AS instances_created_at, instances.updated_at AS instances_updated_at, " +
		"instances.deleted_at AS instances_deleted_at, instances.id AS instances_id \\nFROM instances \\nWHERE instances.id = %(id_1)s"
	began := time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC)
	id := func(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012d", n) }
	lines := make([]string, count)
	for i := range count / 2 {
		parent, operation, info := id((i+7)/8), "db", `"db": {"statement": "`+statement+`", "params": {"id_1": 7}}, `
		if i%8 == 0 {
			operation, info = "wsgi", `"request": {"path": "/v2.1/servers/detail", "query": "limit=10", "method": "GET", "scheme": "http"}, `
		}
		line := func(half, info string, at time.Duration) string {
			return fmt.Sprintf(`{"name": "%s-%s", "base_id": "%s", "trace_id": "%s", "parent_id": "%s", "timestamp": "%s", "info": {%s"host": "compute-%d"}, "project": "nova", "service": "osapi_compute"}`,
				operation, half, id(0), id(i+1), parent, osprofiler.FormatTime(began.Add(at)), info, i%16)
		}
		at := time.Duration(i) * 100 * time.Microsecond
		lines[count-1-2*i] = line("start", info, at)
		lines[count-2-2*i] = line("stop", "", at+time.Millisecond)
	}
	return lines
}

func parsed(lines []string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, line := range lines {
			if !yield(osprofiler.ParseNotification(line)) {
				return
			}
		}
	}
}

func BenchmarkReport(b *testing.B) {
	for _, count := range []int{100_000, 1_000_000} {
		lines := manyLines(count)
		for _, mode := range []struct {
			name string
			opts []reader.ReportOption
		}{{"own", nil}, {"upstream", []reader.ReportOption{reader.WithUpstreamAnswers()}}} {
			b.Run(fmt.Sprintf("%d/%s", count, mode.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r, err := reader.BuildReport(parsed(lines), mode.opts...)
					if err != nil || len(r.Children) != 1 {
						b.Fatal(len(r.Children), err)
					}
				}
				b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "notifications/s")
			})
		}
	}
}
