package browsertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// The search finds all texts, also those that only the embedded report contains.
func TestSearch(t *testing.T) {
	r := volume(t)
	w := show(t, r, browser.View{})
	for _, text := range []string{"SELECT 1", "osapi_volume", "6a138074-fa57-4932-8396-7fd2e9f50b76", "attach_status='detached'", "tom łódzki", "nothing has this text"} {
		var want []int
		i := 0
		for _, n := range r.Nodes() {
			if containsText(n, text) {
				want = append(want, i)
			}
			i++
		}
		w.search(text)
		if got := eval[[]int](w, `Array.from(search.ops)`); !slices.Equal(got, want) {
			t.Errorf("%q: the search finds %v, want %v", text, got, want)
		}
	}

	w.search("SELECT 1")
	found := eval[[]int](w, `Array.from(search.ops)`)
	selected := func() int { return eval[int](w, `state.selected`) }
	w.press(kb.Enter)
	if got := selected(); got != found[0] {
		t.Errorf("Enter goes to %d, want %d", got, found[0])
	}
	w.press(kb.Enter)
	w.press(kb.Enter)
	if got := selected(); got != found[2] {
		t.Errorf("Enter goes to %d, want %d", got, found[2])
	}
	w.press(kb.Enter, chromedp.ModifierShift)
	if got := selected(); got != found[1] {
		t.Errorf("Shift+Enter goes to %d, want %d", got, found[1])
	}
	w.click("#search-next")
	w.click("#search-previous")
	if got := selected(); got != found[1] || w.count(".row.found") == 0 {
		t.Errorf("the buttons go to %d, want %d", got, found[1])
	}
	w.press(kb.Escape)
}

// containsText reports whether an operation contains a text. The ids are in the
// payloads.
func containsText(n *reader.Node, text string) bool {
	wanted := strings.ToLower(text)
	escaped := strings.Trim(strconv.QuoteToASCII(wanted), `"`)
	for _, e := range n.Events {
		if payload := strings.ToLower(e.Payload); strings.Contains(payload, wanted) || strings.Contains(payload, escaped) {
			return true
		}
	}
	return slices.ContainsFunc([]string{n.Name, n.Service, n.Host, n.Project, n.TraceID}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), wanted)
	})
}

// A filter leaves the operations that match, and their ancestors.
func TestFilters(t *testing.T) {
	failed := parse(t, "../../reader/testdata/openstack/06-client-bad-password.report.json")
	for _, c := range []struct {
		name    string
		report  *reader.Report
		set     func(w *window)
		matches func(n *reader.Node, i int, a *analyze.Analysis) bool
	}{
		{"service", volume(t), selectService("cinder-volume"), func(n *reader.Node, _ int, _ *analyze.Analysis) bool { return n.Service == "cinder-volume" }},
		{"name", volume(t), func(w *window) { w.fill("#filter-name", "RPC") }, func(n *reader.Node, _ int, _ *analyze.Analysis) bool { return n.Name == "rpc" }},
		{"at least", volume(t), func(w *window) { w.fill("#filter-duration", "40 ms") }, atLeast(40 * time.Millisecond)},
		{"at least, in µs", volume(t), func(w *window) { w.fill("#filter-duration", "600us") }, atLeast(600 * time.Microsecond)},
		{"critical", volume(t), func(w *window) { w.click("#filter-critical") }, func(_ *reader.Node, i int, a *analyze.Analysis) bool { return a.Critical[i] > 0 }},
		{"repeated", volume(t), func(w *window) { w.click("#filter-repeated") }, func(_ *reader.Node, i int, a *analyze.Analysis) bool { return a.InRepeated[i] }},
		{"failed", failed, func(w *window) { w.click("#filter-failed") }, func(n *reader.Node, _ int, _ *analyze.Analysis) bool { return n.Failed }},
		{"two", volume(t), func(w *window) { w.fill("#filter-name", "wsgi"); w.fill("#filter-duration", "100") }, func(n *reader.Node, i int, a *analyze.Analysis) bool {
			return n.Name == "wsgi" && atLeast(100*time.Millisecond)(n, i, a)
		}},
		{"nothing", volume(t), func(w *window) { w.fill("#filter-name", "no such name") }, func(*reader.Node, int, *analyze.Analysis) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := show(t, c.report, browser.View{})
			w.click("#collapse-all")
			before := w.rowCount()
			c.set(w)
			want, matches := filtered(c.report, c.matches)
			w.await(fmt.Sprintf(`document.getElementById("filter-count").dataset.matches === "%d"`, matches))
			w.settle()
			var got []int
			for _, row := range w.rows() {
				got = append(got, row.Op)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the rows (-want +got):\n%s", diff)
			}
			if len(want) == 0 && eval[bool](w, `document.getElementById("tree-empty").hidden`) {
				t.Error("the page does not say that nothing matches")
			}
			w.click("#filter-clear")
			w.settle()
			if got := w.rowCount(); got != before {
				t.Errorf("%d rows after Clear, want the %d of before", got, before)
			}
		})
	}
}

func selectService(name string) func(w *window) {
	return func(w *window) {
		w.run(fmt.Sprintf(`const s = document.getElementById("filter-service");
			s.value = [...s.options].find((o) => o.textContent.includes(%q)).value; s.dispatchEvent(new Event("input", { bubbles: true }))`, name))
	}
}

func atLeast(least time.Duration) func(n *reader.Node, i int, a *analyze.Analysis) bool {
	return func(n *reader.Node, _ int, _ *analyze.Analysis) bool {
		d, ok := n.Elapsed()
		return ok && d >= least
	}
}

// filtered returns the operations that match or have a match below them.
func filtered(r *reader.Report, matches func(*reader.Node, int, *analyze.Analysis) bool) (ops []int, count int) {
	a, i := analyze.Trace(r), 0
	var open []int
	kept := map[int]bool{}
	for depth, n := range r.Nodes() {
		open = append(open[:depth], i)
		if matches(n, i, a) {
			count++
			for _, op := range open {
				kept[op] = true
			}
		}
		i++
	}
	for op := range i {
		if kept[op] {
			ops = append(ops, op)
		}
	}
	return ops, count
}

func TestStatsSort(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.click("#tab-stats")
	names := func() string {
		return strings.Join(eval[[]string](w, `[...document.querySelectorAll("#stats-table tbody tr th")].map((e) => e.textContent)`), " ")
	}
	sorted := func() string {
		return eval[string](w, `[...document.querySelectorAll("#stats-table thead th")].filter((e) => e.ariaSort !== "none").map((e) => e.textContent + " " + e.ariaSort).join()`)
	}
	for _, c := range []struct{ column, order, names string }{
		{"", "Total descending", "wsgi rpc db driver"},
		{"Count", "Count descending", "db wsgi rpc driver"},
		{"Count", "Count ascending", "driver rpc wsgi db"},
		{"Name", "Name ascending", "db driver rpc wsgi"},
	} {
		if c.column != "" {
			w.run(fmt.Sprintf(`[...document.querySelectorAll("#stats-table thead button")].find((b) => b.textContent === %q).click()`, c.column))
		}
		if sorted() != c.order || names() != c.names {
			t.Errorf("after %q: %s: %s, want %s: %s", c.column, sorted(), names(), c.order, c.names)
		}
	}
	counts := eval[[]string](w, `[...document.querySelectorAll("#stats-table tbody tr")].map((e) => e.children[1].textContent)`)
	if diff := cmp.Diff([]string{"42", "1", "2", "4"}, counts); diff != "" {
		t.Errorf("the counts (-want +got):\n%s", diff)
	}
}

func TestServices(t *testing.T) {
	r := volume(t)
	w := show(t, r, browser.View{})
	w.click("#tab-services")
	table := w.text("#services-table")
	for _, s := range analyze.Trace(r).Services {
		if !strings.Contains(table, s.Service) || !strings.Contains(table, strconv.Itoa(s.Count)) {
			t.Errorf("the services do not have %q with %d operations: %s", s.Service, s.Count, table)
		}
	}
}

// A list that the analysis cut off shows its full length.
func TestCutLists(t *testing.T) {
	const children = 143
	w := show(t, build(t, notifications(func(yield func(operation) bool) {
		if !yield(operation{name: "all", service: "s", parent: -1, end: 2 * children * time.Millisecond}) {
			return
		}
		for i := range children {
			at := time.Duration(2*i) * time.Millisecond
			if !yield(operation{name: fmt.Sprint("child", i%5), service: "s", parent: 0, begin: at, end: at + time.Millisecond, stop: `{"etype": "E"}`}) {
				return
			}
		}
	})), browser.View{})
	for section, want := range map[string]string{
		"critical": "Critical path (100 of 144)", "slowest": "Slowest operations (20 of 144)", "gaps": "Gaps (20 of 143)", "repeated": "Repeated calls (5)", "failures": "Failures (143)",
	} {
		if got := w.text(fmt.Sprintf(`#findings [data-section=%q] summary`, section)); got != want {
			t.Errorf("the heading is %q, want %q", got, want)
		}
	}
}

// A finding about more than a hundred operations steps through the first hundred of them.
func TestFindingOfManyOperations(t *testing.T) {
	w := show(t, build(t, notifications(func(yield func(operation) bool) {
		for i := range 143 {
			at := time.Duration(i) * time.Millisecond
			if !yield(operation{name: "op", service: "s", parent: -1, begin: at, end: at + time.Millisecond, stop: `{"etype": "E"}`}) {
				return
			}
		}
	})), browser.View{})
	w.run(`document.querySelector("#findings .finding button").click()`)
	if got := w.text("#findings .finding .position"); !strings.HasPrefix(got, "1 of the first 100 of 143") {
		t.Errorf("the finding says %q", got)
	}
}

func TestFindings(t *testing.T) {
	r := parse(t, "../../reader/testdata/openstack/03-keystone-user-create.report.json")
	w := show(t, r, browser.View{})
	a := analyze.Trace(r)
	if got := w.count("#findings .finding"); got != len(a.Findings) || got == 0 {
		t.Fatalf("%d findings, want %d", got, len(a.Findings))
	}
	for i, f := range a.Findings {
		if len(f.Ops) == 0 {
			continue
		}
		w.run(fmt.Sprintf(`document.querySelectorAll("#findings .finding")[%d].querySelector("button").click()`, i))
		if got := eval[int](w, `state.selected`); got != f.Ops[0] {
			t.Errorf("finding %d goes to operation %d, want %d", i, got, f.Ops[0])
		}
	}
}

// The search finds values regardless of the text after the hit, and does not find the
// names of JSON members.
func TestSearchOfTextsLikeNames(t *testing.T) {
	infos := []string{
		`{"db": {"statement": "SELECT 1", "params": {"needle": 1}}, "host": "h"}`,                                                          // a name
		`{"function": {"name": "f", "args": "{\"needle\": 1}", "kwargs": ""}, "host": "h"}`,                                                // a text with JSON
		`{"function": {"name": "f", "args": "say \"needle\": 1", "kwargs": ""}, "host": "h"}`,                                              // a text with a quotation
		`{"a": [1, "needle"], "host": "h"}`,                                                                                                //
		`{"a": ["needle\\"], "host": "h"}`,                                                                                                 // a backslash at the end
		`{"needle": 1, "a": {"b": "the needle\":"}, "host": "h"}`,                                                                          // both
		`{"a": {"the \"needle\" is a name": 1}, "host": "h"}`,                                                                              //
		`{"a": {"needle` + strings.Repeat("x", 1000) + `": 1}, "host": "h"}`,                                                               //
		`{"otel": "{\"resourceSpans\": [{\"needle\": [{\"x\": {\"stringValue\": \"y\"}}]}]}", "host": "h"}`,                                // a name of OTLP
		`{"otel": "{\"resourceSpans\": [{\"key\": \"needle\", \"value\": {\"stringValue\": \"a \\\"needle\\\": b\"}}]}", "host": "h"}`,     // a value of OTLP
		`{"otel": "{\"resourceSpans\": [{\"key\": \"k\", \"value\": {\"stringValue\": \"é \\\"needle\\\": b\"}}]}", "host": "h"}`,          //
		`{"a": "` + strings.Repeat("x", 300_000) + `", "b": "\"needle\":", "needle": "` + strings.Repeat("y", 300_000) + `", "host": "h"}`, // over chunks
		`{"a": "` + strings.Repeat("x", 300_000) + `", "b": "z", "needle": "` + strings.Repeat("y", 300_000) + `", "host": "h"}`,           //
		`{"a": "\u00e9\"needle\u00e9\": z", "host": "h"}`,                                                                                  //
	}
	w := show(t, build(t, notifications(func(yield func(operation) bool) {
		for i, info := range infos {
			at := time.Duration(i) * time.Millisecond
			if !yield(operation{name: "op", service: "s", parent: -1, begin: at, end: at + time.Millisecond, start: osprofiler.Info(info)}) {
				return
			}
		}
	})), browser.View{})
	for text, want := range map[string][]int{
		"needle":      {1, 2, 3, 4, 5, 9, 10, 11, 13},
		`"needle"`:    {1, 2, 3, 9, 10, 11},        // the quotation marks around 3 are those of JSON
		`needle":`:    {0, 1, 2, 5, 9, 10, 11, 12}, // also names, because the text is more than a name
		`needle\`:     {4},
		"éneedle":     nil,
		`é"needleé":`: {13},
	} {
		w.search(text)
		if got := eval[[]int](w, `Array.from(search.ops)`); !slices.Equal(got, want) {
			t.Errorf("%q: the search finds %v, want %v", text, got, want)
		}
	}
}
