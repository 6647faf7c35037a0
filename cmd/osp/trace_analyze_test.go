package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// decoded reads lines of JSON.
func decoded[T any](t *testing.T, text string) (all []T) {
	t.Helper()
	for _, line := range lines(text) {
		var v T
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&v); err != nil {
			t.Fatalf("%v: %.200s", err, line)
		}
		all = append(all, v)
	}
	return all
}

// The text of trace show ends with the findings. Its other forms have no findings.
func TestShowFindings(t *testing.T) {
	trace := openstackTraces(t)[1]
	const want = "\n* `POST /v3/users` itself took 275 ms (49 % of the trace)"
	text := osp(t, "", "trace", "show", trace.report).succeeded(t)
	without := osp(t, "", "trace", "show", trace.report, "--no-findings").succeeded(t)
	if !strings.Contains(text, want) || strings.Contains(without, "itself took") || !strings.HasPrefix(text, without) {
		t.Errorf("with findings:\n%s\nwithout:\n%s", text, without)
	}
	if r := osp(t, "", "trace", "show", trace.report, "--json"); strings.Contains(r.stdout+r.stderr, "itself took") {
		t.Errorf("%+v", r)
	}
}

func TestTraceAnalyze(t *testing.T) {
	traces := openstackTraces(t)
	s := openstackStore(t)
	args := []string{"trace", "analyze", traces[0].report, traces[1].baseID, traces[2].baseID[:8], "--connection-string", s}
	text := runCommand(t, "", []string{"COLUMNS=100"}, append([]string{ospBinary}, args...)...).succeeded(t)
	golden(t, "analyze.txt", text)
	for _, trace := range traces[:3] {
		if !strings.Contains(text, "Trace "+trace.baseID+"\n") {
			t.Errorf("the trace %s is missing", trace.baseID)
		}
	}
	all := decoded[analyze.Analysis](t, osp(t, "", append(args, "--json")...).succeeded(t))
	if len(all) != 3 || all[0].Format != 1 || all[1].BaseID != traces[1].baseID || len(all[2].Failures) != 1 || len(all[2].Findings) == 0 {
		t.Errorf("%+v", all)
	}
	r := osp(t, "", append(args, "00000000-0000-4000-8000-000000000000", "--json")...)
	if r.code != exitNotFound || len(lines(r.stdout)) != 3 {
		t.Errorf("a trace that does not exist: %+v", r)
	}
}

func TestTraceDiff(t *testing.T) {
	traces := openstackTraces(t)
	s := openstackStore(t)
	network, volume := traces[5], traces[4]
	text := runCommand(t, "", []string{"COLUMNS=100"}, ospBinary, "trace", "diff", volume.baseID, network.report, "--connection-string", s).succeeded(t)
	golden(t, "diff.txt", text)
	want := osp(t, "", "trace", "diff", volume.report, network.report, "--json").succeeded(t)
	d := decoded[analyze.Difference](t, want)[0]
	if d.A.BaseID != volume.baseID || d.B.BaseID != network.baseID || d.A.Count != 49 || len(d.Changes) < 3 || d.Changes[0].Change != analyze.Came {
		t.Errorf("%+v", d)
	}
	stored := osp(t, "", "trace", "diff", volume.baseID, network.baseID, "--json", "--connection-string", s).succeeded(t)
	prefixes := osp(t, "", "trace", "diff", volume.baseID[:8], network.baseID[:8], "--json", "--connection-string", s).succeeded(t)
	if stored != prefixes || len(decoded[analyze.Difference](t, stored)[0].Changes) != len(d.Changes) {
		t.Errorf("by ids %.300s\nby prefixes %.300s", stored, prefixes)
	}
	for _, command := range []string{ // with the report on the standard input
		"cat %[2]s | %[1]s trace diff - %[3]s --json",
		"cat %[3]s | %[1]s trace diff --json %[2]s -",
	} {
		r := runCommand(t, "", nil, "sh", "-c", fmt.Sprintf(command, ospBinary, volume.report, network.report))
		if got := r.succeeded(t); got != want {
			t.Errorf("%s: %.300s", command, got)
		}
	}
	same := osp(t, "", "trace", "diff", volume.report, volume.report).succeeded(t)
	if !strings.Contains(same, "The traces have the same calls with the same times.\n") {
		t.Errorf("a trace and itself: %s", same)
	}
}

func TestTraceDiffErrors(t *testing.T) {
	traces := openstackTraces(t)
	dir, s := t.TempDir(), openstackStore(t)
	writeFile(t, filepath.Join(dir, "two.json"), readFile(t, traces[0].report)+readFile(t, traces[1].report))
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"", "give two traces to compare, not 0", exitUsage},
		{"a b c", "give two traces to compare, not 3", exitUsage},
		{"- -", `give "-" only once`, exitUsage},
		{"two.json two.json", `give two traces to compare: "two.json" and "two.json" have 4`, exitUsage},
		{"nosuch.json " + traces[0].report, `there is no file "nosuch.json"`, exitUsage},
		{"two.json 00000000-0000-4000-8000-000000000000 --connection-string " + s, "no such trace", exitNotFound},
	} {
		r := osp(t, dir, append([]string{"trace", "diff"}, strings.Fields(c.args)...)...)
		if r.code != c.code || r.stdout != "" || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}

func TestShowFolded(t *testing.T) {
	trace := openstackTraces(t)[1]
	got := lines(osp(t, "", "trace", "show", "--folded", trace.report).succeeded(t))
	if len(got) != 12 || got[0] != "public:wsgi GET /v3 1161" || !slices.Contains(got, `public:wsgi POST /v3/users;public:db SELECT\x201 2958`) {
		t.Errorf("%q", got)
	}
	r := osp(t, "", "trace", "show", "--folded", "--dot", trace.report)
	if r.code != exitUsage || !strings.Contains(r.stderr, "give --folded without") {
		t.Errorf("%+v", r)
	}
}

// Texts of a hostile trace cannot control a terminal, and --ascii writes ASCII.
func TestAnalyzeHostileTrace(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 8 {
		for _, half := range []string{"start", "stop"} {
			fmt.Fprintf(&text, `{"name": "\u001b]0;x\u0007\u202e-%[2]s", "base_id": "b", "trace_id": "t%[1]d", "parent_id": "b", "timestamp": "2026-11-22T07:00:%02[3]d.000000", `+
				`"info": {"host": "\u001b[2Jh", "etype": "\u009b31m\u0000E", "message": "\u2066x\n", "request": {"method": "G\u001bT", "path": "/\u202e;\u00e9 "}}, "project": "p\u001b", "service": "s\u001b\u200b"}`+"\n",
				i, half, 2*i+5-len(half))
		}
	}
	writeFile(t, filepath.Join(dir, "t.jsonl"), text.String())
	writeFile(t, filepath.Join(dir, "empty.json"), `{"info": {}, "children": [{"info": {"name": "a"}}]}`)
	for _, command := range []string{"show b", "show --folded b", "analyze b", "diff empty.json b"} {
		args := append([]string{"trace"}, strings.Fields(command)...)
		args = append(args, "--connection-string", "file://"+dir+"/t.jsonl")
		got := osp(t, dir, args...).stdout
		if strings.ContainsAny(got, "\x1b\x07\u202e\u009b\u2066\x00\u200b") || !strings.Contains(got, `\x1b`) {
			t.Errorf("%s: %q", command, got)
		}
		if command == "show --folded b" {
			continue // the programs that read this form accept UTF-8
		}
		got = osp(t, dir, append(args, "--ascii")...).stdout
		if at := strings.IndexFunc(got, func(r rune) bool { return r >= 0x7f }); at >= 0 {
			t.Errorf("%s --ascii: %q", command, got[at:min(at+100, len(got))])
		}
	}
}

// Completion offers the ids of the store for each of the arguments.
func TestCompleteAnalysis(t *testing.T) {
	trace := openstackTraces(t)[0]
	for _, command := range []string{"analyze", "diff"} {
		got := osp(t, "", "__complete", "trace", command, trace.baseID, "--connection-string", openstackStore(t), trace.baseID[:4]).stdout
		if !strings.HasPrefix(got, trace.baseID) {
			t.Errorf("%s: %q", command, got)
		}
	}
}
