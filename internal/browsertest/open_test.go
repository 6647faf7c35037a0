package browsertest

import (
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/reader"

	_ "github.com/osprofiler-otel/osprofiler/exporter/sql"
)

func TestOpenStackTraces(t *testing.T) {
	for _, path := range openStackTraces(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".report.json"), func(t *testing.T) {
			r := parse(t, path)
			checkRows(t, show(t, r, browser.View{}), r)
		})
	}
}

// TestDemoTraces opens the traces of the demo, which OpenTelemetry made, with attributes,
// events and links.
func TestDemoTraces(t *testing.T) {
	dir := t.TempDir()
	demo := filepath.Join(dir, "otel-demo")
	build := exec.Command("go", "build", "-o", demo, "./examples/otel-demo")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	run := exec.Command(demo)
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("running the demo: %v\n%s", err, out)
	}
	rd, err := reader.Open(t.Context(), "sqlite:///"+filepath.Join(dir, "otel-demo.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	count := 0
	for s, err := range rd.Traces(t.Context(), traceQuery) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		t.Run(s.BaseID, func(t *testing.T) {
			r, err := rd.Report(t.Context(), s.BaseID)
			if err != nil {
				t.Fatal(err)
			}
			w := show(t, r, browser.View{})
			checkRows(t, w, r)
			w.selectOp(0)
			if got := eval[int](w, `document.querySelectorAll('#details [data-section="attributes"]').length`); got == 0 {
				t.Error("the details show no attributes of the span")
			}
		})
	}
	if count != 4 {
		t.Errorf("the demo left %d traces, want 4", count)
	}
}

func TestEmptyTrace(t *testing.T) {
	w := show(t, build(t, func(func(osprofiler.Notification, error) bool) {}), browser.View{})
	if got := w.rowCount(); got != 0 {
		t.Errorf("%d rows, want none", got)
	}
	if !eval[bool](w, `!document.getElementById("tree-empty").hidden && document.getElementById("tree-empty").textContent !== ""`) {
		t.Error("the page does not say that there is nothing")
	}
	for _, tab := range []string{"flame", "services", "stats", "tree"} {
		w.click("#tab-" + tab)
		w.await(`!document.getElementById("view-` + tab + `").hidden`)
	}
	if got := w.count("#stats-table tbody tr, #services-table tbody tr"); got != 0 {
		t.Errorf("the tables have %d rows, want none", got)
	}
}

func TestOddTrace(t *testing.T) {
	const ms = time.Millisecond
	r := build(t, withBadTime(notifications(func(yield func(operation) bool) {
		for _, op := range []operation{
			{name: "wsgi", service: "api", parent: -1, end: 100 * ms},
			{name: "db", service: "api", parent: 0, begin: 10 * ms, half: "start"},
			{name: "db", service: "api", parent: 0, end: 30 * ms, half: "stop"},
			{name: "rpc", service: "api", parent: 4, begin: 20 * ms, end: 30 * ms},                       // a cycle of two
			{name: "rpc", service: "api", parent: 3, begin: 20 * ms, end: 30 * ms},                       //
			{name: "rpc", service: "api", parent: 5, begin: 20 * ms, end: 30 * ms},                       // its own parent
			{name: "orphan", service: "compute", parent: 99, begin: 40 * ms, end: 50 * ms},               // the parent is missing
			{name: "backwards", service: "compute", parent: 0, begin: 60 * ms, end: 55 * ms},             // clocks disagree
			{name: "early", service: "compute", parent: 0, begin: -20 * ms, end: 5 * ms},                 // begins before its parent
			{name: "failed", service: "", parent: 0, begin: 1 * ms, end: 2 * ms, stop: `{"etype": "E"}`}, // no service, no host
		} {
			if !yield(op) {
				return
			}
		}
	})))
	if len(r.Warnings) == 0 {
		t.Fatal("the trace is not odd")
	}
	w := show(t, r, browser.View{})
	checkRows(t, w, r)
	findings := eval[string](w, `document.getElementById("findings").textContent`)
	for _, warning := range r.Warnings {
		if !strings.Contains(findings, warning) {
			t.Errorf("the findings do not have the warning %q:\n%s", warning, findings)
		}
	}
}

// withBadTime adds an operation whose timestamp cannot be read.
func withBadTime(all iter.Seq2[osprofiler.Notification, error]) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for n, err := range all {
			if !yield(n, err) {
				return
			}
		}
		yield(osprofiler.Notification{Name: "when-start", BaseID: baseID, TraceID: "w", ParentID: baseID, Timestamp: "yesterday", Info: `{}`, Service: "api"}, nil)
	}
}

func TestDeepTrace(t *testing.T) {
	r := build(t, notifications(deepTrace(5000)))
	w := show(t, r, browser.View{})
	if got := w.rowCount(); got != 5000 {
		t.Errorf("%d rows, want 5,000", got)
	}
	w.run(`select(4999, { reveal: true, details: true })`)
	w.await(`document.querySelector('.row[data-op="4999"]')?.getAttribute("aria-level") === "5000"`)
	w.await(`document.getElementById("details").dataset.ready === "yes"`)
	w.click("#tab-flame")
	w.settle()
	if got := w.flameColours(); got < 2 {
		t.Errorf("the flame graph has %d colours: nothing is drawn", got)
	}
	w.click("#tab-tree")
	w.click("#collapse-all")
	if got := w.rowCount(); got != 1 {
		t.Errorf("%d rows after Collapse all, want 1", got)
	}
}

func TestLargeTrace(t *testing.T) {
	const count = 100_000
	r := build(t, notifications(largeTrace(count)))
	path := writePage(t, r)
	if info, err := os.Stat(path); err != nil || info.Size() > 15<<20 {
		t.Errorf("the page has %d bytes, want at most 15 MB", info.Size())
	}
	w := openFile(t, path, browser.View{})
	if got := w.rowCount(); got != count {
		t.Errorf("%d rows, want %d", got, count)
	}
	if got := eval[int](w, `document.getElementsByTagName("*").length`); got > 5000 {
		t.Errorf("the page has %d elements: rows are not virtual", got)
	}
	for _, op := range []int{count - 1, 54_321, 0} {
		w.run(fmt.Sprintf(`select(%d, { reveal: true, details: true })`, op))
		w.await(fmt.Sprintf(`document.querySelector('.row[data-op="%d"]')?.offsetParent`, op))
		w.await(fmt.Sprintf(`document.getElementById("details").dataset.op === "%d" && document.getElementById("details").dataset.ready === "yes"`, op))
		if text := eval[string](w, `document.getElementById("details").textContent`); !strings.Contains(text, id(op)) {
			t.Errorf("the details of operation %d do not have its id", op)
		}
	}
	w.search("id_1\": 77777")
	w.await(`document.getElementById("search-count").dataset.busy === "no"`)
	if got := eval[string](w, `document.getElementById("search-count").dataset.found`); got != "1" {
		t.Errorf("the search in all texts finds %s operations, want 1", got)
	}
}
