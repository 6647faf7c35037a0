package elasticsearch_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/hostile"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// usualInfos are infos of the first documents in an index. They give its fields
// types that many hostile documents do not fit: number, text, object, array, date,
// boolean.
var usualInfos = []string{
	`{"host": "h", "db": {"statement": "SELECT 1", "params": "{}"}}`,
	`{"host": "h", "etype": "ValueError", "message": "no"}`,
	`{"host": "h", "request": {"path": "/v2.1/servers", "method": "GET", "query": "", "scheme": "http"}}`,
	`{"host": "h", "function": {"name": "f", "args": "(1,)", "kwargs": "{}"}}`,
	`{"host": "h", "conflict": 1, "size": 1.5, "flag": true, "when": "2024-05-06", "items": [1, 2], "details": {"a": {"b": "text"}}}`,
}

// usualDocuments returns the documents of a trace as Python's driver writes them, and
// as notifications of this package.
func usualDocuments(t *testing.T) (lines string, all []osprofiler.Notification) {
	t.Helper()
	id := osprofiler.NewID()
	for i, info := range usualInfos {
		line := fmt.Sprintf(`{"name": "wsgi-start", "base_id": "%s", "trace_id": "%s", "parent_id": "%s", "timestamp": "2024-05-06T07:08:0%d.000010", "info": %s, "project": "nova", "service": "api"}`,
			id, osprofiler.NewID(), id, i, info)
		compact := strings.NewReplacer(`": `, `":`, `, "`, `,"`, `[1, 2]`, `[1,2]`).Replace(line) // as Python's client writes it
		n, err := osprofiler.ParseNotification(compact)
		if err != nil {
			t.Fatal(err)
		}
		lines, all = lines+compact+"\n", append(all, n)
	}
	return lines, all
}

// byPython writes the first documents with the Python library's driver, whose
// client works with Elasticsearch 7 only.
func byPython(t *testing.T, url, index, lines string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), "testdata/notify.py", url, index)
	var output bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(lines), &output, &output
	if err := cmd.Run(); err != nil {
		t.Fatalf("Python: %v\n%s", err, output.String())
	}
}

// asPython sends the first documents as Python's driver does, but without the
// mapping type that newer servers do not know.
func asPython(t *testing.T, b bare, index, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		b.do(http.MethodPost, "/"+index+"/_doc", line)
	}
}

// Each document is read back unchanged from an index that Python's documents made,
// whatever its info is. The test uses a thousand documents in the index of Python's own
// driver, and 50,000 on each server with testenv.Soak.
func TestConflictsInDynamicIndex(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		isPython := strings.HasSuffix(t.Name(), "/elasticsearch7")
		count := 250
		switch {
		case testenv.Soak():
			count = 50_000
		case isPython:
			count = 1_000
		}
		at, index := newPlace(t, url, "osp_refresh=false")
		lines, usual := usualDocuments(t)
		b := newBare(t, url)
		if isPython {
			byPython(t, url, index, lines)
		} else {
			asPython(t, b, index, lines)
		}
		s := open(t, at)
		all := hostile.Notifications(1, count)
		hostile.Write(t, s, all)
		b.do(http.MethodPost, "/"+index+"/_refresh", "")
		all = append(all, usual...)
		hostile.Check(t, s, all)
	})
}
