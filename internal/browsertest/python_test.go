package browsertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// pythonShows are all expressions with which the page of the Python tool shows
// something of a trace. `data` is an operation. `column` is each member of its info
// except its notifications, and `metadata` is the JSON of these.
var pythonShows = []string{
	"column", "data.info.finished - data.info.started", "data.info.host || \"n/a\"", "data.info.name", "data.info.project || \"n/a\"",
	"data.info.service || \"n/a\"", "data.level * 5", "data.level || 0", "modal.info.metadata", "modal.info[column]",
	"vm.getStarted(data)", "vm.getWidth(data)", "(data.is_leaf) ? 'cloud' : ((hide_children) ? 'plus': 'minus')",
}

// Our page of each trace shows everything that the page of the newest Python library
// shows. The test makes our page from Python's page.
func TestAllOfPythonsPage(t *testing.T) {
	python := testenv.NewPython(t)
	for _, path := range openStackTraces(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			page := filepath.Join(t.TempDir(), "python.html")
			show := exec.Command(filepath.Join(filepath.Dir(python), "osprofiler"), "trace", "show", "--connection-string", "redis://", "--html", "--out", page, path)
			if out, err := show.CombinedOutput(); err != nil {
				t.Fatalf("the Python tool: %v\n%s", err, out)
			}
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			checkExpressions(t, string(text))
			checkAgainstPython(t, page)
		})
	}
}

// checkExpressions checks that pythonShows is complete.
func checkExpressions(t *testing.T, page string) {
	t.Helper()
	var shows []string
	for _, m := range regexp.MustCompile(`\{\{(?:::)?(.*?)\}\}`).FindAllStringSubmatch(page, -1) {
		if expression := strings.TrimSpace(m[1]); !strings.HasPrefix(expression, "vm.isImportance") && !strings.Contains(expression, `"`) || slices.Contains(pythonShows, expression) {
			shows = append(shows, expression)
		}
	}
	slices.Sort(shows)
	want := slices.Sorted(slices.Values(pythonShows))
	if diff := cmp.Diff(want, slices.Compact(shows)); diff != "" {
		t.Errorf("the page of the Python tool shows other things (-want +got):\n%s", diff)
	}
}

// checkAgainstPython compares each row and the details of our page with the report in
// Python's page.
func checkAgainstPython(t *testing.T, page string) {
	t.Helper()
	r := parse(t, page)
	w := openFile(t, writePage(t, r), browser.View{})
	rows, i := w.rows(), 0
	for depth, n := range r.Nodes() {
		row := rows[i]
		if row.Level != depth+1 || row.Name != n.Name || row.Service != "" && row.Service != n.Service {
			t.Errorf("row %d is %+v, want level %d, name %q and service %q", i, row, depth+1, n.Name, n.Service)
		}
		if ms, ok := n.Duration(); ok && row.Duration == "" {
			t.Errorf("row %d has no duration, want %d ms", i, ms)
		}
		if i%5 == 0 {
			w.selectOp(i)
			checkDetails(t, w, i, n)
			details := w.text("#details")
			for name, value := range map[string]string{
				"started": strconv.FormatInt(n.Started, 10), "finished": strconv.FormatInt(n.Finished, 10), "exception": n.Exception,
			} {
				if value != "" && !strings.Contains(details, name+value) {
					t.Errorf("the details of operation %d do not have %s %s", i, name, value)
				}
			}
		}
		i++
	}
	if i != len(rows) {
		t.Errorf("%d rows, want %d", len(rows), i)
	}
}
