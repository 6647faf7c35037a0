package render_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// The graphs that the Python tool printed for real traces and for the sample.
func TestUpstreamDot(t *testing.T) {
	paths, err := filepath.Glob("testdata/openstack/*.dot")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	from := map[string]string{"testdata/show_a.dot": "testdata/show_a.jsonl"}
	for _, path := range paths {
		from[path] = filepath.Join(traces, strings.TrimSuffix(filepath.Base(path), ".dot")+".jsonl")
	}
	for path, notifications := range from {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := dot(build(t, lines(t, notifications), reader.WithUpstreamAnswers()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// dotCase is what osprofiler 4.4.0 with python-graphviz 0.21 made of a few
// notifications: a graph or an exception.
type dotCase struct {
	Note          string
	Notifications []json.RawMessage
	Dot, Error    string
}

func dotCases(t testing.TB) (cases []dotCase) {
	t.Helper()
	raw, err := os.ReadFile("testdata/dot.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &cases); err != nil || len(cases) == 0 {
		t.Fatal(cases, err)
	}
	return cases
}

func (c dotCase) lines() (lines []string) {
	for _, raw := range c.Notifications {
		lines = append(lines, string(raw))
	}
	return lines
}

func TestUpstreamDotCases(t *testing.T) {
	for _, c := range dotCases(t) {
		t.Run(c.Note, func(t *testing.T) {
			got, err := dot(build(t, c.lines(), reader.WithUpstreamAnswers()))
			if c.Error != "" {
				if err == nil || !strings.Contains(err.Error(), c.Error) {
					t.Errorf("error %v, want %s", err, c.Error)
				}
				return
			}
			if diff := cmp.Diff(c.Dot, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			saved := savedAndRead(t, build(t, c.lines(), reader.WithUpstreamAnswers()))
			if got, err := dot(saved); err != nil || got != c.Dot {
				t.Errorf("saved and read it is %v %s", err, got)
			}
		})
	}
}

// Ours draws every case, and always a graph with quoted labels only.
func TestOwnDotCases(t *testing.T) {
	var all strings.Builder
	for _, c := range dotCases(t) {
		got, err := dot(build(t, c.lines()))
		if err != nil {
			t.Errorf("%s: %v", c.Note, err)
		}
		all.WriteString("// " + c.Note + "\n" + got)
	}
	golden(t, "testdata/own.dot", all.String())
}

func TestDotOfNothing(t *testing.T) {
	if got, err := dot(build(t, nil)); err != nil || got != "digraph {\n\t0 [label=total]\n}\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := dot(build(t, nil, reader.WithUpstreamAnswers())); err == nil {
		t.Error("upstream's graph of nothing should fail")
	}
}

// savedAndRead takes a report through its JSON.
func savedAndRead(t testing.TB, r *reader.Report) *reader.Report {
	t.Helper()
	var out strings.Builder
	if err := r.EncodeJSON(&out); err != nil {
		t.Fatal(err)
	}
	again, err := reader.ParseReport(out.String())
	if err != nil {
		t.Fatal(err)
	}
	again.Upstream = r.Upstream
	return again
}
