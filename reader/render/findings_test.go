package render_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// writers are the functions that write results of package analyze as text.
var writers = map[string]func(w *strings.Builder, r *reader.Report, opts ...render.TextOption) error{
	"text": func(w *strings.Builder, r *reader.Report, opts ...render.TextOption) error {
		return render.Text(w, r, append(opts, render.WithFindings(true))...)
	},
	"analysis": func(w *strings.Builder, r *reader.Report, opts ...render.TextOption) error {
		return render.Analysis(w, analyze.Trace(r), opts...)
	},
	"difference": func(w *strings.Builder, r *reader.Report, opts ...render.TextOption) error {
		other := *r
		other.Children = nil
		if len(r.Children) > 0 {
			other.Children = append(r.Children[1:len(r.Children):len(r.Children)], r.Children[0].Children...)
		}
		return render.Difference(w, analyze.Diff(r, &other), opts...)
	},
}

// checkFit checks that the lines fit and have only visible characters.
func checkFit(t interface {
	Errorf(format string, args ...any)
	Fatal(args ...any)
}, r *reader.Report) {
	for name, write := range writers {
		for _, width := range []int{60, 80, 150} {
			for _, isASCII := range []bool{false, true} {
				var out strings.Builder
				if err := write(&out, r, render.WithWidth(width), render.WithASCII(isASCII)); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(out.String()) {
					line = strings.TrimSuffix(line, "\n")
					if columns := uniseg.StringWidth(line); columns > width {
						t.Errorf("%s, width %d: %d columns: %q", name, width, columns, line)
					}
					if strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) || isASCII && r > 0x7e }) >= 0 {
						t.Errorf("%s, ASCII %v: %q", name, isASCII, line)
					}
				}
			}
		}
	}
}

// The lines of all texts fit into the width, for real traces and for odd ones.
func TestFindingsFit(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "openstack", "*.report.json"))
	if err != nil || len(files) < 9 {
		t.Fatal(err, len(files))
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := reader.ParseReport(string(text))
		if err != nil {
			t.Fatal(err)
		}
		checkFit(t, r)
	}
	rapid.Check(t, func(t *rapid.T) {
		var list []json.RawMessage
		text := strings.NewReplacer("NaN", "1", "Infinity", "2", "-0", "0").Replace(readertest.OddTrace(30).Draw(t, "trace"))
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
			for _, raw := range list {
				if n, err := osprofiler.ParseNotification(string(raw)); err == nil && !yield(n, nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		checkFit(t, r)
	})
}

// Failures and operations that never stopped are coloured. An empty trace is not an error.
func TestFindingsColors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "testdata", "openstack", "17-keystone-killed-mid-request.report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.ParseReport(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := render.Analysis(&out, analyze.Trace(r), render.WithColor(true), render.WithWidth(200)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x1b[1;31m`inventory-sync:list` failed: ", "\x1b[33m`SELECT … FROM user", "\x1b[1m* \x1b[0m`inventory-sync:list` itself took 2.88 s"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	for name, write := range writers {
		if err := write(&out, &reader.Report{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
