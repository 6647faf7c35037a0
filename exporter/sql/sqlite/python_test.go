package sqlite_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// pythonDriver is a script that runs the Python library's own driver on the file. The job
// "notify" writes the notifications of the standard input, "report" prints the list of
// traces and their reports, "rows" prints the table.
const pythonDriver = `
import json, sys
from osprofiler.drivers.sqlalchemy_driver import SQLAlchemyDriver
job, path = sys.argv[1:]
d = SQLAlchemyDriver("sqlite:///" + path, project="proj", service="serv", host="host-1")
if job == "notify":
    for n in json.load(sys.stdin):
        d.notify(n)
elif job == "report":
    ids = [t["base_id"] for t in d.list_traces({"base_id"})]
    reports = []
    for i in ids:
        one = SQLAlchemyDriver("sqlite:///" + path)
        reports.append(one.get_report(i))
    json.dump({"ids": ids, "reports": reports}, sys.stdout)
else:
    for row in d._conn.execute("SELECT timestamp, base_id, parent_id, trace_id, project, host, service, name, data FROM data ORDER BY id"):
        print(json.dumps(list(row)))
`

func runDriver(t *testing.T, job, path, input string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), "-c", pythonDriver, job, path)
	cmd.Stdin = strings.NewReader(input)
	var errors strings.Builder
	cmd.Stderr = &errors
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("Python's driver: %v\n%s", err, &errors)
	}
	return string(output)
}

// handed returns notifications as a service passes them to the driver, which
// adds its project, service and host.
func handed() string {
	const usual = `"trace_id": "T", "parent_id": "P", "timestamp": "2024-05-06T07:08:09.000010"`
	return `[
{"name": "wsgi-start", "base_id": "A", ` + usual + `, "info": {"request": {"path": "/v1", "query": "a=1"}, "host": "host-1"}},
{"name": "db-start", "base_id": "A", ` + usual + `, "info": {"db": {"statement": "SELECT 'é ✓ 😀 \u0000 \ud800'", "params": [1, 2.5, 1e+16, NaN, 18446744073709551616]}, "host": "host-1"}},
{"name": "x-stop", "base_id": "A", ` + usual + `, "info": {"etype": "ValueError", "message": null, "host": "host-2"}},
{"name": "x-stop", "base_id": "A", ` + usual + `, "info": {}},
{"name": "own-start", "base_id": "A", ` + usual + `, "info": {"host": "host-1"}, "project": "own", "service": null, "host": "other", "extra": {"a": 1}},
{"name": "x-start", "base_id": "A", "trace_id": null, "parent_id": null, "timestamp": null, "info": {"host": "host-1"}},
{"name": "bare-start", "base_id": "A"}
]`
}

// We can read what Python's driver writes, and would write it in the same way.
func TestPythonWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "python.db")
	runDriver(t, "notify", path, handed())
	s, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var got []osprofiler.Notification
	for n, err := range s.Notifications(t.Context(), "A") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	i := 0
	for raw := range pyjson.Elements(strings.ReplaceAll(handed(), "\n", " ")) {
		want := asStored(t, raw)
		if i >= len(got) || !got[i].Equal(want) {
			t.Fatalf("%d: got\n%s\nwant\n%s", i, got[min(i, len(got)-1)].JSON(), want.JSON())
		}
		i++
	}
	again, ours := openNew(t)
	write(t, again, got...)
	theirRows, ourRows := rows(t, path), rows(t, ours)
	for i := range theirRows {
		if !slices.Equal(theirRows[i], ourRows[i]) {
			t.Errorf("row %d\nPython's   %q\nours       %q", i, theirRows[i], ourRows[i])
		}
	}
}

// asStored returns the notification in the row that the Python library's driver wrote.
func asStored(t *testing.T, raw string) osprofiler.Notification {
	t.Helper()
	n, err := osprofiler.ParseNotification(raw)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(n.JSON(), "}")
	for _, m := range [][2]string{{"project", `"proj"`}, {"service", `"serv"`}} {
		if _, ok := n.Member(m[0]); !ok {
			text += `, "` + m[0] + `": ` + m[1]
		}
	}
	if _, ok := n.Member("host"); !ok && n.Info.Host() != "host-1" {
		text += `, "host": "host-1"` // the driver's host, which is not in info
	}
	switch n.Name {
	case "bare-start": // the driver turns a missing member into None
		text += `, "parent_id": null`
	case "x-start": // and None into NULL
		text = strings.NewReplacer(`"trace_id": null, `, "", `"timestamp": null, `, "").Replace(text)
	}
	if n, err = osprofiler.ParseNotification(text + "}"); err != nil {
		t.Fatal(err)
	}
	return n
}

func rows(t *testing.T, path string) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(runDriver(t, "rows", path, "")) {
		var values []*string
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatal(err)
		}
		var row []string
		for _, value := range values {
			if value == nil {
				value = new(string)
				*value = "NULL"
			}
			row = append(row, *value)
		}
		rows = append(rows, row)
	}
	return rows
}

// Python's driver can read what we write, even if the columns do not hold everything.
func TestPythonReads(t *testing.T) {
	s, path := openNew(t)
	long := strings.Repeat("n", 300)
	for i, id := range []string{"A", strings.Repeat("b", 300), "c\x00"} {
		start, stop := event(id, "wsgi-start", "2024-05-06T07:08:09.000010"), event(id, "wsgi-stop", "2024-05-06T07:08:10Z")
		stop.TraceID = start.TraceID
		child, end := event(id, long+"-start", "2024-05-06T07:08:09.5"), event(id, long+"-stop", "2024-05-06 07:08:09.75")
		child.ParentID, end.ParentID, end.TraceID = start.TraceID, start.TraceID, child.TraceID
		if i == 1 {
			start.Project, stop.Service = long, ""
		}
		write(t, s, start, child, end, stop)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	type node struct {
		Info     struct{ Name, Project, Host string }
		Children []node
	}
	var got struct {
		IDs     []string
		Reports []node
	}
	if err := json.Unmarshal([]byte(runDriver(t, "report", path, "")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.IDs) != 3 || got.IDs[0] != "A" || len(got.Reports) != 3 {
		t.Fatalf("Python lists the traces %q", got.IDs)
	}
	for i, report := range got.Reports {
		if len(report.Children) != 1 || report.Children[0].Info.Name != "wsgi" || report.Children[0].Info.Host != "h" ||
			len(report.Children[0].Children) != 1 || !strings.HasPrefix(report.Children[0].Children[0].Info.Name, "nnn") {
			t.Errorf("trace %d: Python's report is %+v", i, report)
		}
	}
}
