package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

const marks = 100_000 // combining marks after one letter

// hostileTexts change a terminal's state, hide themselves, forge lines or are
// extremely long.
var hostileTexts = []string{
	"\x1b]0;title\x07\x1b[2J\u009b31m", "a\nosp: forged\n" + honestID, "a\r\x08\x7f\x00b", "\u202e\u2066\u061c\u200f", "\u200b\u200d\ufeff\u2060\u00ad",
	"\ufe0f\U000e0041\U000e007f\U000e0100", "a" + strings.Repeat("\u0301", marks), strings.Repeat("\u20dd", marks), strings.Repeat("\u1100", marks),
	"👩" + strings.Repeat("\u200d👩", marks/4), strings.Repeat("\t\v\f\u2028\u2029\u0085", 50), `"];evil [label="` + `\`, `\" <b>&#x202e;&amp;&#10;`,
}

// hostileStore makes a store with traces in which each text is hostile.
func hostileStore(t *testing.T, text string) (connection, baseID string) {
	t.Helper()
	quoted := string(pyjson.AppendString(nil, text))
	inner := string(pyjson.AppendString(nil, text+"x"))
	var lines strings.Builder
	for _, half := range []string{"start", "stop"} {
		fmt.Fprintf(&lines, `{"name": %s, "base_id": %s, "trace_id": %[3]s, "parent_id": %[2]s, "timestamp": "2026-01-01T00:00:00.00000%[4]d", "info": {"host": %[2]s, "request": {"method": %[2]s, "path": %[2]s, "query": %[2]s}, %[2]s: %[2]s, "etype": %[2]s, "message": %[2]s, "function": {"name": %[2]s}}, "project": %[2]s, "service": %[2]s}`+"\n",
			strings.TrimSuffix(quoted, `"`)+"-"+half+`"`, quoted, inner, len(half))
	}
	fmt.Fprintf(&lines, `{"name": "rpc-start", "base_id": %s, "trace_id": "2", "parent_id": %[2]s, "timestamp": %[1]s, "info": {"db": {"statement": %[1]s}, "host": "h"}, "project": "p", "service": "s"}`+"\n", quoted, inner)
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	writeFile(t, path, lines.String())
	return "file://" + path, text
}

// In outputs for people, no text of a store can change a terminal's state, forge a
// line, or be too long.
func TestHostileTextsInOutputs(t *testing.T) {
	dir := t.TempDir()
	for i, text := range hostileTexts {
		connection, baseID := hostileStore(t, text)
		r := osp(t, dir, "trace", "list", "--connection-string", connection)
		if lines := strings.Count(r.stdout, "\n"); r.code != exitDone || lines != 2 {
			t.Errorf("%d: the listing has %d lines, exit code %d, %.300q", i, lines, r.code, r.stderr)
		}
		checkPrintable(t, i, "list", r)
		for _, form := range []string{"--text", "--dot", "--json"} {
			if strings.Contains(text, "\x00") {
				break // no argument can have this text
			}
			if len(text) > 100_000 {
				break // no argument can be that long
			}
			r := osp(t, dir, "trace", "show", "--connection-string", connection, form, "--", baseID)
			if r.code != exitDone {
				t.Errorf("%d: show %s: exit code %d, %.300q", i, form, r.code, r.stderr)
			}
			if form == "--json" { // it is data, not for people
				r.stdout = strings.NewReplacer("\x7f", "").Replace(r.stdout)
				if strings.IndexFunc(r.stdout, func(r rune) bool { return r > '~' || r < ' ' && r != '\n' }) >= 0 {
					t.Errorf("%d: JSON that is not ASCII", i)
				}
				r.stdout = ""
			}
			checkPrintable(t, i, "show "+form, r)
		}
		r = osp(t, dir, "trace", "list", "--json", "--connection-string", connection)
		if strings.Count(r.stdout, "\n") != 1 || strings.IndexFunc(strings.TrimSuffix(r.stdout, "\n"), func(r rune) bool { return r < ' ' || r > '\x7f' }) >= 0 {
			t.Errorf("%d: list --json: %.300q", i, r.stdout)
		}
		missing := "no" + strings.ReplaceAll(text, "\x00", "")
		if len(missing) < 100_000 {
			checkPrintable(t, i, "an error", osp(t, dir, "trace", "show", "--connection-string", connection, "--", missing))
			checkPrintable(t, i, "a missing id", osp(t, dir, "forward", "--from", connection, "--to", "sqlite:///"+dir+"/to.db", "--base-id", missing))
			checkPrintable(t, i, "usage", osp(t, dir, "trace", missing))
		}
	}
}

// checkPrintable checks that the output has only lines of bounded length that cannot
// control a terminal.
func checkPrintable(t *testing.T, i int, what string, r result) {
	t.Helper()
	for line := range strings.Lines(r.stdout + r.stderr) {
		line = strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "\t") // a graph is indented
		if at := strings.IndexFunc(line, func(r rune) bool { return !safetext.Visible(r) }); at >= 0 {
			t.Errorf("%d: %s writes %.40q", i, what, line[at:])
		}
		if len(line) > 30_000 || runOfMarks(line) > 8 {
			t.Errorf("%d: %s writes a line of %d bytes with %d marks one after the other: %.80q", i, what, len(line), runOfMarks(line), line)
		}
		if strings.HasPrefix(line, "osp: forged") || strings.HasPrefix(line, honestID) || strings.HasPrefix(line, "evil") {
			t.Errorf("%d: %s writes the line %q", i, what, line)
		}
	}
	if what == "show --dot" {
		checkDot(t, i, r.stdout)
	}
}

// checkDot checks that a graph has only numbered nodes with a label, and edges.
func checkDot(t *testing.T, i int, graph string) {
	t.Helper()
	for line := range strings.Lines(graph) {
		line = strings.TrimSpace(line)
		_, attributes, isNode := strings.Cut(line, ` [label=`)
		attributes = strings.TrimSuffix(strings.TrimSuffix(attributes, "]"), " color=red")
		inner := strings.ReplaceAll(strings.ReplaceAll(attributes, `\\`, ""), `\"`, "")
		if isNode && strings.HasPrefix(attributes, `"`) && (strings.Count(inner, `"`) != 2 || !strings.HasSuffix(inner, `"`)) {
			t.Errorf("%d: the label ends early: %s", i, line)
		}
		if strings.Contains(line, "&#") {
			t.Errorf("%d: Graphviz would put another character into %s", i, line)
		}
	}
}

// runOfMarks returns the length of the longest sequence of combining marks.
func runOfMarks(text string) (most int) {
	n := 0
	for _, r := range text {
		if n++; !unicode.Is(unicode.M, r) {
			n = 0
		}
		most = max(most, n)
	}
	return most
}

// The error of a server cannot control a terminal.
func TestHostileServerError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				request := make([]byte, 4096)
				for {
					if _, err := c.Read(request); err != nil {
						return
					}
					for range 8 {
						fmt.Fprintf(c, "-ERR \x1b]0;title\x07\u202eevil%s\r\n", strings.Repeat("\u0301", 10_000))
					}
				}
			}()
		}
	}()
	r := osp(t, t.TempDir(), "trace", "list", "--connection-string", "redis://"+l.Addr().String()+"/0")
	if r.code != exitFailed {
		t.Errorf("%+v", r)
	}
	checkPrintable(t, 0, "the error of a server", r)
	checkSentence(t, r)
}
