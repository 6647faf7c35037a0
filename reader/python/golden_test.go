package python_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
)

func TestReports(t *testing.T) {
	for _, name := range goldenNames(t) {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			r, err := python.BuildReport(g.sequence(t))
			if g.Error != "" {
				var failure *python.ExceptionError
				if !errors.As(err, &failure) || failure.Exception != g.Error {
					t.Fatalf("error %v, want %s", err, g.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := encode(t, r), indented(string(g.Report)); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

// The reports are, byte for byte, those that the Python tool printed for traces of real
// services.
func TestReportsOfOpenStack(t *testing.T) {
	for _, path := range openstack(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r, err := python.BuildReport(sequence(t, readLines(t, path+".jsonl")...))
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(path + ".report.json")
			if err != nil {
				t.Fatal(err)
			}
			if got := encode(t, r); got != string(want) {
				t.Errorf("got %.2000s\nwant %.2000s", got, want)
			}
		})
	}
}

// A golden is one case of testdata/reports: notifications and the result of the Python
// library (4.4.0) for them.
type golden struct {
	Notifications []json.RawMessage `json:"notifications"`
	Report        json.RawMessage   `json:"report"`
	Error         string            `json:"error"`
}

func readGolden(t tester, name string) (g golden) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "reports", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return g
}

func (g golden) sequence(t tester) iter.Seq2[osprofiler.Notification, error] {
	t.Helper()
	var lines []string
	for _, raw := range g.Notifications {
		lines = append(lines, string(raw))
	}
	return sequence(t, lines...)
}

// sequence parses JSON texts.
func sequence(t tester, texts ...string) iter.Seq2[osprofiler.Notification, error] {
	t.Helper()
	all := make([]osprofiler.Notification, len(texts))
	for i, text := range texts {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all[i] = n
	}
	return each(all)
}

func each(all []osprofiler.Notification) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, n := range all {
			if !yield(n, nil) {
				return
			}
		}
	}
}

func encode(t tester, r *reader.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.EncodeJSON(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// indented formats JSON as the Python tool does.
func indented(text string) string {
	return string(pyjson.Indented.Append(nil, strings.TrimSpace(text))) + "\n"
}

func goldenNames(t tester) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("../testdata/reports/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(p), ".json"))
	}
	return names
}

func openstack(t tester) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("../testdata/openstack/*.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(p, ".jsonl"))
	}
	return names
}

func readLines(t tester, path string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines
}

// tester has the methods of *testing.T, *testing.F or *rapid.T that the helpers need.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
