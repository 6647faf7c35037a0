package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

const openstack = "../../reader/testdata/openstack"

// An openstackTrace is a capture of a real trace: the stored notifications, and the
// output of the Python tool for it.
type openstackTrace struct {
	name, file, report, baseID string
}

func openstackTraces(t *testing.T) (traces []openstackTrace) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(openstack, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".amqp.jsonl") {
			continue // message envelopes, not notifications
		}
		absolute, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(readFile(t, file), "\n")
		n, err := osprofiler.ParseNotification(first)
		if err != nil {
			t.Fatal(err)
		}
		stem := strings.TrimSuffix(absolute, ".jsonl")
		traces = append(traces, openstackTrace{filepath.Base(stem), absolute, stem + ".report.json", n.BaseID})
	}
	if len(traces) < 9 {
		t.Fatalf("%d traces in %s; there should be at least 9", len(traces), openstack)
	}
	return traces
}

func TestShowOpenStackAsPython(t *testing.T) {
	t.Parallel()
	for _, trace := range openstackTraces(t) {
		t.Run(trace.name, func(t *testing.T) {
			got := osp(t, "", "trace", "show", trace.baseID, "--json", "--upstream",
				"--connection-string", "file://"+trace.file).succeeded(t)
			if want := readFile(t, trace.report); !pyjson.Equal(one(t, got), one(t, want)) {
				t.Errorf("the report differs from the Python tool's as a JSON value:\n%s", got)
			}
		})
	}
}

func TestShowSavedReport(t *testing.T) {
	for _, trace := range openstackTraces(t) {
		t.Run(trace.name, func(t *testing.T) {
			saved := osp(t, "", "trace", "show", trace.report, "--json").succeeded(t)
			if !pyjson.Equal(one(t, saved), one(t, readFile(t, trace.report))) {
				t.Errorf("a report that the Python tool saved comes out differently:\n%s", saved)
			}
		})
	}
}

// drawn are the traces with a golden file of the text form: one for each unusual
// feature. The tests of reader/render check the other traces.
var drawn = map[string]bool{"06-client-bad-password": true, "17-keystone-killed-mid-request": true}

func TestShowOpenStackText(t *testing.T) {
	for _, trace := range openstackTraces(t) {
		r := runCommand(t, "", []string{"COLUMNS=100"}, ospBinary,
			"trace", "show", trace.baseID, "--connection-string", "file://"+trace.file)
		if r.code != exitDone {
			t.Errorf("%s: exit code %d: %s", trace.name, r.code, r.stderr)
		}
		if strings.Contains(r.stdout, "\x1b") {
			t.Errorf("%s: colour where there is no terminal", trace.name)
		}
		if !strings.HasPrefix(r.stdout, "Trace "+trace.baseID+"\n") {
			t.Errorf("%s: it begins with %.80q", trace.name, r.stdout)
		}
		if drawn[trace.name] {
			golden(t, trace.name+".txt", r.stdout)
		}
	}
}

// TestForwardOpenStack copies every real trace from a file to SQLite and back, and
// compares all values.
func TestForwardOpenStack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := openstackStore(t)
	for _, hop := range [][2]string{
		{source, "sqlite:///hop.db"},
		{"sqlite:///hop.db", "file://" + dir + "/out.jsonl"},
	} {
		if r := osp(t, dir, "forward", "--from", hop[0], "--to", hop[1]); r.code != exitDone {
			t.Fatalf("%s -> %s: exit code %d: %s", hop[0], hop[1], r.code, r.stderr)
		}
	}
	for _, trace := range openstackTraces(t) {
		got := osp(t, dir, "trace", "show", trace.baseID, "--json", "--upstream",
			"--connection-string", "file://"+dir+"/out.jsonl").succeeded(t)
		if !pyjson.Equal(one(t, got), one(t, readFile(t, trace.report))) {
			t.Errorf("%s: the report differs after two hops", trace.name)
		}
	}
	in, out := lines(readFile(t, strings.TrimPrefix(source, "file://"))), lines(readFile(t, filepath.Join(dir, "out.jsonl")))
	if len(in) != len(out) {
		t.Fatalf("%d notifications went in, %d came out", len(in), len(out))
	}
	for i := range in {
		if !pyjson.Equal(in[i], out[i]) {
			t.Fatalf("notification %d changed on the way:\n%s\n%s", i, in[i], out[i])
		}
	}
}

func one(t *testing.T, text string) string {
	t.Helper()
	raw, err := pyjson.One(text)
	if err != nil {
		t.Fatalf("no JSON: %v\n%s", err, text)
	}
	return raw
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// openstackStore writes a file store with all real traces.
func openstackStore(t *testing.T) (connectionString string) {
	t.Helper()
	var all strings.Builder
	for _, trace := range openstackTraces(t) {
		all.WriteString(readFile(t, trace.file))
	}
	path := filepath.Join(t.TempDir(), "openstack.jsonl")
	writeFile(t, path, all.String())
	return "file://" + path
}
