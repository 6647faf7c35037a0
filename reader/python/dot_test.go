package python_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
)

func build(t *testing.T, lines ...string) *reader.Report {
	t.Helper()
	r, err := python.BuildReport(sequence(t, lines...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func dot(r *reader.Report) (string, error) {
	var out bytes.Buffer
	err := python.Dot(&out, r)
	return out.String(), err
}

// The graphs are those that the Python tool printed for real traces and for the sample.
func TestDot(t *testing.T) {
	paths, err := filepath.Glob("testdata/openstack/*.dot")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	from := map[string]string{"testdata/show_a.dot": "testdata/show_a.jsonl"}
	for _, path := range paths {
		from[path] = filepath.Join("..", "testdata", "openstack", strings.TrimSuffix(filepath.Base(path), ".dot")+".jsonl")
	}
	for path, notifications := range from {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := dot(build(t, readLines(t, notifications)...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// dotCase is the result of osprofiler 4.4.0 with python-graphviz 0.21 for a few
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

func TestDotCases(t *testing.T) {
	for _, c := range dotCases(t) {
		t.Run(c.Note, func(t *testing.T) {
			got, err := dot(build(t, c.lines()...))
			if c.Error != "" {
				if err == nil || !strings.Contains(err.Error(), c.Error) {
					t.Errorf("error %v, want %s", err, c.Error)
				}
				return
			}
			if diff := cmp.Diff(c.Dot, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			saved := savedAndRead(t, build(t, c.lines()...))
			if got, err := dot(saved); err != nil || got != c.Dot {
				t.Errorf("saved and read it is %v %s", err, got)
			}
		})
	}
}

func TestDotOfNothing(t *testing.T) {
	if _, err := dot(build(t)); err == nil {
		t.Error("Python's graph of nothing should fail")
	}
}

func TestDotReturnsTheErrorOfTheWriter(t *testing.T) {
	if err := python.Dot(failing{}, build(t, readLines(t, "testdata/show_a.jsonl")...)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the error is %v, want that of the writer", err)
	}
}

// failing is a writer that fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

// savedAndRead saves a report as JSON and reads it again.
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
	return again
}
