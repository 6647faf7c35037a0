package sql_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// listTraces is a script that prints the listing of the Python library's
// driver, one JSON object a line, with the fields in each line of the standard
// input.
const listTraces = `
import json, sys
from osprofiler.drivers.sqlalchemy_driver import SQLAlchemyDriver
for line in sys.stdin:
    fields = json.loads(line)
    print(json.dumps([json.dumps(row) for row in SQLAlchemyDriver(sys.argv[1]).list_traces(fields)]))
`

// Any column is a field of the listing of Python's driver, in the order of the
// table's columns. Other fields are left out.
func TestPythonFields(t *testing.T) {
	onDatabases(t, func(t *testing.T, at string) {
		s := open(t, at)
		odd := event("B", "y-stop")
		odd.Project, odd.Timestamp = "", ""
		odd.Info = `{"etype": "ValueError", "message": "é ✓ \"quoted\" \\ \n", "list": [1, 2.5, null], "host": "other"}`
		batch := []osprofiler.Notification{event("A", "x-start"), event("A", "x-stop"), odd, event(strings.Repeat("é", 300), "long-start")}
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		all := [][]string{
			{"id", "name", "data"}, {"base_id"}, {"base_id", "timestamp"}, {"nothing"}, {"service", "unknown", "project"},
			{"data", "name", "service", "host", "project", "trace_id", "parent_id", "base_id", "timestamp", "id"},
		}
		var input strings.Builder
		for _, fields := range all {
			text, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			input.Write(append(text, '\n'))
		}
		url, _, _ := strings.Cut(at, "?osp_sync")
		cmd := exec.CommandContext(t.Context(), testenv.Python(t), "-c", listTraces, url)
		cmd.Stdin = strings.NewReader(input.String())
		output, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		for i, fields := range all {
			var want, got []string
			if err := json.Unmarshal([]byte(lines[i]), &want); err != nil {
				t.Fatal(err)
			}
			for row, err := range s.PythonAnswers().Traces(t.Context(), fields) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q\ngot  %s\nwant %s", fields, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
		}
	})
}
