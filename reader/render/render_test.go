package render_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

var update = flag.Bool("update", false, "write the golden texts")

// build builds a report from JSON texts.
func build(t testing.TB, lines []string) *reader.Report {
	t.Helper()
	r, err := reader.BuildReport(parsed(lines))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// buildPython builds Python's report from JSON texts.
func buildPython(t testing.TB, lines []string) *reader.Report {
	t.Helper()
	r, err := python.BuildReport(parsed(lines))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parsed(lines []string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		for _, line := range lines {
			if !yield(osprofiler.ParseNotification(line)) {
				return
			}
		}
	}
}

func lines(t testing.TB, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func golden(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

// traces is the folder of the real traces in the reader's testdata.
const traces = "../testdata/openstack"

func text(t testing.TB, r *reader.Report, opts ...render.TextOption) string {
	t.Helper()
	var out bytes.Buffer
	if err := render.Text(&out, r, opts...); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func dot(r *reader.Report) (string, error) {
	var out bytes.Buffer
	err := render.Dot(&out, r)
	return out.String(), err
}

func TestJSONIsTheReports(t *testing.T) {
	r := build(t, lines(t, filepath.Join(traces, "03-keystone-user-create.jsonl")))
	var got, want bytes.Buffer
	if err := render.JSON(&got, r); err != nil {
		t.Fatal(err)
	}
	if err := r.EncodeJSON(&want); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) || !json.Valid(got.Bytes()) {
		t.Errorf("got %.200s", got.String())
	}
}

// failing is a writer that takes left bytes and then fails.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, os.ErrClosed
	}
	return len(p), nil
}

func TestErrorsOfTheWriterAreReturned(t *testing.T) {
	r := build(t, lines(t, filepath.Join(traces, "01-keystone-token-issue.jsonl")))
	for name, write := range map[string]func(*failing) error{
		"json": func(f *failing) error { return render.JSON(f, r) },
		"text": func(f *failing) error { return render.Text(f, r) },
		"dot":  func(f *failing) error { return render.Dot(f, r) },
	} {
		for _, left := range []int{0, 1000} {
			if err := write(&failing{left: left}); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
