package reader_test

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// chain yields operations of which each is below the one before, the deepest first.
func chain(levels int) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for i := levels; i > 0; i-- {
			n := osprofiler.Notification{BaseID: "0", TraceID: fmt.Sprint(i), ParentID: fmt.Sprint(i - 1), Info: `{"host": "h"}`, Project: "p", Service: "s"}
			n.Name, n.Timestamp = "a-start", osprofiler.FormatTime(time.Unix(0, int64(i)*1000))
			if !yield(n, nil) {
				return
			}
			n.Name, n.Timestamp = "a-stop", osprofiler.FormatTime(time.Unix(0, int64(3*levels-i)*1000))
			if !yield(n, nil) {
				return
			}
		}
	}
}

// counting counts the bytes that are written.
type counting struct{ bytes int }

func (c *counting) Write(p []byte) (int, error) {
	c.bytes += len(p)
	return len(p), nil
}

// Chains are built, written, read back and drawn without recursion. Time and memory are
// linear in the length.
func TestDeepChains(t *testing.T) {
	const levels = 10_000
	pythons, err := python.BuildReport(chain(levels))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*reader.Report{deep(t, levels), pythons} {
		writeDeep(t, r, levels)
		saved := encode(t, r)
		again, err := reader.ParseReport(saved)
		if err != nil {
			t.Fatal(err)
		}
		if got := encode(t, again); got != saved {
			t.Error("read back, the report is another one")
		}
	}
}

func TestMillionLevels(t *testing.T) {
	levels := 1_000_000
	if raceDetector || testing.Short() {
		levels = 100_000 // the same test in a tenth of the time
	}
	writeDeep(t, deep(t, levels), levels)
	const before, after = `{"info": {"started": 0, "finished": 0}, "children": [`, `]}`
	r, err := reader.ParseReport(`{"info": {}, "stats": {}, "children": [` + strings.Repeat(before, levels) + strings.Repeat(after, levels) + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	checkDepth(t, r, levels)
}

func deep(t *testing.T, levels int) *reader.Report {
	t.Helper()
	r, err := reader.BuildReport(chain(levels))
	if err != nil {
		t.Fatal(err)
	}
	checkDepth(t, r, levels)
	return r
}

func checkDepth(t *testing.T, r *reader.Report, levels int) {
	t.Helper()
	deepest := 0
	for depth := range r.Nodes() {
		deepest = max(deepest, depth)
	}
	if deepest != levels-1 {
		t.Fatalf("%d levels, want %d", deepest+1, levels)
	}
}

func writeDeep(t *testing.T, r *reader.Report, levels int) {
	t.Helper()
	for name, write := range map[string]func(io.Writer) error{
		"json": r.EncodeJSON,
		"text": func(w io.Writer) error { return render.Text(w, r) },
		"dot":  func(w io.Writer) error { return render.Dot(w, r) },
	} {
		var out counting
		if err := write(&out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if per := out.bytes / levels; per > 5000 {
			t.Errorf("%s: %d bytes a level", name, per)
		}
	}
}

// For one operation with very many notifications, and for a cycle through very many
// operations, the time is linear in their number, too.
func TestWideNodesAndLongCycles(t *testing.T) {
	const many = 50_000
	r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
		n := osprofiler.Notification{BaseID: "b", TraceID: "1", ParentID: "b", Timestamp: "2024-05-06T07:08:09.000000"}
		for i := range many {
			n.Name, n.Info = "a-start", osprofiler.Info(fmt.Sprintf(`{"host": "h", "i": %d}`, i/2))
			if i%2 == 1 {
				n.Name = fmt.Sprintf("b%d-start", i)
			}
			for range 2 {
				if !yield(n, nil) {
					return
				}
			}
		}
	})
	if err != nil || len(r.Children[0].Events) != many {
		t.Fatalf("%d events, %v", len(r.Children[0].Events), err)
	}
	r, err = reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
		for i := range many {
			n := osprofiler.Notification{Name: "a-start", BaseID: "b", TraceID: fmt.Sprint(i), ParentID: fmt.Sprint((i + 1) % many),
				Timestamp: osprofiler.FormatTime(time.Unix(0, int64(i)*1000))}
			if !yield(n, nil) {
				return
			}
		}
	})
	operations := 0
	for range r.Nodes() {
		operations++
	}
	if err != nil || operations != many || len(r.Children) != 1 || r.Children[0].TraceID != "0" {
		t.Errorf("%d operations under %d, %v", operations, len(r.Children), err)
	}
}
