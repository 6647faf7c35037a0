package reader_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// A golden is one case of testdata/reports: notifications and the result of the Python
// library (4.4.0) for them.
type golden struct {
	Notifications []json.RawMessage `json:"notifications"`
	Report        json.RawMessage   `json:"report"`
	Error         string            `json:"error"`
}

func readGolden(t tester, name string) (g golden) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "reports", name+".json"))
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
	paths, err := filepath.Glob("testdata/reports/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(p), ".json"))
	}
	return names
}

// Every case can be read by default, and its report has every different notification once.
func TestOwnReportsLoseNothing(t *testing.T) {
	for _, name := range goldenNames(t) {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			r, err := reader.BuildReport(g.sequence(t))
			if err != nil {
				t.Fatal(err)
			}
			all := notifications(t, g.sequence(t))
			checkComplete(t, all, r)
		})
	}
}

// encoding/json writes a report as the same value, on one line.
func TestMarshalJSON(t *testing.T) {
	r, err := reader.BuildReport(readGolden(t, "19-exception-values").sequence(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if !sameJSON(string(got), strings.TrimSpace(encode(t, r))) || bytes.ContainsRune(got, '\n') {
		t.Errorf("got %s", got)
	}
}

func openstack(t tester) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("testdata/openstack/*.jsonl")
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

func TestOwnReportsOfOpenStack(t *testing.T) {
	for _, path := range openstack(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			seq := sequence(t, readLines(t, path+".jsonl")...)
			r, err := reader.BuildReport(seq)
			if err != nil {
				t.Fatal(err)
			}
			checkComplete(t, notifications(t, seq), r)
		})
	}
}

func notifications(t tester, seq iter.Seq2[osprofiler.Notification, error]) (all []osprofiler.Notification) {
	t.Helper()
	for n, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// checkComplete checks that the tree has exactly the different notifications, each once and
// under its own key, and that the stats count every operation.
func checkComplete(t tester, all []osprofiler.Notification, r *reader.Report) {
	t.Helper()
	var want []string
	for _, n := range all {
		text := n.JSON()
		if !containsEqual(want, text) {
			want = append(want, text)
		}
	}
	var got []string
	operations := int64(0)
	for _, n := range r.Nodes() {
		operations++
		keys := map[string]bool{}
		for _, e := range n.Events {
			if keys[e.Key()] {
				t.Errorf("the key %q stands twice in %s", e.Key(), n.TraceID)
			}
			keys[e.Key()] = true
			got = append(got, e.Payload)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("the tree holds %d notifications, want %d", len(got), len(want))
	}
	for _, w := range want {
		if !containsEqual(got, w) {
			t.Errorf("the tree lacks %s", w)
		}
	}
	for _, s := range r.Stats {
		operations -= s.Count
	}
	if operations != 0 {
		t.Errorf("the stats count %d operations too few", operations)
	}
}

func containsEqual(texts []string, text string) bool {
	for _, other := range texts {
		if pyjson.Equal(other, text) {
			return true
		}
	}
	return false
}

// elements returns the texts of a JSON array's elements.
func elements(array string) []string { return slices.Collect(pyjson.Elements(array)) }

func sameJSON(a, b string) bool { return pyjson.Equal(a, b) }

// tester has the methods of *testing.T, *testing.F or *rapid.T that the helpers need.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
