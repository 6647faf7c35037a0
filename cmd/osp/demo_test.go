package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// osp shows the traces in the store of the demo as the demo itself shows them.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := filepath.Join(dir, "otel-demo")
	if out, err := exec.Command("go", "build", "-o", demo, "../../examples/otel-demo").CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	env := []string{"COLUMNS=120"}
	output := runCommand(t, dir, env, demo).succeeded(t)

	const demoStore = "sqlite:///otel-demo.db"
	ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", demoStore).succeeded(t))
	if len(ids) != 4 {
		t.Fatalf("the demo left the traces %q, want 4", ids)
	}
	failed := listed(t, osp(t, dir, "trace", "list", "--error-trace", "--json", "--connection-string", demoStore).succeeded(t))
	if len(failed) != 1 {
		t.Fatalf("the failed traces are %q, want 1", failed)
	}
	for _, id := range ids {
		args := []string{"trace", "show", id, "--connection-string", demoStore}
		text := runCommand(t, dir, env, append([]string{ospBinary}, args...)...).succeeded(t)
		if !strings.Contains(output, text) {
			t.Errorf("osp draws\n%s\nthe demo drew\n%s", text, output)
		}
		var report struct {
			Children []json.RawMessage `json:"children"`
		}
		if err := json.Unmarshal([]byte(osp(t, dir, append(args, "--json")...).succeeded(t)), &report); err != nil || len(report.Children) != 1 {
			t.Errorf("%s: the report has %d roots (%v), want 1", id, len(report.Children), err)
		}
	}
	if text := osp(t, dir, "trace", "show", failed[0], "--connection-string", demoStore).succeeded(t); !strings.Contains(text, "no valid host was found") {
		t.Errorf("the failed trace does not say why:\n%s", text)
	}
}
