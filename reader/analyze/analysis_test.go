package analyze_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// The self times are computed by hand. Children count where they are inside their parent, and
// overlaps count once.
func TestSelfTimes(t *testing.T) {
	r := report(t, strings.Join([]string{
		"a 0 100", "  b 10 40", "    c 20 60", "  d 30 50", "  e 90 120", "    f - 110", "  g 70 -", "    h 75 80",
	}, "\n"))
	a := analyze.Trace(r)
	for name, want := range map[string]int{
		"a": 100 - 40 - 10 - 10, // b and d cover 10-50, e covers 90-100, and g covers 70-80, which is known of it
		"b": 10,                 // c covers 20-40
		"c": 40, "d": 20,
		"e": 30, // f has no duration, because only its stop is known
		"f": 0, "g": 5, "h": 5,
	} {
		if got := a.Self[indexOf(t, r, name)]; got != time.Duration(want)*time.Millisecond {
			t.Errorf("%s: %v, want %d ms", name, got, want)
		}
	}
}

func TestGaps(t *testing.T) {
	r := report(t, "a 0 10\n  b 2 3\n  c 4 5\nd 30 40\ne 35 37")
	a := analyze.Trace(r)
	var got []string
	for _, g := range a.Gaps {
		got = append(got, fmt.Sprintf("%s %s-%s after %s before %s", nameOf(r, g.Op), ms(g.Begin), ms(g.End), nameOf(r, g.Before), nameOf(r, g.After)))
	}
	want := []string{". 10-30 after a before d", "a 5-10 after c before .", "a 0-2 after . before b", "a 3-4 after b before c"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRepeated(t *testing.T) {
	lines := []string{"list 0 100 path=/servers"}
	for i := range 5 { // one after the other, 10 ms each
		lines = append(lines, fmt.Sprintf("  db %d %d db=SELECT a, b FROM t WHERE id = %d AND name = 'n%d'", 10*i, 10*i+10, i, i))
	}
	for i := range 3 { // side by side
		lines = append(lines, fmt.Sprintf("  http 60 %d url=neutron/v2.0/ports/5c1e8b0a-0000-4000-8000-00000000000%d", 70+i, i))
	}
	lines = append(lines, "  db 80 81 db=SELECT c FROM t WHERE id = 1", "  db 81 82 db=SELECT c FROM t WHERE id = 2", "  other 83 84", "  other 84 85", "  other 85 86")
	r := report(t, strings.Join(lines, "\n"))
	a := analyze.Trace(r)
	if len(a.Repeated) != 3 || a.Repeated[2].Name != "other" {
		t.Fatalf("%+v", a.Repeated)
	}
	db, http := a.Repeated[0], a.Repeated[1]
	if db.Parent != 0 || db.Count != 5 || db.Kind != analyze.Statement || db.What != "SELECT a, b FROM t WHERE id = *** AND name = ***" ||
		ms(db.Total) != "50" || ms(db.Wall) != "50" || ms(db.Critical) != "50" || !slices.Equal(db.Ops, []int{1, 2, 3, 4, 5}) {
		t.Errorf("%+v", db)
	}
	if http.Count != 3 || http.Kind != analyze.Request || http.What != "GET http://neutron:8774/v2.0/ports/{id}" ||
		ms(http.Total) != "33" || ms(http.Wall) != "12" || ms(http.Critical) != "12" {
		t.Errorf("%+v", http)
	}
	for i, n := range a.InRepeated {
		if n != (i >= 1 && i <= 8 || i >= 11) {
			t.Errorf("operation %d: repeated is %v", i, n)
		}
	}
	if len(a.Findings) < 2 || a.Findings[0].Text != "`SELECT … FROM t WHERE id = *** AND name = ***` ran 5 times under one `GET /servers`, for 50.0 ms (50 % of the trace)" {
		t.Errorf("%+v", a.Findings)
	}
}

// Calls have the same label if only their parameters differ.
func TestLabels(t *testing.T) {
	for _, c := range []struct{ attribute, want string }{
		{"db=SELECT 1", "SELECT 1"},
		{"db=SELECT 2", "SELECT ***"},
		{"db=select  *  FROM t WHERE a IN (1,  2, 3) AND b IN ('x')", "select * FROM t WHERE a IN (…) AND b IN (…)"},
		{"db=SELECT a FROM t WHERE a IN (%(a_1)s, %(a_2)s) AND b in (?, ?,?)", "SELECT a FROM t WHERE a IN (…) AND b in (…)"},
		{"db=INSERT INTO t (a, b) VALUES (1, 2), (3, 4)", "INSERT INTO t (a, b) VALUES (…)"},
		{"db=INSERT INTO t (a) VALUES (%(a)s)", "INSERT INTO t (a) VALUES (…)"},
		{"db=SELECT a FROM t WHERE a IN (SELECT b FROM u)", "SELECT a FROM t WHERE a IN (SELECT b FROM u)"},
		{"path=/v3/users/0123456789abcdef0123456789ABCDEF/roles/12", "GET /v3/users/{id}/roles/{id}"},
		{"path=/v2.1/servers/5c1e8b0a-1f2e-4000-8000-000000000001.json?limit=5&marker=x&all", "GET /v2.1/servers/{id}.json?limit=…&marker=…&all"},
		{"path=/deadbeef/v1/2024-01-02", "GET /deadbeef/v1/2024-01-02"},
		{"url=h/a/7", "GET http://h:8774/a/{id}"},
		{"call=nova.compute.manager.build", "nova.compute.manager.build"},
		{"host=h", ""},
	} {
		if got := analyze.Trace(report(t, "a 0 1 "+c.attribute)).Slowest[0].What; got != c.want {
			t.Errorf("%s: %q, want %q", c.attribute, got, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	r := report(t, strings.Join([]string{
		"client 0 100 fail=HTTPError", "  api 1 99 path=/servers", "    rpc 2 50 call=build fail=Timeout", "      db 3 40 fail=DBError db=SELECT 2",
		"    retry 60 70 fail=Timeout", "  lookup 99 100 fail=NotFound", "ok 101 102",
	}, "\n"))
	a := analyze.Trace(r)
	var got []string
	for _, f := range a.Failures {
		got = append(got, fmt.Sprintf("%s %s %s top=%s direct=%v handled=%v", f.Name, f.Exception, f.Message, nameOf(r, f.Top), f.Direct, f.Handled))
	}
	want := []string{
		"lookup NotFound it failed top=client direct=false handled=false", // nothing began after it
		"retry Timeout it failed top=retry direct=true handled=true",      // api did not fail
		"db DBError it failed top=rpc direct=false handled=true",
	}
	if !slices.Equal(got, want) || a.Failed != 5 {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, name := range []string{"client", "rpc", "db"} {
		if is := a.RootFailure[indexOf(t, r, name)]; is != (name == "db") {
			t.Errorf("%s: root is %v", name, is)
		}
	}
	if got := a.Findings[0].Text; got != "`s:lookup` failed: NotFound: it failed; because of it `s:client` failed with HTTPError" {
		t.Error(got)
	}
	if got := a.Findings[2].Text; got != "`SELECT ***` failed: DBError: it failed; because of it `build` failed with Timeout; `GET /servers` above it went on" {
		t.Error(got)
	}
}

// A status of 5xx is a failure, also for the operations above. A status of 4xx is not.
func TestHTTPStatusFails(t *testing.T) {
	r := report(t, "all 0 10 fail=E\n  get 1 2 url=nova/a status=503\nprobe 20 30\n  get 21 22 url=nova/b status=404\n  get 23 24 url=nova/c status=200\ngo 40 50\n  get 41 42 url=nova/d status=500")
	a := analyze.Trace(r)
	var got []string
	for _, f := range a.Failures {
		got = append(got, fmt.Sprint(f.What, " ", f.Exception, " ", nameOf(r, f.Top), " ", f.Handled))
	}
	if want := []string{"GET http://nova:8774/a 503 all false", "GET http://nova:8774/d 500 get true"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if a.Failed != 3 || a.Services[0].Failed != 3 {
		t.Errorf("%d and %d failed, want 3", a.Failed, a.Services[0].Failed)
	}
	if text := a.Findings[0].Text; !strings.Contains(text, "`GET http://nova:8774/a` failed: HTTP 503; because of it `s:all` failed with E") {
		t.Errorf("the finding is %q", text)
	}
	d := analyze.Diff(report(t, "get 1 2 url=nova/a status=200"), report(t, "get 1 2 url=nova/a status=502"))
	if len(d.Changes) != 1 || d.Changes[0].Change != analyze.NowFails || d.B.Failed != 1 {
		t.Errorf("%+v", d)
	}
}

// Failures that were handled do not hide the important one, which has the same error as the
// operation above.
func TestHandledFailures(t *testing.T) {
	r := report(t, strings.Join([]string{
		"root 0 1000 fail=DBDeadlock", "  cache 10 20 fail=KeyError", "  lookup 20 30 fail=NotFound", "  probe 30 40 fail=Timeout",
		"  boot 50 900 fail=DBDeadlock", "    commit 60 880 fail=DBDeadlock", "  log 910 920 fail=IOError",
	}, "\n"))
	var got []string
	for _, f := range analyze.Trace(r).Findings[:3] {
		got = append(got, f.Text)
	}
	want := []string{
		"`s:commit` failed: DBDeadlock: it failed; the failure reached all operations up to `s:root`",
		"`s:log` failed: IOError: it failed; `s:root` above it went on",
		"`s:probe` failed: Timeout: it failed; `s:root` above it went on; and 2 other kinds of failures",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A failure of a retried call was handled.
func TestRetriedCall(t *testing.T) {
	a := analyze.Trace(report(t, "root 0 100 fail=E\n  a 1 2 fail=Refused\n  a 3 4 fail=Refused\n  a 5 6\n  b 7 8"))
	if len(a.Failures) != 3 || a.Failures[0].Name != "root" || a.Failures[0].Handled || !a.Failures[1].Handled || a.Failures[1].Op != 2 {
		t.Errorf("%+v", a.Failures)
	}
}

func TestSkew(t *testing.T) {
	r := report(t, "a 10 100 host=h1\n  b 7 50 host=h2\n  c 60 55\n  d - 5\n  e 5 50 host=h1")
	s := analyze.Trace(r).Skew // one host has one clock, whatever e says
	if s.Count != 2 || ms(s.Max) != "5" || nameOf(r, s.Op) != "c" {
		t.Errorf("%+v", s)
	}
	for trace, want := range map[string]string{
		"a 10 100 host=h1\n  b 7 50 host=h2": "Clocks disagree by at least 3.00 ms: `s:b` on h2 begins before its parent `s:a` on h1",
		"a 10 100\n  c 60 55":                "`s:c` stops 5.00 ms before it starts: its clock was set back, or its halves come from two clocks",
	} {
		findings := analyze.Trace(report(t, trace)).Findings
		if last := findings[len(findings)-1]; last.Text != want {
			t.Errorf("got  %s\nwant %s", last.Text, want)
		}
	}
}

// A clock that is wrong is corrected, if a child on another host is outside of its parent.
func TestCorrectedClocks(t *testing.T) {
	for name, c := range map[string]struct{ trace, path, skew string }{
		"ahead": {
			"a 0 30 host=h\n  b 0 10 host=h\n    w 15 25 host=h2\n      d 17 18 host=h2\n  c 10 30 host=h\n    x 27 35 host=h2",
			"w 0-2, d 2-3, w 3-10, c 10-12, x 12-20, c 20-30", "1 5 3",
		},
		"behind":                   {"a 100 130 host=h\n  w 40 60 host=h2", "a 0-5, w 5-25, a 25-30", "1 40 1"},
		"a cast is no wrong clock": {"a 0 30 host=h\n  f 40 50 host=h2 call=f", "a 0-30, . 30-40, f 40-50", "0 0 0"},
		"too long to be inside":    {"a 0 30 host=h\n  w 40 90 host=h2", "a 0-30, . 30-40, w 40-90", "0 0 0"},
		"one host has one clock":   {"a 0 30 host=h\n  w 40 50 host=h", "a 0-30, . 30-40, w 40-50", "0 0 0"},
		"barely outside":           {"a 0 30 host=h\n  w 20 31 host=h2", "a 0-20, w 20-31", "0 0 0"},
	} {
		r := report(t, c.trace)
		a := analyze.Trace(r)
		got := pathOf(r, a)
		if name == "behind" { // the report begins with w
			c.path = "a 60-65, w 65-85, a 85-90"
			got = strings.TrimPrefix(got, ". 0-60, ")
		}
		if got != c.path {
			t.Errorf("%s: got %s, want %s", name, got, c.path)
		}
		if s := a.Skew; fmt.Sprintf("%d %s %d", s.Count, ms(s.Max), s.Moved) != c.skew {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// The sums by service and by operation, and the slowest operations.
func TestSums(t *testing.T) {
	r := report(t, "a 0 100 path=/x\n  db 10 30 db=SELECT a FROM t WHERE i = 1\n  db 40 90 db=SELECT a FROM t WHERE i = 2\n    f 50 60 fail=E\n  g 95 -")
	a := analyze.Trace(r)
	if len(a.Services) != 1 || a.Services[0].Count != 5 || a.Services[0].Failed != 1 || a.Services[0].Incomplete != 1 || ms(a.Services[0].Total) != "180" {
		t.Errorf("%+v", a.Services)
	}
	first := a.Operations[0]
	if first.Name != "db" || first.Count != 2 || ms(first.Total) != "70" || ms(first.Max) != "50" || ms(first.Self) != "60" || ms(first.Critical) != "60" || first.Op != 1 {
		t.Errorf("%+v", first)
	}
	if s := a.Slowest; len(s) != 4 || s[0].Name != "a" || s[1].Op != 2 || ms(s[1].Duration) != "50" || ms(s[1].Self) != "40" {
		t.Errorf("%+v", s)
	}
}

// The findings of a whole trace, from the failures to the times.
func TestFindings(t *testing.T) {
	r := report(t, strings.Join([]string{
		"a 0 400 path=/a", "  b 10 20 call=f", "  c 390 395 call=g fail=E", "d 600 1000 path=/d", "  e 650 - call=h",
	}, "\n"))
	var got []string
	for _, f := range analyze.Trace(r).Findings {
		got = append(got, string(f.Kind)+" "+f.Text)
	}
	want := []string{
		"failure `g` failed: E: it failed; `GET /a` above it went on",
		"incomplete `h` has no stop: it hung or still runs, its process died, or the stop was lost; the trace ended 350 ms after its start",
		"critical `GET /d` itself took 400 ms (40 % of the trace); 350 ms of that in one piece after `h`",
		"critical `GET /a` itself took 385 ms (39 % of the trace); 370 ms of that in one piece between `f` and `g`",
		"gap No operation ran for 200 ms (20 % of the trace), between `GET /a` and `GET /d`",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A trace with nothing to say has no findings.
func TestNoFindings(t *testing.T) {
	for _, trace := range []string{"", "a 0 10", "a 5 5"} {
		if f := analyze.Trace(report(t, trace)).Findings; len(f) > 0 {
			t.Errorf("%q: %+v", trace, f)
		}
	}
	if f := analyze.Trace(&reader.Report{}).Findings; f == nil || len(f) > 0 {
		t.Errorf("%+v", f)
	}
}

// A hostile text cannot control a terminal, and its length is bounded.
func TestHostileTexts(t *testing.T) {
	all := parse(t, "a 0 100 fail=E\n  b 1 60\n  c 61 99 path=/x")
	all[0].fail = "E\x1b[2J\u202e" + strings.Repeat("long", 10_000)
	all[1].name = "\x1b]0;x\x07`\n;" + strings.Repeat("n", 100_000)
	all[2].set("path", "/\u202e\x9b31m\x00 "+strings.Repeat("é", 5_000))
	a := analyze.Trace(build(t, all))
	if len(a.Findings) < 3 {
		t.Fatalf("%+v", a.Findings)
	}
	for _, f := range a.Findings {
		if strings.ContainsAny(f.Text, "\x1b\x07\n\u202e\u009b\x00") || len(f.Text) > 2000 {
			t.Errorf("%d bytes: %.300q", len(f.Text), f.Text)
		}
	}
	for _, s := range a.Slowest {
		if len(s.What) > 1000 {
			t.Errorf("a call of %d bytes", len(s.What))
		}
	}
}
