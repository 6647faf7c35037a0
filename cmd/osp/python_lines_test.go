package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A pythonLine is a row of the table of command lines in docs/command.md.
type pythonLine struct {
	line, python, osp string
}

// pythonLines reads the table from the page.
func pythonLines(t *testing.T) (rows []pythonLine) {
	t.Helper()
	_, section, found := strings.Cut(readFile(t, "../../docs/command.md"), "### Command lines\n")
	if !found {
		t.Fatal("docs/command.md has no section \"Command lines\"")
	}
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "#") {
			break
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 {
			t.Fatalf("%q should have three cells", line)
		}
		rows = append(rows, pythonLine{strings.Trim(cells[0], " `"), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])})
	}
	if len(rows) < 60 {
		t.Fatalf("%d rows in the table of command lines; there should be at least 60", len(rows))
	}
	return rows
}

// A lineStore is the store on which the command lines run.
type lineStore struct {
	words       map[string]string // the placeholders of the table
	all, failed []string          // base ids
	file        string            // the text of the saved report
}

// newLineStore fills a Redis store with real traces, of which one failed.
func newLineStore(t *testing.T) *lineStore {
	t.Helper()
	store := testenv.RedisDB(t)
	s := &lineStore{}
	for _, trace := range openstackTraces(t) {
		switch trace.name {
		case "03-keystone-user-create":
			s.words = map[string]string{"STORE": store, "ID": trace.baseID, "BAREID": strings.ReplaceAll(trace.baseID, "-", ""),
				"NOID": "00000000-0000-4000-8000-000000000000", "FILE": "trace.json"}
			s.file = readFile(t, trace.report)
		case "06-client-bad-password":
			s.failed = append(s.failed, trace.baseID)
		default:
			continue
		}
		s.all = append(s.all, trace.baseID)
		if r := osp(t, "", "forward", "--from", "file://"+trace.file, "--to", store+"?filter_error_trace=true"); r.code != exitDone {
			t.Fatal(r.stderr)
		}
	}
	return s
}

var placeholder = regexp.MustCompile(`\b(STORE|BAREID|NOID|ID|FILE)\b`)

// A lineResult is the result of a tool for a command line, and the folder in which the
// tool ran.
type lineResult struct {
	result
	dir string
}

// run runs a line of the table in a folder of its own.
func (s *lineStore) run(t *testing.T, line string, tool ...string) lineResult {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "trace.json"), s.file)
	var env, args []string
	for _, word := range strings.Fields(line) {
		isName := strings.HasPrefix(word, connectionVariable+"=")
		name := "" // placeholders are words of their own, or stand after an equals sign
		if isName {
			name, word = connectionVariable+"=", strings.TrimPrefix(word, connectionVariable+"=")
		}
		word = name + placeholder.ReplaceAllStringFunc(word, func(w string) string { return s.words[w] })
		switch {
		case isName:
			env = append(env, word)
		case word == "osprofiler":
			args = append(args, tool...)
		default:
			args = append(args, word)
		}
	}
	return lineResult{runCommand(t, dir, env, args...), dir}
}

// pythonMain runs the Python tool as its installed script does.
const pythonMain = "import sys; from osprofiler.cmd.shell import main; sys.argv[0] = 'osprofiler'; sys.exit(main())"

// For every line of the table, the Python tool in both versions and osp do what the table
// says.
func TestPythonCommandLines(t *testing.T) {
	t.Parallel()
	rows := pythonLines(t)
	for _, version := range []struct {
		name   string
		python func(testing.TB) string
	}{{"debian", testenv.Python}, {"newest", testenv.NewPython}} {
		t.Run(version.name, func(t *testing.T) {
			python := version.python(t)
			store := newLineStore(t)
			hasTemplate := exec.Command(python, "-c", pythonTemplate).Run() == nil
			for _, row := range rows {
				t.Run(row.line, func(t *testing.T) {
					t.Parallel() // because starting Python takes most of the time
					if strings.Contains(row.python, "page") && !hasTemplate {
						return
					}
					needGraphviz(t, row, python)
					theirs := store.run(t, row.line, python, "-W", "ignore", "-c", pythonMain)
					ours := store.run(t, row.line, ospBinary)
					store.check(t, "the Python tool", row.python, theirs)
					store.check(t, "osp", row.osp, ours)
					if row.python == row.osp {
						same(t, row.osp, theirs, ours)
					}
				})
			}
		})
	}
}

// pythonTemplate fails if the Python tool cannot make pages, because Debian's package has no
// template.
const pythonTemplate = "import os.path, osprofiler.cmd.commands as c; open(os.path.join(os.path.dirname(c.__file__), 'template.html'))"

// needGraphviz skips or fails the test of a line that draws a graph if Python has no
// Graphviz.
func needGraphviz(t *testing.T, row pythonLine, python string) {
	t.Helper()
	if strings.Contains(row.python, ".pdf") {
		testenv.Tool(t, "dot", "graphviz")
	}
	if strings.Contains(row.python, "graph") && exec.Command(python, "-c", "import graphviz").Run() != nil {
		testenv.Missing(t, python, " cannot import graphviz: run scripts/setup.sh")
	}
}

// check compares a result with its cell. A cell has the exit code, a colon, and the kind
// of the result.
func (s *lineStore) check(t *testing.T, tool, cell string, r lineResult) {
	t.Helper()
	code, kind, _ := strings.Cut(cell, ": ")
	if fmt.Sprint(r.code) != code {
		t.Errorf("%s: exit code %d, but the page says %q\nstdout: %.300s\nstderr: %.600s", tool, r.code, cell, r.stdout, r.stderr)
		return
	}
	kind, file, isFile := strings.Cut(kind, " in ")
	kind, pdf, isPDF := strings.Cut(kind, " and ")
	text := r.stdout
	if isFile {
		text = readFile(t, filepath.Join(r.dir, file))
		if r.stdout != "" {
			t.Errorf("%s: the result is in %s and also on stdout: %.300s", tool, file, r.stdout)
		}
	}
	if isPDF && !strings.HasPrefix(readFile(t, filepath.Join(r.dir, pdf)), "%PDF-") {
		t.Errorf("%s: %s is no PDF file", tool, pdf)
	}
	if !s.is(kind, text, r) {
		t.Errorf("%s: the page says %q\ngot    %.600s\nstderr %.600s", tool, cell, text, r.stderr)
	}
}

var versionText = regexp.MustCompile(`^(osp )?(\d+\.\d+|\(devel\)|v\d|[0-9a-f]{7})`)

// is reports whether the text is a result of the given kind.
func (s *lineStore) is(kind, text string, r lineResult) bool {
	hasTraceback := strings.Contains(r.stderr, "Traceback (most recent call last)")
	switch kind {
	case "version":
		return versionText.MatchString(text)
	case "help":
		return strings.Contains(strings.ToLower(text), "usage:") && r.stderr == ""
	case "list", "failed traces":
		want := s.all
		if kind == "failed traces" {
			want = s.failed
		}
		return slices.Equal(s.listed(text), slices.Sorted(slices.Values(want)))
	case "report", "reports":
		report, _, _ := strings.Cut(text, "\n}\n{")
		return strings.HasPrefix(report, "{") && strings.Contains(report, `"children"`)
	case "graph":
		return strings.HasPrefix(text, "digraph {") && strings.Contains(text, " -> ")
	case "page":
		return strings.HasPrefix(text, "<!doctype html>")
	case "our page":
		return strings.HasPrefix(text, "<!doctype html>") && strings.Contains(text, `id="report"`)
	case "tree":
		return strings.HasPrefix(text, "Trace "+s.words["ID"])
	case "message":
		return !hasTraceback && (text != "" || strings.HasPrefix(r.stderr, "osp: "))
	case "usage":
		return strings.Contains(r.stderr, "usage: ") || strings.Contains(r.stderr, "Try: osp")
	case "traceback":
		return hasTraceback
	case "failure":
		return hasTraceback || text != ""
	}
	return false
}

// listed returns the base ids that a listing names, sorted.
func (s *lineStore) listed(text string) (ids []string) {
	for _, id := range s.all {
		if strings.Contains(text, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// same compares results that the table calls the same.
func same(t *testing.T, cell string, theirs, ours lineResult) {
	t.Helper()
	_, kind, _ := strings.Cut(cell, ": ")
	text := func(r lineResult) string {
		if _, file, ok := strings.Cut(kind, " in "); ok {
			return readFile(t, filepath.Join(r.dir, file))
		}
		return r.stdout
	}
	switch {
	case strings.HasPrefix(kind, "report"):
		if !pyjson.Equal(one(t, text(theirs)), one(t, text(ours))) {
			t.Errorf("the reports differ:\n%.1000s\n%.1000s", text(theirs), text(ours))
		}
	case strings.HasPrefix(kind, "graph"):
		if a, b := strings.Count(text(theirs), " -> "), strings.Count(text(ours), " -> "); a != b {
			t.Errorf("Python's graph has %d edges, ours %d", a, b)
		}
	}
	if _, err := os.Stat(filepath.Join(ours.dir, "graph")); err == nil {
		t.Error("a file graph is left over")
	}
}
