package interop

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The demo stores spans of OTel instrumentation through our exporter. Python's
// report of each of its traces equals ours, to the last value.
func TestPythonReportsTheDemo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "otel-demo.db")
	demo := exec.Command("go", "run", "../../examples/otel-demo", "--connection-string", "sqlite:///"+path)
	if out, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var all []trace
	r, err := reader.Open(t.Context(), "sqlite:///"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for listed, err := range r.Traces(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		tr := trace{name: "demo", baseID: listed.BaseID}
		for n, err := range open(t, path).Notifications(t.Context(), listed.BaseID) {
			if err != nil {
				t.Fatal(err)
			}
			tr.notifications = append(tr.notifications, n)
		}
		all = append(all, tr)
	}
	if len(all) < 4 {
		t.Fatalf("the demo stored only %d traces", len(all))
	}
	eachLibrary(t, func(t *testing.T, ask asker) {
		sameReports(t, ask, path, all)
		sameListing(t, ask, path)
	})
}
