package analyze_test

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// shapes are trees that would need very much time or stack with an algorithm that is
// recursive, or quadratic in the depth or in the number of children.
var shapes = map[string]func(count int) []spec{
	"one parent, equal calls": func(count int) []spec {
		return wide(count, func(int) string { return "SELECT a FROM t WHERE id = 1" }, func(i int) (int, int) { return i, i + 1 })
	},
	"one parent, different calls": func(count int) []spec {
		return wide(count, func(i int) string { return fmt.Sprintf("SELECT a%d FROM t", i) }, func(i int) (int, int) { return i, i + 1 })
	},
	"one parent, all at once": func(count int) []spec {
		return wide(count, func(i int) string { return fmt.Sprintf("SELECT a FROM t%d", i/3) }, func(int) (int, int) { return 0, count })
	},
	"one parent, each within the one before": func(count int) []spec {
		return wide(count, func(int) string { return "SELECT 1" }, func(i int) (int, int) { return i, 2*count - i })
	},
	"one parent, each overlaps the next": func(count int) []spec {
		return wide(count, func(int) string { return "SELECT 1" }, func(i int) (int, int) { return i, i + count })
	},
	"a chain": func(count int) (all []spec) {
		for i := range count {
			all = append(all, spec{parent: i - 1, name: "a", begin: i, end: 2*count - i})
		}
		return all
	},
	"a chain in which each ends after its parent": func(count int) (all []spec) {
		for i := range count {
			all = append(all, spec{parent: i - 1, name: fmt.Sprint("n", i), begin: i, end: count + i, fail: "E"})
		}
		return all
	},
	"a chain of halves": func(count int) (all []spec) {
		for i := range count {
			all = append(all, spec{parent: i - 1, name: "a", begin: i, end: -1})
		}
		return all
	},
	"a chain with a child at each level": func(count int) (all []spec) {
		for i := 0; i < count; i += 2 {
			all = append(all, spec{parent: i - 2, name: "a", begin: i, end: 3*count - i}, spec{parent: i, name: fmt.Sprint("b", i), begin: i + 1, end: 3*count - i - 1})
		}
		all[0].parent = -1
		return all
	},
	"all at the top": func(count int) []spec {
		all := wide(count, func(int) string { return "SELECT 1" }, func(i int) (int, int) { return i, i + 1 })[1:]
		for i := range all {
			all[i].parent = -1
		}
		return all
	},
}

// wide returns a parent with children.
func wide(count int, statement func(i int) string, times func(i int) (begin, end int)) []spec {
	all := []spec{{parent: -1, name: "root", begin: 0, end: 2 * count}}
	for i := range count - 1 {
		begin, end := times(i)
		all = append(all, spec{parent: 0, name: "db", begin: begin, end: end, info: map[string]any{"db": map[string]any{"statement": statement(i)}}})
	}
	return all
}

// Hostile shapes take about as long as ordinary ones. A quadratic algorithm would need
// 10,000,000,000 steps and minutes.
func TestShapes(t *testing.T) {
	count := 100_000
	if testing.Short() || raceDetector {
		count = 10_000
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			all := shape(count)
			r := direct(t, all)
			if got := len(names(r)); got != len(all) {
				t.Fatalf("the tree has %d operations, want %d", got, len(all))
			}
			begun := time.Now()
			a := analyze.Trace(r)
			analyzed := time.Since(begun)
			checkPath(t, a)
			checkSums(t, a)
			if d := analyze.Diff(r, r); len(d.Changes) > 0 {
				t.Errorf("%d changes", len(d.Changes))
			}
			var written bounded
			if err := analyze.Folded(&written, r); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d operations: analysed in %v, with all else %v; %d bytes of JSON, %d of stacks", len(all), analyzed, time.Since(begun), len(text), written)
		})
	}
}

// direct makes a report directly from operations in tree order, without notifications.
func direct(t tester, all []spec) *reader.Report {
	t.Helper()
	nodes := make([]reader.Node, len(all))
	r := &reader.Report{BaseID: "b"}
	for i, s := range all {
		n := &nodes[i]
		*n = reader.Node{Name: s.name, Project: "p", Service: "s", TraceID: fmt.Sprint("t", i), Timed: true, Exact: true, Failed: s.fail != "", Exception: s.fail}
		n.Begin, n.End = time.Duration(s.begin)*time.Microsecond, time.Duration(s.end)*time.Microsecond
		if s.end < 0 {
			n.End, n.Incomplete = n.Begin, reader.NoStop
		}
		info, err := json.Marshal(s.info)
		if err != nil {
			t.Fatal(err)
		}
		n.Events = []reader.Event{{Name: s.name + "-start", Payload: `{"info": ` + string(info) + `}`}}
		if s.parent < 0 {
			r.Children = append(r.Children, n)
		} else {
			nodes[s.parent].Children = append(nodes[s.parent].Children, n)
		}
	}
	return r
}

type bounded int

func (b *bounded) Write(p []byte) (int, error) {
	*b += bounded(len(p))
	return len(p), nil
}

// realistic returns a trace of requests with statements and calls of other services.
func realistic(count int) (all []spec) {
	for i := range count {
		s := spec{parent: (i - 1) / 20, name: "db", begin: i, end: i + 40, info: map[string]any{}}
		switch i % 20 {
		case 0:
			s.parent, s.name, s.end = i/20-1, "wsgi", i+2000
			s.set("path", fmt.Sprintf("/v2.1/servers/%032x", i))
		case 1:
			s.set("url", fmt.Sprintf("neutron/v2.0/ports/%032x", i))
		default:
			s.info["db"] = map[string]any{"statement": fmt.Sprintf("SELECT instances.id AS instances_id, instances.uuid FROM instances WHERE instances.id = %d AND x%d = 'a'", i, i%50)}
		}
		all = append(all, s)
	}
	return all
}

func BenchmarkTrace(b *testing.B) {
	r := benchReport(b)
	for b.Loop() {
		analyze.Trace(r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/operation")
}

func BenchmarkDiff(b *testing.B) {
	r := benchReport(b)
	for b.Loop() {
		analyze.Diff(r, r)
	}
}

func BenchmarkFolded(b *testing.B) {
	r := benchReport(b)
	for b.Loop() {
		if err := analyze.Folded(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}

// benchReport returns a trace of 100,000 operations.
func benchReport(b *testing.B) *reader.Report {
	b.Helper()
	b.ReportAllocs()
	return direct(b, realistic(100_000))
}
