package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// agePattern matches the column of a listing that changes with the day.
var agePattern = regexp.MustCompile(`  (\d+ \w+ (ago|from now)|now) +`)

func TestListText(t *testing.T) {
	got := osp(t, "", "trace", "list", "--connection-string", openstackStore(t)).succeeded(t)
	golden(t, "list.txt", agePattern.ReplaceAllString(got, "  <age>  "))
}

func TestListErrorTraces(t *testing.T) {
	s := openstackStore(t)
	got := osp(t, "", "trace", "list", "--error-trace", "True", "--connection-string", s).succeeded(t)
	golden(t, "list-errors.txt", agePattern.ReplaceAllString(got, "  <age>  "))
	for _, same := range [][]string{{"--error-trace"}, {"--error-trace=true"}, {"--error-trace", "True"}} {
		args := append([]string{"trace", "list", "--connection-string", s}, same...)
		if other := osp(t, "", args...).succeeded(t); other != got {
			t.Errorf("%q lists\n%swant\n%s", same, other, got)
		}
	}
	all := osp(t, "", "trace", "list", "--connection-string", s).succeeded(t)
	if off := osp(t, "", "trace", "list", "--error-trace", "False", "--connection-string", s).succeeded(t); off != all {
		t.Errorf("--error-trace False lists\n%swant all\n%s", off, all)
	}
}

// manyTraces writes a store with n traces of one notification each, one minute apart.
// The traces are not in the order of time. The newest is trace n-1.
func manyTraces(t *testing.T, n int) (connectionString string, begin time.Time) {
	t.Helper()
	begin = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var text strings.Builder
	for i := range n {
		k := (i*7 + 3) % n // 7 and n have no common divisor
		e := osprofiler.Notification{
			Name: "wsgi-start", BaseID: traceName(k), TraceID: osprofiler.NewID(), ParentID: traceName(k),
			Timestamp: osprofiler.FormatTime(begin.Add(time.Duration(k) * time.Minute)),
			Info:      `{"host": "api-1"}`, Project: "nova", Service: "api",
		}
		text.WriteString(e.JSON() + "\n")
	}
	path := filepath.Join(t.TempDir(), "many.jsonl")
	writeFile(t, path, text.String())
	return "file://" + path, begin
}

func traceName(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }

func listed(t *testing.T, stdout string) (ids []string) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		var row struct {
			BaseID    string `json:"base_id"`
			Timestamp string `json:"timestamp"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		ids = append(ids, row.BaseID)
	}
	return ids
}

func TestListLimits(t *testing.T) {
	const n = 250
	s, begin := manyTraces(t, n)
	clock := func(minutes int) string { return begin.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339) }
	tests := []struct {
		args        []string
		newest, len int
	}{
		{nil, n - 1, 100},
		{[]string{"--limit", "0"}, n - 1, n},
		{[]string{"--limit", "250"}, n - 1, n},
		{[]string{"--limit", "249"}, n - 1, 249},
		{[]string{"--limit=1"}, n - 1, 1},
		{[]string{"--since", clock(245)}, n - 1, 5},
		{[]string{"--until", clock(5)}, 4, 5},
		{[]string{"--since", clock(10), "--until", clock(20), "--limit", "3"}, 19, 3},
		{[]string{"--since", "2026-11-22"}, n - 1, 100},
	}
	for _, tt := range tests {
		r := osp(t, "", append([]string{"trace", "list", "--json", "--connection-string", s}, tt.args...)...)
		ids := listed(t, r.stdout)
		if r.code != exitDone || len(ids) != tt.len || r.stderr != "" {
			t.Errorf("%q: exit code %d, %d traces, stderr %q; want 0, %d, and no hint without a terminal", tt.args, r.code, len(ids), r.stderr, tt.len)
			continue
		}
		for i, id := range ids {
			if id != traceName(tt.newest-i) {
				t.Errorf("%q: row %d is %s; want %s", tt.args, i, id, traceName(tt.newest-i))
				break
			}
		}
	}
}

// The messages for a store without traces and for flags that match no trace differ.
func TestListNothing(t *testing.T) {
	dir := t.TempDir()
	s, _ := manyTraces(t, 10)
	file := strings.TrimPrefix(s, "file://")
	writeFile(t, filepath.Join(dir, "empty.jsonl"), "")
	writeFile(t, filepath.Join(dir, "damaged.jsonl"), "{\n")
	if r := osp(t, dir, "forward", "--from", "file://"+dir+"/empty.jsonl", "--to", "sqlite:///"+dir+"/empty.db"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for _, tt := range []struct{ args, want string }{
		{"--connection-string file://DIR/empty.jsonl", `the file "DIR/empty.jsonl" has no traces`},
		{"--connection-string file://DIR/empty.jsonl --service api --failed", `the file "DIR/empty.jsonl" has no traces`},
		{"--connection-string file://DIR/empty.jsonl --json", `the file "DIR/empty.jsonl" has no traces`},
		{"--connection-string file://DIR/empty.jsonl --python", `the file "DIR/empty.jsonl" has no traces`},
		{"--connection-string sqlite:///DIR/empty.db", "empty.db\" has no traces"},
		{"--connection-string file://DIR/damaged.jsonl", `the file "DIR/damaged.jsonl" has no traces that can be read`},
		{"--since 2030-01-01 --connection-string " + s, `no trace of the file "` + file + `" matches --since 2030-01-01T00:00:00Z`},
		{"--since 2030-01-01 --python --connection-string " + s, `no trace of the file "` + file + `" matches --since 2030-01-01T00:00:00Z`},
		{
			"--failed --service no\x1b --min-duration 1m30s --until 2030-01-01 --connection-string " + s,
			`no trace of the file "` + file + `" matches --until 2030-01-01T00:00:00Z --service "no\x1b" --failed --min-duration 1m30s`,
		},
		{"--request-id req-9 --connection-string " + s, `no trace of the file "` + file + `" matches --request-id "req-9"`},
		{"--error-trace --connection-string " + s, `no trace of the file "` + file + `" matches --error-trace`},
	} {
		r := osp(t, dir, append([]string{"trace", "list"}, strings.Fields(strings.ReplaceAll(tt.args, "DIR", dir))...)...)
		if r.code != exitDone || r.stdout != "" || !strings.HasSuffix(r.stderr, strings.ReplaceAll(tt.want, "DIR", dir)+"\n") {
			t.Errorf("%s: %+v\nwant %s", tt.args, r, tt.want)
		}
	}
}

// --failed, --service and --min-duration leave out rows of the whole listing.
func TestListFilters(t *testing.T) {
	s := openstackStore(t)
	list := func(args ...string) (rows []map[string]any) {
		for line := range strings.Lines(osp(t, "", append([]string{"trace", "list", "--json", "--connection-string", s}, args...)...).succeeded(t)) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		return rows
	}
	all := list()
	longer := func(ms float64) func(row map[string]any) bool {
		return func(row map[string]any) bool { return row["duration"].(float64) >= ms }
	}
	of := func(id string) func(row map[string]any) bool {
		return func(row map[string]any) bool { return row["base_id"] == id }
	}
	failed := func(row map[string]any) bool { return row["failures"].(float64) > 0 && row["failed"].(bool) }
	for _, tt := range []struct {
		args  string
		wants func(row map[string]any) bool
	}{
		{"--failed", failed},
		{"--failed=false", func(map[string]any) bool { return true }},
		{"--min-duration 500ms", longer(500)},
		{"--min-duration 5.088686s", longer(5088.686)},
		{"--min-duration 0.5600005s", longer(560.0005)},
		{"--min-duration 0", func(map[string]any) bool { return true }},
		{"--min-duration 400ms --failed --service inventory-sync", func(row map[string]any) bool {
			return longer(400)(row) && failed(row) && row["service"] == "inventory-sync"
		}},
		// keystoneauth wrote the request id into the text of its error.
		{"--request-id req-b89b5dad-cd63-4bd3-b577-ca229af58914", of("735a3bb2-9624-4584-b0b5-0928768a8820")},
		{"--request-id 5ee5d602-20d7-4f3c-aa40-8eccd17dfb97", of("08887a1d-52ac-48ac-a836-f6f5a0a821be")},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(row map[string]any) bool { return !tt.wants(row) })
		if got := list(strings.Fields(tt.args)...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%v\nwant\n%v", tt.args, got, want)
		}
	}
	for _, args := range [][]string{
		{"--min-duration", "soon"}, {"--min-duration", "-1s"}, {"--min-duration", "5"}, {"--min-duration", "2h ago"}, {"--time-zone", "Mars"},
		{"--python", "--failed"}, {"--python", "--min-duration", "1s"}, {"--python", "--request-id", "req-1"}, {"--request-id", ""}, {"--request-id", "req-1 req-2"},
	} {
		r := osp(t, "", append([]string{"trace", "list", "--connection-string", s}, args...)...)
		if r.code != exitUsage || strings.Contains(r.stderr, "time: ") {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// The command ends without an error if the reader of its output ends early.
func TestListBrokenPipe(t *testing.T) {
	s, _ := manyTraces(t, 9999)
	cmd := exec.Command("sh", "-c", `"$0" trace list --limit 0 --connection-string "$1" | head -n 1`, ospBinary, s)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != 1 || !strings.HasPrefix(string(out), "BASE ID") {
		t.Errorf("%v, output %q; want the first row alone", err, out)
	}
}

// The content of a store cannot control the terminal.
func TestListHostileText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hostile.jsonl")
	n := osprofiler.Notification{
		Name: "x-start", BaseID: "\x1b]0;owned\x07\nline", TraceID: "t", ParentID: "p",
		Timestamp: "\x1b[2J", Info: `{"host": "h"}`,
	}
	writeFile(t, path, n.JSON()+"\n")
	out := osp(t, "", "trace", "list", "--connection-string", "file://"+path).succeeded(t)
	if strings.ContainsAny(out, "\x1b\x07") || strings.Count(out, "\n") != 2 {
		t.Errorf("control characters reach the terminal: %q", out)
	}
	if rows := osp(t, "", "trace", "list", "--json", "--connection-string", "file://"+path).succeeded(t); listed(t, rows)[0] != n.BaseID {
		t.Errorf("--json lists %q", rows)
	}
}

// With --python, a SQL store is listed in the order of its rows; by default it is not.
func TestListPython(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := manyTraces(t, 250)
	if r := osp(t, dir, "forward", "--from", s, "--to", "sqlite:///many.db"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	list := func(args ...string) result {
		return osp(t, dir, append([]string{"trace", "list", "--json", "--python", "--connection-string", "sqlite:///many.db"}, args...)...)
	}
	ids := listed(t, list().succeeded(t))
	if len(ids) != 250 || ids[0] != traceName(3) || ids[1] != traceName(10) {
		t.Errorf("%d traces, the first %q; want all, in the order of the rows", len(ids), ids[:2])
	}
	for _, args := range [][]string{{"--error-trace"}, {"--error-trace", "False"}} {
		if r := list(args...); r.code != exitFailed || r.stdout != "" {
			t.Errorf("%q: %+v; want exit code 1, as Python's driver cannot list error traces", args, r)
		}
	}
}

// --upstream is the older name of --python.
func TestUpstreamIsPython(t *testing.T) {
	t.Parallel()
	s := openstackStore(t)
	const id = "2130e762-6fff-43b5-a1a2-be4dbd944bd2"
	for _, args := range [][]string{{"trace", "list"}, {"trace", "list", "--json"}, {"trace", "show", id, "--json"}, {"trace", "show", id, "--dot"}} {
		args = append(args, "--connection-string", s)
		got := osp(t, "", append(args, "--upstream")...).succeeded(t)
		if want := osp(t, "", append(args, "--python")...).succeeded(t); got != want {
			t.Errorf("%q: with --upstream\n%.300s\nwith --python\n%.300s", args, got, want)
		}
	}
}

// --json writes the whole summary, in addition to the two members of the Python library's
// rows.
func TestListSummaries(t *testing.T) {
	s := openstackStore(t)
	const want = `{"base_id": "1740482c-5a17-4e6a-8d63-6942b6601abb", "timestamp": %q, ` +
		`"first_timestamp": "2026-11-22T07:22:49.349697", "last_timestamp": "2026-11-22T07:22:54.438383", "name": "wsgi-start", ` +
		`"service": "public", "project": "keystone", "first_failure": "2026-11-22T07:22:54.438383", "failed": true, "notifications": 18, "operations": 10, "failures": 1, "duration": 5088.686}`
	for timestamp, args := range map[string][]string{
		"2026-11-22T07:22:49.349697": {"--service", "public", "--until", "2026-11-22T07:26Z"},
		"2026-11-22T07:22:54.438383": {"--error-trace"},
	} {
		got := osp(t, "", append([]string{"trace", "list", "--json", "--limit", "1", "--connection-string", s}, args...)...).stdout
		if got != fmt.Sprintf(want, timestamp)+"\n" {
			t.Errorf("%q: %s\nwant %s", args, got, fmt.Sprintf(want, timestamp))
		}
	}
	rows := listed(t, osp(t, "", "trace", "list", "--json", "--service", "inventory-sync", "--connection-string", s).succeeded(t))
	if len(rows) != 2 {
		t.Errorf("%d traces of the service, want 2", len(rows))
	}
	if r := osp(t, "", "trace", "list", "--service", "nosuch", "--connection-string", s); r.code != exitDone || r.stdout != "" {
		t.Errorf("traces of a service that is not there: %+v", r)
	}
}

func TestListFields(t *testing.T) {
	s := openstackStore(t)
	list := func(args ...string) string {
		return osp(t, "", append([]string{"trace", "list", "--connection-string", s}, args...)...).succeeded(t)
	}
	got := list("--error-trace", "--fields", "name, info.request.path,nosuch,base_id ")
	want := "name              info.request.path  nosuch            base_id\n" +
		"wsgi-start        /v3/auth/tokens                      1740482c-5a17-4e6a-8d63-6942b6601abb\n" +
		"wsgi-start        /v3/auth/tokens                      08887a1d-52ac-48ac-a836-f6f5a0a821be\n" +
		"login-start                                            735a3bb2-9624-4584-b0b5-0928768a8820\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	got = list("--error-trace", "--json", "--fields", "info.request.path", "--fields", "project")
	want = `{"info": {"request": {"path": "/v3/auth/tokens"}}, "project": "keystone"}` + "\n" +
		`{"info": {"request": {"path": "/v3/auth/tokens"}}, "project": "keystone"}` + "\n" +
		`{"info": {}, "project": "inventory"}` + "\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for line := range strings.Lines(list("--python", "--json", "--fields", "name,project")) {
		var row map[string]string
		if err := json.Unmarshal([]byte(line), &row); err != nil || len(row) != 2 || row["project"] == "" || !strings.HasSuffix(row["name"], "-start") {
			t.Errorf("with --python a row is %q (%v)", line, err)
		}
	}
	if r := osp(t, "", "__complete", "trace", "list", "--fields", "name,info."); !strings.Contains(r.stdout, "name,info.request.path\n") {
		t.Errorf("completion offers %q", r.stdout)
	}
}
