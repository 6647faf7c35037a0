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

// What the Python tool saved is read and written again to the byte.
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

// What we saved is the report that it was: every field, but those that only
// the JSON has.
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

// The smallest report, with something wrong or unusual in it each time.
func TestParseReportErrors(t *testing.T) {
	const good = `{"info": {"name": "total", "started": 0, "finished": 1, "last_trace_started": 0}, "children": [` +
		`{"info": {"name": "a", "started": 0, "finished": 1}, "trace_id": "t1", "parent_id": "b", "children": []}], "stats": {"a": {"count": 1, "duration": 1}}}`
	if _, err := reader.ParseReport(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{good, ``, "a saved report should be a JSON object: invalid JSON at byte 0: the text ends too early"},
		{good, `[]`, `a saved report should be a JSON object, not "[]"`},
		{`}}}`, `}}`, "a saved report should be a JSON object: invalid JSON at byte 245: the text ends too early"},
		{`"info": {"name": "total", "started": 0, "finished": 1, "last_trace_started": 0}, `, ``, `this is no saved report: "info" is missing`},
		{`{"name": "total", "started": 0, "finished": 1, "last_trace_started": 0}`, `7`, `this is no saved report: "info" should be an object, not "7"`},
		{`"stats"`, `"statistics"`, `this is no saved report: "stats" is missing`},
		{`"last_trace_started": 0`, `"last_trace_started": 0.5`, `this is no saved report: "last_trace_started" should be a whole number, not "0.5"`},
		{`"children": [{`, `"kids": [{`, `this is no saved report: the report should have a list of children`},
		{`"children": []`, `"children": {}`, `this is no saved report: the children of the operation "t1" should be a list, not "{}"`},
		{`"children": []`, `"children": [5]`, `this is no saved report: among the children of the operation "t1" is "5", which is no object`},
		{`, "children": []`, ``, `this is no saved report: the operation "t1" should have a list of children`},
		{`"trace_id": "t1", "parent_id": "b", "children": []`, `"parent_id": "b"`, `this is no saved report: an operation without trace_id should have a list of children`},
		{`{"name": "a", "started": 0, "finished": 1}`, `null`, `this is no saved report: the operation "t1": "info" should be an object, not "null"`},
		{`"a", "started": 0`, `"a", "started": "0"`, `this is no saved report: the operation "t1": "started" should be a whole number, not "\"0\""`},
		{`"a", "started": 0`, `"a", "started": 99999999999999999999`, `this is no saved report: the operation "t1": "started" should be a whole number, not "99999999999999999999"`},
		{`"a", "started": 0, `, `"a", `, `this is no saved report: the operation "t1": "started" and "finished" should both be there or both be null`},
		{`{"count": 1, "duration": 1}`, `7`, `this is no saved report: the stats of "a" should have a count and a duration, not "7"`},
		{`"count": 1`, `"count": true`, `this is no saved report: the stats of "a": "count" should be a whole number, not "true"`},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if text == good {
			t.Fatalf("%q does not stand in the report", c.from)
		}
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

// Bytes that are no UTF-8 are U+FFFD, one for each stretch, as in notifications.
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
