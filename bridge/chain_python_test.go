package bridge_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

// showScript runs the Python library's command for each trace of a store. The library's driver
// for Redis needs options that the command itself does not register.
const showScript = `
import sys
from osprofiler import opts
from osprofiler.cmd import shell
from oslo_config import cfg
opts.set_defaults(cfg.CONF)
for base_id in sys.argv[2:]:
    shell.main(["trace", "show", "--json", "--connection-string", sys.argv[1], base_id])
`

// pythonNode is a node of the Python library's report.
type pythonNode struct {
	TraceID  string `json:"trace_id"`
	ParentID string `json:"parent_id"`
	Info     struct{ Name, Service string }
	Children []pythonNode
}

// pythonShowsChain checks that the Python library's own "trace show", of every version, shows
// the trace as one chain of operations.
func pythonShowsChain(t *testing.T, connectionString string, libraries ...func(testing.TB) string) {
	t.Helper()
	var ids []string
	for _, base := range chainIDs {
		if _, ok := osprofiler.ParseUUID(base); ok { // the command takes any other text for the name of a file
			ids = append(ids, base)
		}
	}
	for _, find := range libraries {
		version := find(t)
		cmd := exec.CommandContext(t.Context(), version, append([]string{"-c", showScript, connectionString}, ids...)...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s trace show: %v\n%s", version, err, &stderr)
		}
		decoder := json.NewDecoder(bytes.NewReader(out))
		for _, base := range ids {
			var report pythonNode
			if err := decoder.Decode(&report); err != nil {
				t.Fatalf("%q: %s trace show: %v: %s", base, version, err, out)
			}
			checkPythonChain(t, version, base, report.Children)
		}
	}
}

// pythonShowsChainOnBus is pythonShowsChain for one of the traces on a bus, because Python's
// reader removes all of them.
func pythonShowsChainOnBus(t *testing.T, transportURL string, library func(testing.TB) string) {
	t.Helper()
	version, base := library(t), chainIDs[0]
	const script = `
import sys
from osprofiler.cmd import shell
shell.main(["trace", "show", "--json", "--connection-string", "messaging://", "--transport-url", sys.argv[1], "--idle-timeout", "8", sys.argv[2]])
`
	cmd := exec.CommandContext(t.Context(), version, "-c", script, transportURL, base)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s trace show: %v\n%s", version, err, &stderr)
	}
	var report pythonNode
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%s trace show: %v: %s", version, err, out)
	}
	checkPythonChain(t, version, base, report.Children)
}

func checkPythonChain(t *testing.T, version, base string, children []pythonNode) {
	t.Helper()
	parent := base
	for _, want := range chain {
		if len(children) != 1 {
			t.Fatalf("%q: %s report has %d operations where %s is expected", base, version, len(children), want)
		}
		n := children[0]
		if n.Info.Name+" "+n.Info.Service != want || n.ParentID != parent {
			t.Errorf("%q: %s report has %+v, want %s under %s", base, version, n, want, parent)
		}
		children, parent = n.Children, n.TraceID
	}
	if len(children) != 0 {
		t.Errorf("%q: %s report has more under the last service", base, version)
	}
}
