package render_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

// The texts of the real traces have the expected form at two widths.
func TestTextOfRealTraces(t *testing.T) {
	for _, name := range []string{"03-keystone-user-create", "06-client-bad-password", "09-cinder-volume-create",
		"13-client-parallel", "17-keystone-killed-mid-request"} {
		r := build(t, lines(t, filepath.Join(traces, name+".jsonl")))
		for _, columns := range []int{80, 200} {
			got := text(t, r, render.WithWidth(columns))
			golden(t, fmt.Sprintf("testdata/openstack/%s.%d.txt", name, columns), got)
			checkLines(t, got, columns)
		}
	}
}

// The texts of all real traces fit into any width, and have as many lines of tree as
// operations.
func TestTextFits(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(traces, "*.jsonl"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		r := build(t, lines(t, path))
		for _, columns := range []int{1, 60, 61, 79, 100, 119, 120, 333} {
			got := text(t, r, render.WithWidth(columns))
			checkLines(t, got, max(columns, 60))
			operations := 0
			for range r.Nodes() {
				operations++
			}
			if drawn := strings.Count(got, "│\n"); drawn != operations {
				t.Errorf("%s at %d: %d operations drawn, want %d", path, columns, drawn, operations)
			}
		}
	}
}

// checkLines checks that no line is too long, and that nothing in the lines moves the cursor.
func checkLines(t testing.TB, text string, columns int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if w := uniseg.StringWidth(line); w > columns {
			t.Errorf("%d columns, at most %d: %s", w, columns, line)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Errorf("%q in %q", r, line)
			}
		}
		if strings.HasSuffix(line, " ") {
			t.Errorf("blanks at the end of %q", line)
		}
	}
}

// The frame of the bar ends at the same column, whatever characters the label has.
func TestWideRunesAreCountedRight(t *testing.T) {
	for _, name := range []string{"plain", "日本語のとても長い名前日本語のとても長い名前日本語のとても長い名前", "👩‍👩‍👧‍👦", "e\u0301e\u0301", "ｆｕｌｌ", "\u200bzero"} {
		r := build(t, []string{notification(name+"-start", "1", "b", 0, ""), notification(name+"-stop", "1", "b", 5, "")})
		got := text(t, r)
		found := false
		for line := range strings.Lines(got) {
			if strings.HasSuffix(line, "│\n") {
				found = true
				if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); w != 80 {
					t.Errorf("%q: %d columns: %s", name, w, line)
				}
			}
		}
		if !found {
			t.Errorf("no bar in %s", got)
		}
	}
}

func notification(name, id, parent string, ms int, info string) string {
	return fmt.Sprintf(`{"name": %q, "base_id": "b", "trace_id": %q, "parent_id": %q, "timestamp": "2024-01-01T00:%02d:%02d.%03d000", "info": {%s"host": "h1"}, "project": "nova", "service": "api"}`,
		name, id, parent, ms/60000, ms/1000%60, ms%1000, info)
}

// Oddities of a trace are visible in the text.
func TestTextOfOddTraces(t *testing.T) {
	hostile := `"request": {"method": "GET", "path": "/\u001b[31mred\u0007/\u202eevil/\ud800/` + "日本語" + `", "query": ""}, `
	r := build(t, []string{
		notification("wsgi-start", "1", "b", 0, hostile),
		notification("wsgi-stop", "1", "b", 100, `"etype": "E\u001b]0;title\u0007", "message": "first line\nsecond\r\n\u009b31m",`),
		notification("hangs-start", "2", "1", 40, ""),
		notification("db-stop", "3", "1", 60, `"etype": "", "message": null, `),
		notification("rpc-start", "4", "3", 80, `"function": {"name": "nova.compute.manager.ComputeManager.build_and_run_instance"}, `),
		notification("rpc-stop", "4", "3", 70, ""),
		notification("http-start", "5", "gone", 90, `"requests": {"method": "PUT", "scheme": "https", "hostname": "swift", "port": 8080, "path": "/v1", "query": "a=b"}, `),
		notification("http-stop", "5", "gone", 95, `"requests": {"status_code": 201}, `),
		strings.Replace(notification("when-start", "6", "b", 0, `"attempt": 3, "list": [1], `), "2024-01-01T", "soon ", 1),
		notification("x-start", "7", "8", 10, ""), notification("x-stop", "7", "8", 20, ""),
		notification("y-start", "8", "7", 12, ""), notification("y-stop", "8", "7", 18, ""),
	})
	for _, columns := range []int{80, 140} {
		got := text(t, r, render.WithWidth(columns))
		golden(t, fmt.Sprintf("testdata/odd.%d.txt", columns), got)
		checkLines(t, got, columns)
	}
	golden(t, "testdata/odd.color.txt", text(t, r, render.WithWidth(80), render.WithColor(true)))
}

// There is no colour by default. A coloured text without its escape sequences is the same text.
func TestColor(t *testing.T) {
	r := build(t, lines(t, filepath.Join(traces, "13-client-parallel.jsonl")))
	bare, painted := text(t, r), text(t, r, render.WithColor(true))
	if strings.Contains(bare, "\x1b") || !strings.Contains(painted, "\x1b[1;31m") {
		t.Error("colour comes when asked for, and only then")
	}
	var off strings.Builder
	for i, part := range strings.Split(painted, "\x1b[") {
		if _, rest, ok := strings.Cut(part, "m"); i > 0 && ok {
			part = rest
		}
		off.WriteString(part)
	}
	if off.String() != bare {
		t.Errorf("without its colours it is %s\nwant %s", off.String(), bare)
	}
}

// Deep trees keep their shape on the left, and a number shows the depth beyond that.
func TestTextOfDeepTrees(t *testing.T) {
	var all []string
	for i := range 2000 {
		id, parent := fmt.Sprint(i), fmt.Sprint(i-1)
		if i == 0 {
			parent = "b"
		}
		all = append(all, notification("step-start", id, parent, i, ""), notification("step-stop", id, parent, 5000-i, ""))
	}
	got := text(t, build(t, all))
	checkLines(t, got, 80)
	if !strings.Contains(got, "┊1999 api:step") {
		t.Errorf("the last level is missing: %s", got[len(got)-2000:])
	}
}

// Python's reports and saved ones can be drawn too.
func TestTextOfSavedReports(t *testing.T) {
	path := filepath.Join(traces, "09-cinder-volume-create")
	saved, err := os.ReadFile(path + ".report.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.ParseReport(string(saved))
	if err != nil {
		t.Fatal(err)
	}
	built := buildPython(t, lines(t, path+".jsonl"))
	if got, want := text(t, r), text(t, built); got != want {
		t.Errorf("the saved report looks otherwise:\n%s\nwant\n%s", got, want)
	}
}

// The lines have the given width, whatever texts are stored.
func TestTextOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &reader.Report{BaseID: rapid.String().Draw(t, "base id"), Children: []*reader.Node{{
			Name: rapid.String().Draw(t, "name"), Service: rapid.String().Draw(t, "service"), Project: rapid.String().Draw(t, "project"),
			Host: rapid.String().Draw(t, "host"), Exception: rapid.String().Draw(t, "exception"), Failed: rapid.Bool().Draw(t, "failed"),
			Started: rapid.Int64().Draw(t, "started"), Finished: rapid.Int64().Draw(t, "finished"), Timed: true,
		}}, Warnings: []string{rapid.String().Draw(t, "warning")}}
		var out strings.Builder
		columns := rapid.IntRange(60, 250).Draw(t, "columns")
		if err := render.Text(&out, r, render.WithWidth(columns)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if w := uniseg.StringWidth(line); w > columns {
				t.Fatalf("%d columns, at most %d: %q", w, columns, line)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) {
					t.Fatalf("%q in %q", r, line)
				}
			}
		}
	})
}

// Different base ids have different headings.
func TestHeadingShowsControlCharacters(t *testing.T) {
	for id, want := range map[string]string{"a\nb": `Trace a\nb`, "a b": "Trace a b", "tab\tq": `Trace tab\tq`, "\x1b[31m": `Trace \x1b[31m`} {
		var text strings.Builder
		if err := render.Text(&text, &reader.Report{BaseID: id}); err != nil {
			t.Fatal(err)
		}
		if head, _, _ := strings.Cut(text.String(), "\n"); head != want {
			t.Errorf("%q: %q, want %q", id, head, want)
		}
	}
}

// A request with an HTTP status of 5xx is marked as failed, and the status appears once.
func TestTextOfServerErrors(t *testing.T) {
	node := func(id, code string) string {
		return `{"info":{"name":"http","project":"p","service":"s","host":"h","started":0,"finished":5,"meta.raw_payload.http-stop":` +
			`{"name":"http-stop","base_id":"b","trace_id":"` + id + `","parent_id":"b","timestamp":"2026-11-22T07:20:00.005000","project":"p","service":"s",` +
			`"info":{"host":"h","requests":{"status_code":` + code + `}}}},"trace_id":"` + id + `","parent_id":"b","children":[]}`
	}
	r, err := reader.ParseReport(`{"info":{"name":"total"},"children":[` + node("a", "503") + "," + node("b", "404") + `],"stats":{}}`)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := render.Text(&out, r); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, "✗") != 1 || strings.Count(text, "503") != 1 || !strings.Contains(text, "1 failed") {
		t.Errorf("the text is\n%s", text)
	}
}
