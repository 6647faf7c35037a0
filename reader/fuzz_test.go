package reader_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
	"github.com/osprofiler-otel/osprofiler/reader/python"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// Any text is a report or an error. A report is written as it was read, and can be drawn.
func FuzzParseReport(f *testing.F) {
	for _, name := range goldenNames(f) {
		if g := readGolden(f, name); g.Error == "" {
			f.Add(string(g.Report))
		}
	}
	for _, name := range []string{"testdata/show_a.json", "testdata/show_a.sql.json"} {
		saved, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(saved))
	}
	for _, text := range []string{`{"children": [5, {"children": null}]}`, `<a> OSProfilerData = {"children": []};`, "\uFEFF" + `{"children": [{"info": {"started": 1e9}}]}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := reader.ParseReport(text)
		if err != nil {
			if r != nil || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%v, %q", r, err)
			}
			return
		}
		text = strings.TrimPrefix(text, "\uFEFF")
		isPage := strings.HasPrefix(strings.TrimSpace(text), "<")
		if got := encode(t, r); !isPage && !sameJSON(strings.TrimSpace(got), strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))) {
			t.Errorf("read and written again it is %s", got)
		}
		draw(t, r)
	})
}

func draw(t testing.TB, r *reader.Report) {
	t.Helper()
	var out bytes.Buffer
	if err := render.Text(&out, r, render.WithVerbose(true)); err != nil {
		t.Error(err)
	}
	if bytes.ContainsAny(out.Bytes(), "\x1b\r\a") {
		t.Errorf("control characters in %q", out.Bytes())
	}
	out.Reset()
	if err := render.Text(&out, r, render.WithVerbose(true), render.WithASCII(true)); err != nil {
		t.Error(err)
	}
	if bytes.ContainsFunc(out.Bytes(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f }) {
		t.Errorf("other characters than those of ASCII in %q", out.Bytes())
	}
	if err := render.Dot(&out, r); err != nil {
		t.Error(err)
	}
}

// Any notifications make a report that contains each different one once. Python's answer is a
// report or a [python.ExceptionError].
func FuzzBuildReport(f *testing.F) {
	for _, name := range goldenNames(f) {
		var lines []string
		for _, raw := range readGolden(f, name).Notifications {
			lines = append(lines, strings.ReplaceAll(string(raw), "\n", " "))
		}
		f.Add(strings.Join(lines, "\n"))
	}
	for i := range 20 {
		f.Add(strings.Join(elements(readertest.OddTrace(5*i).Example(i)), "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var all []osprofiler.Notification
		for line := range strings.Lines(text) {
			if n, err := osprofiler.ParseNotification(line); err == nil && len(all) < 100 {
				all = append(all, n)
			}
		}
		r, err := reader.BuildReport(each(all))
		if err != nil {
			t.Fatal(err)
		}
		checkComplete(t, all, r)
		again, err := reader.ParseReport(encode(t, r))
		if err != nil {
			t.Fatal(err)
		}
		draw(t, r)
		draw(t, again)
		if r, err := python.BuildReport(each(all)); err == nil {
			encode(t, r)
		} else if failure := new(python.ExceptionError); !errors.As(err, &failure) || failure.Exception == "" {
			t.Errorf("%v should say what Python fails with", err)
		}
	})
}
