package interop

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A trace holds the notifications of one base id.
type trace struct {
	name, baseID  string
	notifications []osprofiler.Notification
}

// hasShortForms reports whether our store writes short forms into the columns. It
// does so for texts that are too long for the columns of Python's driver, for
// U+0000, and for timestamps in another format than Python's. Python reads the
// short forms, or does not find the trace. Our reader restores the original text.
func (tr *trace) hasShortForms() bool {
	for i := range tr.notifications {
		n := &tr.notifications[i]
		at, err := n.Time()
		if err != nil || osprofiler.FormatTime(at) != n.Timestamp {
			return true
		}
		for _, text := range []string{n.Name, n.BaseID, n.TraceID, n.ParentID, n.Project, n.Service} {
			if len(text) > 255 || strings.Contains(text, "\x00") {
				return true
			}
		}
	}
	return false
}

// goldens is the folder with the captures of the reader's tests: real traces of
// OpenStack services, and unusual traces with Python's reports of them.
const goldens = "../../reader/testdata"

func traces(t *testing.T) (all []trace) {
	t.Helper()
	add := func(name string, raws ...string) {
		tr := trace{name: name}
		for _, raw := range raws {
			n, err := osprofiler.ParseNotification(raw)
			if err != nil {
				t.Fatal(err)
			}
			tr.baseID, tr.notifications = n.BaseID, append(tr.notifications, n)
		}
		all = append(all, tr)
	}
	for _, path := range files(t, goldens+"/openstack/*.jsonl", 9) {
		add(path, strings.Split(strings.TrimSpace(read(t, path)), "\n")...)
	}
	list, _ := pyjson.Get(read(t, "../../testdata/trace-a.json"), "notifications")
	add("trace A", elements(list)...)
	for i, path := range files(t, goldens+"/reports/*.json", 26) {
		list, _ := pyjson.Get(read(t, path), "notifications")
		own := fmt.Sprintf("b%07d-0000-4000-8000-000000000000", i+1)
		if raws := elements(strings.ReplaceAll(list, "b0000000-0000-4000-8000-000000000000", own)); len(raws) > 0 {
			add(path, raws...)
		}
	}
	for i, hostile := range []string{
		`' OR 1=1; DROP TABLE data; --`, `%_\\ * [a-z] ?`, `\u0000\u001f\u007f\u2028`, `z\u0142 \ud83d\ude00 \ufffd`,
		strings.Repeat("x", 300), `{\"info\": {}}`, ` `, `NULL`, `12`,
	} {
		at := fmt.Sprintf("2024-05-06T07:08:%02d", 10+i)
		half := func(name, rest string) string {
			return fmt.Sprintf(`{"name": "%[1]s-%[2]s", "base_id": "c%[3]d %[1]s", "trace_id": "t %[1]s", "parent_id": "c%[3]d %[1]s", `+
				`"timestamp": "%[4]s.00000%[5]d", "info": {"%[1]s": ["%[1]s", 18446744073709551616, NaN, -0.0, 1e-7, {"": null}], "host": "%[1]s"}, `+
				`"project": "%[1]s", "service": null%[6]s}`, hostile, name, i, at, len(name), rest)
		}
		add("hostile "+hostile, half("start", ""), half("stop", `, "rack": [1, "%s"]`))
	}
	return all
}

func files(t *testing.T, pattern string, want int) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) != want {
		t.Fatalf("%s: %d files, want %d (%v)", pattern, len(paths), want, err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func elements(list string) (all []string) {
	for raw := range pyjson.Elements(list) {
		all = append(all, raw)
	}
	return all
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Our reader returns the notifications that Python wrote, and our report equals
// Python's.
func TestPythonWritesWeRead(t *testing.T) {
	t.Parallel()
	all := traces(t)
	eachLibrary(t, func(t *testing.T, ask asker) {
		for _, host := range []string{"", "another-host"} {
			path := filepath.Join(t.TempDir(), "python.db")
			what, all := []string{"sql_write", path}, all
			if host != "" {
				what, all = append(what, host), all[9:] // the smaller traces
			}
			ask(t, nil, listOf(all), what...)
			sameNotifications(t, open(t, path), asSent(all, host))
			sameReports(t, ask, path, all)
			sameListing(t, ask, path)
		}
	})
}

// Python's reports and listing of the traces that we wrote equal ours.
func TestWeWritePythonReads(t *testing.T) {
	t.Parallel()
	all := traces(t)
	eachLibrary(t, func(t *testing.T, ask asker) {
		path := filepath.Join(t.TempDir(), "ours.db")
		s := open(t, path)
		for _, tr := range all {
			if err := s.Write(t.Context(), tr.notifications); err != nil {
				t.Fatalf("%s: %v", tr.name, err)
			}
		}
		sameNotifications(t, s, all)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		sameReports(t, ask, path, all)
		sameListing(t, ask, path)
	})
}

// listOf returns the JSON list of all notifications.
func listOf(all []trace) raw {
	var texts []string
	for _, tr := range all {
		for i := range tr.notifications {
			texts = append(texts, tr.notifications[i].JSON())
		}
	}
	return raw("[" + strings.Join(texts, ", ") + "]")
}

// asSent returns the notifications as Python's driver changes them. The driver
// adds a missing project and service. It also adds its own host, which has a
// column of its own. If info has another host, the host is a member beside info.
func asSent(all []trace, host string) []trace {
	sent := make([]trace, len(all))
	for i, tr := range all {
		sent[i] = tr
		sent[i].notifications = nil
		for _, n := range tr.notifications {
			if _, ok := n.Member("project"); !ok {
				n.Project = "python-project"
			}
			if _, ok := n.Member("service"); !ok {
				n.Service = "python-service"
			}
			if _, ok := n.Member("host"); !ok && host != "" && host != n.Info.Host() {
				n = withHost(n, host)
			}
			sent[i].notifications = append(sent[i].notifications, n)
		}
	}
	return sent
}

// withHost adds the member host beside info.
func withHost(n osprofiler.Notification, host string) osprofiler.Notification {
	info := osprofiler.Info(n.JSON()).With("host", string(pyjson.AppendString(nil, host)))
	n, err := osprofiler.ParseNotification(string(info))
	if err != nil {
		panic(err)
	}
	return n
}

// sameNotifications checks that the store returns the notifications of the traces
// unchanged and in the same order, and duplicates once.
func sameNotifications(t *testing.T, s *store.Store, all []trace) {
	t.Helper()
	for _, tr := range all {
		var want, got []osprofiler.Notification
		for _, n := range tr.notifications {
			want = appendNew(want, n)
		}
		for n, err := range s.Notifications(t.Context(), tr.baseID) {
			if err != nil {
				t.Fatalf("%s: %v", tr.name, err)
			}
			got = append(got, n)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d notifications, want %d", tr.name, len(got), len(want))
			continue
		}
		for i := range want {
			if !got[i].Equal(want[i]) {
				t.Errorf("%s: got\n%s\nwant\n%s", tr.name, got[i].JSON(), want[i].JSON())
			}
		}
	}
}

func appendNew(all []osprofiler.Notification, n osprofiler.Notification) []osprofiler.Notification {
	for i := range all {
		if all[i].Timestamp == n.Timestamp && all[i].Equal(n) {
			return all
		}
	}
	return append(all, n)
}

// sameReports checks that Python's answer of our reader equals the report, or the
// failure, of the Python library for each trace.
func sameReports(t *testing.T, ask asker, path string, all []trace) {
	t.Helper()
	var answers raw
	var ids []string
	for _, tr := range all {
		ids = append(ids, tr.baseID)
	}
	ask(t, &answers, ids, "sql_report", path)
	theirs := elements(string(answers))
	if len(theirs) != len(all) {
		t.Fatalf("%d reports of %d traces", len(theirs), len(all))
	}
	r, err := python.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	reports, short := 0, 0
	for i, tr := range all {
		if tr.hasShortForms() {
			short++
			continue
		}
		report, failed := pyjson.Get(theirs[i], "value")
		ours, err := r.Report(t.Context(), tr.baseID)
		if !failed {
			checkFailure(t, tr, theirs[i], err)
			continue
		}
		reports++
		checkReport(t, tr, report, ours, err)
	}
	// Python fails for five unusual traces, in which info, its host, or all starts
	// are missing.
	if reports < len(all)-short-5 || reports == 0 {
		t.Errorf("only %d reports of %d traces, %d of them in short forms", reports, len(all), short)
	}
}

// checkFailure checks that Python's answer of our reader fails where Python fails.
func checkFailure(t *testing.T, tr trace, theirs string, err error) {
	t.Helper()
	// The old library fails for a trace with stops only. Our answer is that of the
	// new library.
	if err == nil && !strings.Contains(theirs, "unsupported operand type(s) for -: 'NoneType'") {
		t.Errorf("%s: we report, Python fails with %s", tr.name, theirs)
	}
}

func checkReport(t *testing.T, tr trace, want string, got *reader.Report, err error) {
	t.Helper()
	checkReportAs(t, func(text string) string { return text }, tr, want, got, err)
}

// checkReportAs compares both reports after a function has transformed them.
func checkReportAs(t *testing.T, as func(string) string, tr trace, want string, got *reader.Report, err error) {
	t.Helper()
	if children, _ := pyjson.Get(want, "children"); children == "[]" {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v; the Python tool says that there is no such trace", tr.name, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v; Python reports", tr.name, err)
		return
	}
	var text bytes.Buffer
	if err := render.JSON(&text, got); err != nil {
		t.Fatal(err)
	}
	if ours := strings.TrimSpace(text.String()); !pyjson.Equal(as(ours), as(want)) {
		t.Errorf("%s: the reports differ:\n%s\nPython's:\n%s", tr.name, pyjson.Compact.Append(nil, ours), want)
	}
}

// sameListing checks that Python's answer of our reader lists the same traces as
// the Python library, in the same order.
func sameListing(t *testing.T, ask asker, path string) {
	t.Helper()
	var want []struct {
		BaseID    string `json:"base_id"`
		Timestamp string `json:"timestamp"`
	}
	ask(t, &want, []string{"base_id", "timestamp"}, "sql_list", path)
	r, err := python.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	i := 0
	for row, err := range r.Traces(t.Context(), python.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got := rowEntry(row)
		if i < len(want) && got.BaseID != want[i].BaseID && strings.HasPrefix(got.BaseID, want[i].BaseID[:2]) {
			want[i].BaseID = got.BaseID // stored in its short form
		}
		if i >= len(want) || got.BaseID != want[i].BaseID || got.Timestamp != want[i].Timestamp {
			t.Fatalf("entry %d is %+v; Python lists %+v", i, got, want)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("we list %d traces, Python %d", i, len(want))
	}
}
