package redis_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/store"
)

// pythonDriver is a script that runs Python's own driver. With the job
// "notify", the driver writes the notifications of the standard input, with
// their projects and services. With "read", the script prints the driver's
// lists and the reports of the traces that are asked for.
const pythonDriver = `
import json, sys
from oslo_config import cfg
from osprofiler import opts
from osprofiler.drivers import base
opts.set_defaults(cfg.CONF)
cfg.CONF.set_override("filter_error_trace", True, "profiler")
job, url = sys.argv[1:]
def of(project=None, service=None):
    return base.get_driver(url, project=project, service=service, host="h", conf=cfg.CONF)
asked = json.load(sys.stdin)
if job == "notify":
    drivers = {}
    for n in asked:
        who = n.pop("project", None), n.pop("service", None)
        if who not in drivers:
            drivers[who] = of(*who)
        drivers[who].notify(n)
else:
    json.dump({"traces": of().list_traces(), "infos": of().list_traces(fields={"name", "info", "trace_id", "nothing"}), "errors": of().list_error_traces(), "reports": {i: of().get_report(i) for i in asked}}, sys.stdout)
`

// ask runs the job with an interpreter and reads its answer.
func ask(t *testing.T, python, job, url string, input, answer any) {
	t.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", pythonDriver, job, url)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(text)), &stderr
	out, err := cmd.Output()
	if err == nil && answer != nil {
		err = json.Unmarshal(out, answer)
	}
	if err != nil {
		t.Fatalf("Python's driver: %v\n%s", err, &stderr)
	}
}

// answers contains what Python's driver reads.
type answers struct {
	Traces, Errors, Infos []any
	Reports               map[string]any
}

// realTraces returns traces of real OpenStack services, by base id.
func realTraces(t *testing.T) map[string][]osprofiler.Notification {
	t.Helper()
	paths, err := filepath.Glob("../../reader/testdata/openstack/*.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	traces := map[string][]osprofiler.Notification{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			n, err := osprofiler.ParseNotification(line)
			if err != nil {
				t.Fatal(err)
			}
			traces[n.BaseID] = append(traces[n.BaseID], n)
		}
	}
	return traces
}

func eachPython(t *testing.T, test func(t *testing.T, python string)) {
	for name, find := range map[string]func(testing.TB) string{"debian": testenv.Python, "newest": testenv.NewPython} {
		t.Run(name, func(t *testing.T) { test(t, find(t)) })
	}
}

// report returns our reproduction of Python's report, as a JSON value.
func report(t *testing.T, s *store.Store, id string) any {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := python.New(s).Report(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return value(t, text)
}

func value(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Python's driver reads the same reports, lists and failed traces from real
// traces that we wrote as from those that it wrote itself.
func TestRealTracesBothWays(t *testing.T) {
	traces := realTraces(t)
	ids := make([]string, 0, len(traces))
	for id := range traces {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	eachPython(t, func(t *testing.T, python string) {
		ours, theirs := testenv.RedisDB(t), testenv.RedisDB(t)
		s := open(t, ours, oredis.WithFilterErrorTrace(true))
		var all []osprofiler.Notification
		for _, id := range ids {
			for part := range slices.Chunk(traces[id], 100) {
				write(t, s, part...)
			}
			all = append(all, traces[id]...)
		}
		ask(t, python, "notify", theirs, all, nil)
		if diff := cmp.Diff(dump(t, theirs), dump(t, ours)); diff != "" {
			t.Errorf("Python's keys (-) and ours (+):\n%.2000s", diff)
		}
		var fromOurs, fromTheirs answers
		ask(t, python, "read", ours, ids, &fromOurs)
		ask(t, python, "read", theirs, ids, &fromTheirs)
		reading := open(t, theirs)
		for _, id := range ids {
			if diff := cmp.Diff(fromTheirs.Reports[id], fromOurs.Reports[id]); diff != "" {
				t.Errorf("%s: Python's report of its own (-) and of ours (+):\n%.2000s", id, diff)
			}
			if diff := cmp.Diff(fromTheirs.Reports[id], report(t, reading, id)); diff != "" {
				t.Errorf("%s: Python's report (-) and ours of the same store (+):\n%.2000s", id, diff)
			}
		}
		sameListing(t, fromOurs, s)
		sameListing(t, fromTheirs, reading)
	})
}

// sameListing compares Python's listing with our prediction of it. The traces
// are in the order of a scan.
func sameListing(t *testing.T, theirs answers, s *store.Store) {
	t.Helper()
	python := s.PythonAnswers()
	for name, c := range map[string]struct {
		theirs []any
		ours   func(yield func(string, error) bool)
	}{
		"traces": {theirs.Traces, python.Traces(t.Context(), nil)},
		"infos":  {theirs.Infos, python.Traces(t.Context(), []string{"name", "info", "trace_id", "nothing"})},
		"failed": {theirs.Errors, python.FailedTraces(t.Context())},
	} {
		got, _ := collect(t, c.ours)
		if diff := cmp.Diff(sorted(t, c.theirs), rows(t, got)); diff != "" || len(got) == 0 {
			t.Errorf("%s: Python lists (-), we say that it lists (+):\n%s", name, diff)
		}
	}
}

// Python's driver and ours both read a database with both layouts.
func TestPythonReadsBothLayouts(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		url := testenv.RedisDB(t)
		putLegacy(t, url)
		s := open(t, url, oredis.WithFilterErrorTrace(true))
		write(t, s, handed(t, idB)...)
		var got answers
		ask(t, python, "read", url, []string{idA, idB}, &got)
		for _, id := range []string{idA, idB} {
			if diff := cmp.Diff(got.Reports[id], report(t, s, id)); diff != "" {
				t.Errorf("%s: Python's report (-) and ours (+):\n%.2000s", id, diff)
			}
		}
		sameListing(t, got, s)
	})
}
