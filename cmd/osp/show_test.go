package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// storeOfIDs writes a file store with one trace for each base id. The last one is the newest.
func storeOfIDs(t *testing.T, ids ...string) (connectionString string) {
	t.Helper()
	var all strings.Builder
	for i, id := range ids {
		id = strings.ReplaceAll(fmt.Sprintf("%q", id), `\x1b`, `\u001b`)
		for _, half := range []string{"start", "stop"} {
			fmt.Fprintf(&all, `{"name": "op%d-%s", "base_id": %s, "trace_id": "t", "parent_id": %s, "timestamp": "2026-11-22T07:%02d:%02d.000000", "info": {"host": "h"}, "project": "p", "service": "s"}`+"\n",
				i, half, id, id, i/60, i%60)
		}
	}
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	writeFile(t, path, all.String())
	return "file://" + path
}

func TestShowPrefix(t *testing.T) {
	const first, second = "2130e762-6fff-43b5-a1a2-be4dbd944bd2", "2130e763-6fff-43b5-a1a2-be4dbd944bd2"
	ids := []string{first, second, "ABCDEF01-6fff-43b5-a1a2-be4dbd944bd2", "nova", "nova-compute-7", "é日本語の", "evil\x1b[2Jid"}
	for i := range 15 {
		ids = append(ids, fmt.Sprintf("many-%02d", i))
	}
	store := storeOfIDs(t, ids...)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "nova-"), `{"children": [{"info": {"name": "of-the-file"}}]}`)
	for _, c := range []struct {
		prefix string
		code   int
		want   string
	}{
		{"2130e762", exitDone, "s:op0 "},
		{"2130E763", exitDone, "s:op1 "},
		{"2130e7626fff4", exitDone, "s:op0 "},
		{"2130-e762-6FFF", exitDone, "s:op0 "},
		{"abcd", exitDone, "s:op2 "},
		{"nova", exitDone, "s:op3 "}, // the whole id
		{"nova-c", exitDone, "s:op4 "},
		{"nova-", exitDone, "of-the-file "}, // a file of that name
		{"é日本語", exitDone, "s:op5 "},
		{"evil", exitDone, `Trace evil\x1b[2Jid`},
		{"2130", exitUsage, `2 base ids begin with "2130": "` + second + `", "` + first + `"; give more characters`},
		{"2130e76", exitUsage, `2 base ids begin with "2130e76"`},
		{"many", exitUsage, `15 base ids begin with "many": "many-14", "many-13", "many-12", "many-11", "many-10", "many-09", "many-08", "many-07", "many-06", "many-05" and 5 more; give more characters`},
		{"NOVA-", exitNotFound, `no such trace: "NOVA-"; no base id begins with it, and no file has that name`},
		{"213", exitNotFound, `no such trace: "213": the first characters of a base id should be at least 4`},
		{"", exitNotFound, `no such trace: ""`},
	} {
		r := osp(t, dir, "trace", "show", "--connection-string", store, "--", c.prefix)
		if r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.want) || r.code != exitDone && r.stdout != "" {
			t.Errorf("%q: exit code %d, want %d and %q\n%s%s", c.prefix, r.code, c.code, c.want, r.stdout, r.stderr)
		}
	}
	if r := osp(t, dir, "trace", "show", "2130e762", "--python", "--connection-string", store); r.code != exitFailed {
		t.Errorf("--python: exit code %d: the Python tool takes no prefix", r.code)
	}
}

func TestShowSeveral(t *testing.T) {
	const missing = "00000000-0000-4000-8000-000000000000"
	store, dir := storeOfIDs(t, "aaaa", "bbbb", "cccc"), t.TempDir()
	show := func(args ...string) result {
		t.Helper()
		return osp(t, dir, append([]string{"trace", "show", "--connection-string", store}, args...)...)
	}
	text := show("aaaa", "bbbb").succeeded(t)
	if alone := show("aaaa").succeeded(t) + "\n" + show("bbbb").succeeded(t); text != alone {
		t.Errorf("two traces are not one after another: %s", text)
	}
	json := show("aaaa", "bbbb", "--json").succeeded(t)
	if alone := show("aaaa", "--json").succeeded(t) + show("bbbb", "--json").succeeded(t); json != alone {
		t.Errorf("two reports are not one after another: %s", json)
	}
	if graphs := show("aaaa", "bbbb", "--dot").succeeded(t); strings.Count(graphs, "digraph {") != 2 {
		t.Errorf("two graphs: %s", graphs)
	}
	writeFile(t, filepath.Join(dir, "both.json"), "\uFEFF"+json)
	if got := show("both.json", "cccc", "--json").succeeded(t); got != json+show("cccc", "--json").succeeded(t) {
		t.Errorf("a file of two reports and a trace: %s", got)
	}
	if r := show("both.json", "--render-dot", "graph"); r.code != exitUsage || !strings.Contains(r.stderr, `not the 2 of "both.json"`) {
		t.Errorf("a graph of two: %+v", r)
	}
	for _, tail := range []string{"x", "{", "{}", "[]", "}"} {
		writeFile(t, filepath.Join(dir, "tail.json"), json+tail)
		if r := show("tail.json"); r.code != exitFailed || !strings.Contains(r.stderr, `"tail.json" should be a report that --json or --html saved`) {
			t.Errorf("two reports and %q: %+v", tail, r)
		}
	}
	r := show(missing, "aaaa", "dddd", "bbbb")
	if r.code != exitNotFound || r.stdout != text || !strings.Contains(r.stderr, missing) || !strings.Contains(r.stderr, `"dddd"`) {
		t.Errorf("two of four are missing: %+v", r)
	}
	if r := show("aaaa", missing, "bbbb", "--json", "--out", "out.json"); r.code != exitNotFound || readFile(t, filepath.Join(dir, "out.json")) != json {
		t.Errorf("a file of two reports: %+v", r)
	}
	if r := show(missing, "--json", "--out", "out.json"); r.code != exitNotFound || readFile(t, filepath.Join(dir, "out.json")) != json {
		t.Errorf("a missing trace changed the file: %+v", r)
	}
	writeFile(t, filepath.Join(dir, "broken.json"), "{")
	if r := show("aaaa", missing, "broken.json", "bbbb", "--json", "--out", "out.json"); r.code != exitFailed || readFile(t, filepath.Join(dir, "out.json")) != json ||
		!strings.Contains(r.stderr, "broken.json") || !strings.Contains(r.stderr, missing) {
		t.Errorf("a broken report changed the file, or is not reported: %+v", r)
	}
}

// A report from the standard input is shown like a report from a file.
func TestShowStandardInput(t *testing.T) {
	report := openstackTraces(t)[0].report
	want := osp(t, "", "trace", "show", report).succeeded(t)
	for _, line := range []string{"cat %[2]s | %[1]s trace show -", "%[1]s trace show - < %[2]s"} {
		r := runCommand(t, "", nil, "sh", "-c", fmt.Sprintf(line, ospBinary, report))
		if got := r.succeeded(t); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
	r := runCommand(t, "", nil, "sh", "-c", "echo nonsense | "+ospBinary+" trace show -")
	if r.code != exitFailed || !strings.Contains(r.stderr, "the standard input should be a report that --json or --html saved") {
		t.Errorf("nonsense: %+v", r)
	}
	r = runCommand(t, "", nil, "sh", "-c", ospBinary+" trace show - < /dev/null")
	if r.code != exitFailed || !strings.Contains(r.stderr, "the standard input is empty; it should be a report that --json or --html saved") {
		t.Errorf("nothing: %+v", r)
	}
}

// If no trace has the id, the error says if the argument looks like a path or is empty.
func TestShowWhatIsNoID(t *testing.T) {
	s := openstackStore(t)
	for argument, want := range map[string]string{
		"none.json": `there is no file "none.json", and no such trace: "none.json"`,
		"no/file":   `there is no file "no/file", and no such trace: "no/file"`,
		"":          `no such trace: "": the argument is empty; is it a variable of the shell that is not set?`,
	} {
		r := osp(t, "", "trace", "show", argument, "--connection-string", s)
		if r.code != exitNotFound || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: %+v", argument, r)
		}
	}
}

// A report without stats, as osprofiler before 1.4.0 saved it, can be shown.
func TestShowReportWithoutStats(t *testing.T) {
	dir := t.TempDir()
	const saved = `{"info": {"started": 0, "finished": 1, "name": "total"}, "children": [{"info": {"started": 0, "finished": 1, "name": "wsgi"}, "children": []}]}`
	writeFile(t, filepath.Join(dir, "old.json"), saved)
	if got := osp(t, dir, "trace", "show", "old.json", "--json").succeeded(t); one(t, got) == "" || strings.Contains(got, "stats") {
		t.Errorf("as JSON it is not what was saved: %s", got)
	}
	if got := osp(t, dir, "trace", "show", "old.json").succeeded(t); !strings.Contains(got, "wsgi           1   1 ms  1 ms\n") {
		t.Errorf("no stats in %s", got)
	}
	writeFile(t, filepath.Join(dir, "empty.json"), `{"info": {}, "children": [], "stats": {}}`)
	if r := osp(t, dir, "trace", "show", "empty.json", "--json"); r.code != exitNotFound || !strings.Contains(r.stderr, `the saved report "empty.json" has no operations`) {
		t.Errorf("an empty report: %+v", r)
	}
}

// The locale decides whether the output is ASCII, by POSIX's order of precedence. The flag
// overrides the locale.
func TestShowASCII(t *testing.T) {
	report := openstackTraces(t)[0].report
	for _, c := range []struct {
		env   string
		flag  string
		ascii bool
	}{
		{"", "", false},
		{"LC_ALL=C", "", true},
		{"LC_ALL=POSIX", "", true},
		{"LC_ALL=C.UTF-8", "", false},
		{"LC_ALL=C.utf8", "", false},
		{"LC_ALL=en_US.UTF-8@euro", "", false},
		{"LC_ALL=en_US.ISO-8859-1", "", true},
		{"LC_ALL=C LANG=en_US.UTF-8", "", true},
		{"LC_ALL=en_US.UTF-8 LC_CTYPE=C LANG=C", "", false},
		{"LC_ALL= LC_CTYPE=C LANG=en_US.UTF-8", "", true},
		{"LC_CTYPE=en_US.UTF-8 LANG=C", "", false},
		{"LANG=C", "", true},
		{"LANG=en_US.UTF-8", "--ascii", true},
		{"LANG=C", "--ascii=false", false},
	} {
		args := []string{ospBinary, "trace", "show", report, "-v"}
		if c.flag != "" {
			args = append(args, c.flag)
		}
		got := runCommand(t, "", strings.Fields(c.env), args...).succeeded(t)
		if isASCII := strings.IndexFunc(got, func(r rune) bool { return r >= 0x7f }) < 0; isASCII != c.ascii {
			t.Errorf("%s %s: ASCII is %v, want %v:\n%.300s", c.env, c.flag, isASCII, c.ascii, got)
		}
	}
}

func TestShowTimeZone(t *testing.T) {
	store := storeOfIDs(t, "aaaa")
	for zone, want := range map[string]string{
		"":                "2026-11-22 07:00:00.000 UTC",
		"UTC":             "2026-11-22 07:00:00.000 UTC",
		"Europe/Berlin":   "2026-11-22 08:00:00.000 CET",
		"America/Caracas": "2026-11-22 03:00:00.000 -04",
		"local":           "2026-11-22 16:00:00.000 JST",
	} {
		args := []string{ospBinary, "trace", "show", "aaaa", "--connection-string", store}
		if zone != "" {
			args = append(args, "--time-zone", zone)
		}
		if got := runCommand(t, "", []string{"TZ=Asia/Tokyo"}, args...).succeeded(t); !strings.Contains(got, want) {
			t.Errorf("%q: %q does not stand in %s", zone, want, got)
		}
	}
}

// Details of a hostile trace cannot control a terminal.
func TestShowVerbose(t *testing.T) {
	dir := t.TempDir()
	const info = `"info": {"host": "h", "request": {"method": "GET", "path": "/\u001b]0;x\u0007"}, "\u001b[2J": "\u202e\u009b31m"}`
	var text strings.Builder
	for _, half := range []string{"start", "stop"} {
		fmt.Fprintf(&text, `{"name": "wsgi-%s", "base_id": "b", "trace_id": "t\u001b[1m", "parent_id": "b", "timestamp": "2026-11-22T07:00:00.000000", %s, "project": "p", "service": "s"}`+"\n", half, info)
	}
	writeFile(t, filepath.Join(dir, "t.jsonl"), text.String())
	for _, flag := range []string{"-v", "--verbose"} {
		got := osp(t, dir, "trace", "show", "b", flag, "--connection-string", "file://"+dir+"/t.jsonl").succeeded(t)
		for _, want := range []string{`id: t\x1b[1m`, "span: wsgi", "kind: server", "http.request.method: GET", `url.path: /\x1b]0;x\x07`} {
			if !strings.Contains(got, want) {
				t.Errorf("%q does not stand in %s", want, got)
			}
		}
		if strings.ContainsAny(got, "\x1b\x07\u202e\u009b") {
			t.Errorf("control characters in %q", got)
		}
	}
}

// Without Graphviz, --render-dot reports what is missing, and writes nothing.
func TestShowRenderDotWithoutGraphviz(t *testing.T) {
	dir := t.TempDir()
	r := runCommand(t, dir, []string{"PATH=" + dir}, ospBinary, "trace", "show", openstackTraces(t)[0].report, "--dot", "--render-dot", "graph")
	if r.code != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, `there is no program "dot"; install Graphviz, or leave out --render-dot`) {
		t.Errorf("%+v", r)
	}
	writeFile(t, filepath.Join(dir, "dot"), "#!/bin/sh\necho 'syntax error' >&2\nexit 3\n") // a Graphviz that fails
	if err := os.Chmod(filepath.Join(dir, "dot"), 0o755); err != nil {
		t.Fatal(err)
	}
	r = runCommand(t, dir, []string{"PATH=" + dir}, ospBinary, "trace", "show", openstackTraces(t)[0].report, "--dot", "--render-dot", "graph")
	if r.code != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, "failed: syntax error") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "graph.pdf")); err == nil {
		t.Error("a file was written")
	}
}
