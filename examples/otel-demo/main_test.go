package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRunTwice runs the demo twice with the same store.
func TestRunTwice(t *testing.T) {
	t.Chdir(t.TempDir())
	first := demo(t)
	for _, want := range []string{
		"dashboard", "api", "scheduler", "database", // the services
		"INSERT INTO servers", "FROM hosts WHERE free_mb", // database spans with their statements
		"noValidHostError", "no valid host was found: none has 65536 MB free", // the error
		"trace list --connection-string sqlite:///otel-demo.db", // what to try next
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the output should hold %q:\n%s", want, first)
		}
	}
	second := demo(t)
	if got, want := strings.Count(second, "wsgi"), strings.Count(first, "wsgi"); got != want {
		t.Errorf("the second run shows %d server spans, the first %d: each should show its own", got, want)
	}
	all, failed := traces(t)
	if all != 8 || failed != 2 {
		t.Errorf("two runs left %d traces, %d of them failed; want 8 and 2", all, failed)
	}
}

func demo(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	if err := run(t.Context(), &out, defaultStore); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func traces(t *testing.T) (all, failed int) {
	t.Helper()
	r, err := reader.Open(t.Context(), defaultStore)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, err := range r.Traces(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all++
	}
	for _, err := range r.Traces(t.Context(), store.Query{Failed: true}) {
		if err != nil {
			t.Fatal(err)
		}
		failed++
	}
	return all, failed
}

// Each trace is a single tree, whose root is the operation of the dashboard.
func TestOneTreePerRequest(t *testing.T) {
	t.Chdir(t.TempDir())
	requests, err := useCloud(t.Context(), defaultStore)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.Open(t.Context(), defaultStore)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, req := range requests {
		report, err := r.Report(t.Context(), req.baseID)
		if err != nil {
			t.Fatal(err)
		}
		services := map[string]bool{}
		for _, node := range report.Nodes() {
			services[node.Service] = true
			if node.Incomplete != reader.Complete {
				t.Errorf("%s: %s has %s", req.title, node.Name, node.Incomplete)
			}
		}
		if len(report.Children) != 1 || report.Children[0].Service != "dashboard" || len(report.Warnings) > 0 {
			t.Errorf("%s: %d roots, warnings %q", req.title, len(report.Children), report.Warnings)
		}
		want := 4
		if req.title == "list servers" {
			want = 3 // the scheduler is not asked
		}
		if len(services) != want {
			t.Errorf("%s: %d services, want %d: %v", req.title, len(services), want, services)
		}
	}
}

func TestUnknownStore(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, "bogus://x"); err == nil || !strings.Contains(err.Error(), `"bogus"`) {
		t.Errorf("error %v; want one that names the scheme", err)
	}
}
