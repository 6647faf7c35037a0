package reader_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// A report that the Python tool saved is read and written again, byte for byte.
func TestParseReportOfPython(t *testing.T) {
	for _, path := range openstack(t) {
		saved, err := os.ReadFile(path + ".report.json")
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, string(saved))
	}
	for _, name := range goldenNames(t) {
		if g := readGolden(t, name); g.Error == "" {
			checkRoundTrip(t, indented(string(g.Report)))
		}
	}
	for _, name := range []string{"testdata/show_a.json", "testdata/show_a.sql.json"} {
		saved, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, string(saved))
	}
}

func checkRoundTrip(t *testing.T, saved string) {
	t.Helper()
	r, err := reader.ParseReport(saved)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(saved, encode(t, r)); diff != "" {
		t.Errorf("read and written again (-want +got):\n%s", diff)
	}
}

// A report that this package saved is read back with every field, except those that are not
// in the JSON.
func TestParseReportOfOurs(t *testing.T) {
	var reports []*reader.Report
	for _, path := range openstack(t) {
		r, err := reader.BuildReport(sequence(t, readLines(t, path+".jsonl")...))
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	for _, name := range goldenNames(t) {
		r, err := reader.BuildReport(readGolden(t, name).sequence(t))
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	reports = append(reports, own(t,
		event("a-start", "1", "b", 2000), event("a-start", "1", "b", 1000), event("a-stop", "1", "b", 500, `"service": 5`, `"project": ""`),
		event("b-stop", "2", "1", 3000, `"info": {"host": 7, "etype": ["x"]}`), event("c#2-start", "3", "", 0, `"timestamp": "soon"`, `"trace_id": 9`),
	))
	for _, want := range reports {
		got, err := reader.ParseReport(encode(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(reader.Report{}, reader.Node{}), cmpopts.EquateEmpty(),
			cmp.Comparer(func(a, b reader.Event) bool {
				return a.Name == b.Name && a.Nth == b.Nth && sameJSON(a.Payload, b.Payload)
			})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		checkRoundTrip(t, encode(t, want))
	}
}

// goodReport is the smallest report. The tests change something in it.
const goodReport = `{"info": {"name": "total", "started": 0, "finished": 1, "last_trace_started": 0}, "children": [` +
	`{"info": {"name": "a", "started": 0, "finished": 1}, "trace_id": "t1", "parent_id": "b", "children": []}], "stats": {"a": {"count": 1, "duration": 1}}}`

// changed returns goodReport with one change.
func changed(t *testing.T, from, to string) string {
	t.Helper()
	text := strings.Replace(goodReport, from, to, 1)
	if text == goodReport && from != to {
		t.Fatalf("%q does not stand in the report", from)
	}
	return text
}

// A text is refused only if it is not a JSON object with a list of children.
func TestParseReportErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{goodReport, ``, "a saved report should be a JSON object: invalid JSON at byte 0: the text ends too early"},
		{goodReport, `<html></html>`, "the web page contains no whole report: it is cut off, or neither osp nor the Python tool wrote it"},
		{goodReport, `<html><script>var OSProfilerData = {"children": [`, "the web page contains no whole report: it is cut off, or neither osp nor the Python tool wrote it"},
		{goodReport, `[]`, `a saved report should be a JSON object, not "[]"`},
		{`}}}`, `}}`, "a saved report should be a JSON object: invalid JSON at byte 245: the text ends too early"},
		{`"children": [{`, `"kids": [{`, `this is no saved report: the report should have a list of children`},
		{goodReport, `{"children": null}`, `this is no saved report: the report should have a list of children, not "null"`},
	} {
		text := changed(t, c.from, c.to)
		r, err := reader.ParseReport(text)
		if err == nil || err.Error() != c.want || r != nil {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, c.want)
		}
	}
	var syntax *osprofiler.SyntaxError
	if _, err := reader.ParseReport("{"); !errors.As(err, &syntax) {
		t.Errorf("%v should be a syntax error", err)
	}
}

// The Python tool prints each of these reports as it is. The tree has everything that can be
// read.
func TestParseReportIsLenient(t *testing.T) {
	const badStats = "the stats of the report should have a count and a duration for each name; they are computed from the tree"
	for _, c := range []struct{ from, to, shape, warning string }{
		{`"info"`, `"info"`, "a 0-1", ""},
		{`"info": {"name": "total", "started": 0, "finished": 1, "last_trace_started": 0}, `, ``, "a 0-1", ""},
		{`{"name": "total", "started": 0, "finished": 1, "last_trace_started": 0}`, `7`, "a 0-1", `"info" of the report should be an object, not "7"`},
		{`, "stats": {"a": {"count": 1, "duration": 1}}`, ``, "a 0-1", ""}, // osprofiler before 1.4.0
		{`{"a": {"count": 1, "duration": 1}}`, `null`, "a 0-1", ""},
		{`{"a": {"count": 1, "duration": 1}}`, `[]`, "a 0-1", `"stats" of the report should be an object, not "[]"`},
		{`{"count": 1, "duration": 1}`, `7`, "a 0-1", badStats},
		{`"count": 1, `, ``, "a 0-1", badStats},
		{`"count": 1`, `"count": true`, "a 0-1", badStats},
		{`"last_trace_started": 0`, `"last_trace_started": 0.5`, "a 0-1", ""},
		{`"last_trace_started": 0`, `"last_trace_started": "0"`, "a 0-1", `the report: "last_trace_started" should be a number of milliseconds, not "\"0\""`},
		{`"children": []`, `"children": null`, "a 0-1", ""},
		{`"children": []`, `"children": {}`, "a 0-1", `the children of the operation "t1" should be a list, not "{}"`},
		{`"children": []`, `"children": [5, {}]`, "a 0-1 [ 0-0 no time]", `among the children of the operation "t1" is "5", which is no object`},
		{`, "children": []`, ``, "a 0-1", ""},
		{`"trace_id": "t1", "parent_id": "b", "children": []`, `"parent_id": "b"`, "a 0-1", ""},
		{`{"name": "a", "started": 0, "finished": 1}`, `null`, " 0-0 no time", ""},
		{`{"name": "a", "started": 0, "finished": 1}`, `[]`, " 0-0 no time", `"info" of the operation "t1" should be an object, not "[]"`},
		{`"a", "started": 0`, `"a", "started": "0"`, "a 1-1 no start", `the operation "t1": "started" should be a number of milliseconds, not "\"0\""`},
		{`"a", "started": 0`, `"a", "started": 99999999999999999999`, "a 1-1 no start", `the operation "t1": "started" should be a number of milliseconds, not "99999999999999999999"`},
		{`"a", "started": 0, "finished": 1`, `"a", "started": NaN, "finished": 1.9`, "a 1-1 no start", `the operation "t1": "started" should be a number of milliseconds, not "NaN"`},
		{`"a", "started": 0, `, `"a", `, "a 1-1 no start", ""},
		{`"a", "started": 0, "finished": 1`, `"a", "started": 0`, "a 0-0 no stop", ""},
	} {
		text := changed(t, c.from, c.to)
		r, err := reader.ParseReport(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		wantShape(t, r, c.shape)
		if got := strings.Join(r.Warnings, "; "); got != c.warning {
			t.Errorf("%s\nwarns %s\nwant  %s", text, got, c.warning)
		}
		if len(r.Stats) == 0 {
			t.Errorf("%s: no stats", text)
		}
		checkRoundTrip(t, indented(text))
		draw(t, r)
	}
}

// The warnings of a report with many odd values are bounded.
func TestParseReportBoundsItsWarnings(t *testing.T) {
	r, err := reader.ParseReport(`{"children": [` + strings.Repeat("1, ", 999) + `1]}`)
	if err != nil || len(r.Warnings) != 21 {
		t.Fatalf("%v, %d warnings", err, len(r.Warnings))
	}
	if want := "980 more values of the saved report have an unexpected type"; r.Warnings[20] != want {
		t.Errorf("got %q, want %q", r.Warnings[20], want)
	}
}

// If stats are missing, they are computed as the report would have had them.
func TestParseReportComputesStats(t *testing.T) {
	for _, path := range openstack(t) {
		want, err := reader.BuildReport(sequence(t, readLines(t, path+".jsonl")...))
		if err != nil {
			t.Fatal(err)
		}
		saved := encode(t, want)
		got, err := reader.ParseReport(strings.Replace(saved, `"stats": {`, `"statistics": {`, 1))
		if err != nil {
			t.Fatal(err)
		}
		byName := cmpopts.SortSlices(func(a, b reader.Stat) bool { return a.Name < b.Name })
		if diff := cmp.Diff(want.Stats, got.Stats, byName); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// A page of the Python tool contains the report.
func TestParseReportOfAPage(t *testing.T) {
	for _, page := range []string{
		"\uFEFF<!doctype html>\n<script>var OSProfilerData = " + goodReport + ";\n</script>",
		"<html><script>$scope.tree = [" + goodReport + "];</script>",
		"\uFEFF" + goodReport,
	} {
		r, err := reader.ParseReport(page)
		if err != nil {
			t.Fatal(err)
		}
		wantShape(t, r, "a 0-1")
		if got := encode(t, r); got != indented(goodReport) {
			t.Errorf("written it is %s", got)
		}
	}
}

// Bytes that are not UTF-8 are read as U+FFFD, one for each sequence of them, as in
// notifications.
func TestParseReportOfBytes(t *testing.T) {
	r, err := reader.ParseReport("{\"info\": {}, \"stats\": {}, \"children\": [], \"warnings\": [\"a\xff\xfeb\"]}")
	if err != nil {
		t.Fatal(err)
	}
	wantWarnings(t, r, "a\uFFFDb")
	if got := encode(t, r); !strings.Contains(got, `"a\ufffdb"`) {
		t.Errorf("written it is %s", got)
	}
}

// Unknown members, repeated keys and any order are kept.
func TestParseReportKeepsWhatItDoesNotKnow(t *testing.T) {
	checkRoundTrip(t, indented(`{"version": 1.50, "stats": {}, "children": [{"children": [], "x": [{}], "info": {"started": null, "name": 5, "meta.raw_payload.a-start": "text"}},
		{"trace_id": null, "children": [], "info": {"finished": 1, "more": {"a": null}, "started": -5, "exception": {}}, "tail": "é"}], "info": {}, "warnings": "none"}`))
}

// A time that is too far from another one for a duration causes a warning, not a wrong
// duration.
func TestParseReportOfHugeTimes(t *testing.T) {
	for _, times := range []string{
		`"started": 9223372036854775807, "finished": -9223372036854775808`,
		`"started": -4611686018427387904, "finished": 4611686018427387904`,
		`"started": 0, "finished": 1e300`,
	} {
		report, err := reader.ParseReport(`{"children": [{"info": {"name": "a", ` + times + `}, "children": []}]}`)
		if err != nil || len(report.Warnings) == 0 || !strings.Contains(report.Warnings[0], "should be a number of milliseconds") {
			t.Errorf("%s: %v, %v", times, err, report)
		}
	}
}
