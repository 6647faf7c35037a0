package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const password = "hunter2"

// badInput creates the files for the table below.
func badInput(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	event := func(name, id, parent, time string) string {
		return fmt.Sprintf(`{"name": %q, "base_id": "b", "trace_id": %q, "parent_id": %q, "timestamp": "2026-11-22T07:15:38.%s", "info": {"host": "h"}, "project": "p", "service": "s"}`+"\n",
			name, id, parent, time)
	}
	whole := event("a-start", "1", "b", "100000") + event("a-stop", "1", "b", "200000")
	for name, text := range map[string]string{
		"whole.jsonl":     whole,
		"empty.jsonl":     "",
		"truncated.jsonl": whole + `{"name": "b-start", "base_id": "b", "tra`,
		"cycle.jsonl": whole + event("c-start", "2", "3", "110000") + event("c-stop", "2", "3", "120000") +
			event("d-start", "3", "2", "130000") + event("d-stop", "3", "2", "140000"),
		"nostart.jsonl":   whole + event("c-stop", "2", "1", "120000"),
		"nostop.jsonl":    whole + event("c-start", "2", "1", "120000"),
		"garbage.db":      strings.Repeat("this is no database\n", 100),
		"report.json":     `{"info": {"name": "total"}`,
		"list.json":       `[1, 2, 3]`,
		"deepvalue.jsonl": strings.Replace(whole, `{"host": "h"}`, `{"host": "h", "deep": `+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`}`, 1),
		"deep.jsonl":      deepTrace(10_000, event),
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// deepTrace returns a chain of n nested operations.
func deepTrace(n int, event func(name, id, parent, time string) string) string {
	var text strings.Builder
	for i := range n {
		parent := fmt.Sprint("n", i-1)
		if i == 0 {
			parent = "b"
		}
		text.WriteString(event("x-start", fmt.Sprint("n", i), parent, fmt.Sprintf("%06d", i)))
		text.WriteString(event("x-stop", fmt.Sprint("n", i), parent, fmt.Sprintf("%06d", 900_000-i)))
	}
	return text.String()
}

const inPassword = `the password contains a "?", which should be written %3F`

type badCase struct {
	name   string
	args   string // DIR is the folder of badInput
	code   int
	stderr string // a part of a line of stderr
	stdout string // a part of stdout; if "", stdout is empty
}

var badCases = []badCase{
	// The command line.
	{"unknown command", "trase list", exitUsage, `unknown command "trase" for "osp"; did you mean "trace"?`, ""},
	{"unknown subcommand", "trace lst", exitUsage, `unknown command "lst" for "osp trace"; did you mean "list"?`, ""},
	{"unknown topic of help", "help trase", exitUsage, `unknown command "trase" for "osp"; did you mean "trace"?`, ""},
	{"unknown subtopic of help", "help trace nosuch", exitUsage, `unknown command "nosuch" for "osp trace"`, ""},
	{"topic of help", "help trace list", exitDone, "", "osp trace list [flags]"},
	{"no topic of help", "help", exitDone, "", "Available Commands:"},
	{"unknown shell", "completion tcsh", exitUsage, `unknown command "tcsh" for "osp completion"`, ""},
	{"no shell", "completion", exitDone, "", "bash"},
	{"shell with an argument", "completion bash x", exitUsage, `osp completion bash takes no arguments, but got "x"`, ""},
	{"unknown flag", "trace list --frobnicate", exitUsage, "unknown flag: --frobnicate", ""},
	{"argument too many", "trace list b", exitUsage, `osp trace list takes no arguments, but got "b"`, ""},
	{"no trace to show", "trace show", exitUsage, "give a base id, or a file with a saved report", ""},
	{"empty name of a file", "trace show report.json --out=", exitUsage, "--out names no file; leave it out to write to the standard output", ""},
	{"two traces to show without a store", "trace show a b", exitUsage, `there is no file "a"`, ""},
	{"two forms", "trace show b --json --text", exitUsage, "give --text without --json, --html, --dot and --render-dot", ""},
	{"two traces to render", "trace show a b --dot --render-dot g", exitUsage, "--render-dot draws one trace, not 2", ""},
	{"standard input twice", "trace show - b -", exitUsage, `give "-" only once`, ""},
	{"no number of seconds", "trace show b --idle-timeout soon", exitUsage, `--idle-timeout "soon": it should be a whole number`, ""},
	{"no time zone", "trace show b --time-zone Atlantis", exitUsage, `--time-zone "Atlantis": it should be UTC, local, or a name`, ""},
	{"a short prefix", "trace show 213 --connection-string file://DIR/whole.jsonl", exitNotFound, `no such trace: "213": the first characters of a base id should be at least 4`, ""},
	{"a prefix of nothing", "trace show 2130 --connection-string file://DIR/whole.jsonl", exitNotFound, `no such trace: "2130"; no base id begins with it, and no file has that name`, ""},
	{"no store", "trace list", exitUsage, "no store is named: give --connection-string, or set OSPROFILER_CONNECTION_STRING", ""},
	{"negative limit", "trace list --limit -1 --connection-string file://DIR/whole.jsonl", exitUsage, "--limit -1 should be a number from 0 up", ""},
	{"no number", "trace list --limit ten", exitUsage, `--limit "ten": it should be a whole number, such as 100`, ""},
	{"no time", "trace list --since tomorrow", exitUsage, `--since "tomorrow": it should be a time like 2006-01-02T15:04:05Z, a date like 2006-01-02, a time of today like 16:00 (UTC) or 16:00+02:00, an age like 30m, 1.5h or 3d, or now, today or yesterday`, ""},
	{"empty period", "trace list --since 1h --until 2h --connection-string file://DIR/whole.jsonl", exitUsage, "should be before --until", ""},
	{"service for Python", "trace list --python --service api --connection-string file://DIR/whole.jsonl", exitUsage, "--service cannot be used with --python", ""},
	{"fields of error traces for Python", "trace list --upstream --error-trace --fields name --connection-string file://DIR/whole.jsonl", exitUsage, "--fields cannot be used with --python and --error-trace", ""},
	{"an empty field", "trace list --fields name,,project --connection-string file://DIR/whole.jsonl", exitUsage, "--fields has an empty name", ""},
	{"no truth", "trace list --error-trace maybe", exitUsage, `--error-trace "maybe": it should be True or False`, ""},
	{"forward nowhere", "forward --from file://DIR/whole.jsonl", exitUsage, "no target is named: give --to, or set OSPROFILER_FORWARD_TO", ""},
	{"forward from nowhere", "forward --to file://DIR/whole.jsonl", exitUsage, "no source is named: give --from, or set OSPROFILER_CONNECTION_STRING", ""},
	{"forward to itself", "forward --from file://DIR/whole.jsonl --to file://DIR/whole.jsonl", exitUsage, "the source and the target are the same store", ""},
	{"forward to itself by another name", "forward --from file://DIR/whole.jsonl --to file://DIR/folder/../whole.jsonl", exitUsage, "the source and the target are the same store", ""},

	// The connection string.
	{"unknown scheme", "trace list --connection-string bogus://user:hunter2@host/db", exitUsage, `unknown scheme "bogus"; a connection string should start with one of amqp://`, ""},
	{"no connection string", "trace list --connection-string hunter2", exitUsage, "no connection string", ""},
	{"unknown option", "trace list --connection-string sqlite:///DIR/x.db?osp_colour=hunter2", exitUsage, `"osp_colour"`, ""},
	{"unknown option of a file", "trace list --connection-string file://DIR/whole.jsonl?osp_colour=red", exitUsage, `"osp_colour"`, ""},
	{"malformed", "trace list --connection-string sqlite://user:hunter2@host:port/x.db", exitUsage, "sqlite://", ""},
	{"malformed percent", "trace list --connection-string sqlite:///x.db?osp_sync=%zzhunter2", exitUsage, "percent sign", ""},
	{"malformed file", "trace list --connection-string file:///?password=hunter2", exitUsage, `"password"`, ""},
	{"user of a file", "trace list --connection-string file://user:hunter2@host/x", exitUsage, "names no user", ""},
	{"user of SQLite", "trace list --connection-string sqlite://user:hunter2@host/x", exitUsage, "names no user", ""},
	{"malformed Redis", "trace list --connection-string redis://:hunter2@host:port/0", exitUsage, `the host of the connection string should be a host and a port`, ""},
	{"malformed percent for Redis", "trace list --connection-string redis://:hunter2%@host/0", exitUsage, "should be written %25", ""},
	{"unknown option of Redis", "trace list --connection-string redis://:hunter2@host/0?osp_colour=red", exitUsage, `"osp_colour"`, ""},
	{"question mark in a password", "trace list --connection-string redis://user:1?hunter2@host:1/0", exitUsage, inPassword, ""},
	{"question mark behind a password", "trace list --connection-string redis://:hunter2?@host:6379/0", exitUsage, inPassword, ""},
	{"question mark in a password for sentinels", "trace list --connection-string redissentinel://:hunter2?hunter2@host:26379/0", exitUsage, inPassword, ""},
	{"question mark in a password for SQLite", "trace list --connection-string sqlite://user:1?hunter2@host/x", exitUsage, inPassword, ""},
	{"question mark in a password for a file", "trace list --connection-string file://user:1?hunter2@host/x", exitUsage, inPassword, ""},
	{"question mark in the target's password", "forward --from file://DIR/whole.jsonl --to redis://user:1?hunter2@host:1/0", exitUsage, inPassword, ""},
	{"no file named", "trace list --connection-string file:///", exitUsage, "names no file", ""},

	// The file or store of the connection string.
	{"missing file", "trace list --connection-string file://DIR/nosuch.jsonl", exitFailed, "nosuch.jsonl", ""},
	{"missing database", "trace list --connection-string sqlite:///DIR/nosuch.db", exitFailed, "nosuch.db", ""},
	{"folder for a file", "trace list --connection-string file://DIR/folder", exitFailed, "directory", ""},
	{"folder for a database", "trace list --connection-string sqlite:///DIR/folder", exitFailed, "directory", ""},
	{"no SQLite database", "trace list --connection-string sqlite:///DIR/garbage.db", exitFailed, "garbage.db", ""},
	{"no SQLite database as target", "forward --from file://DIR/whole.jsonl --to sqlite:///DIR/garbage.db", exitFailed, "garbage.db", ""},
	{"folder to show", "trace show DIR/folder", exitFailed, "is a directory", ""},
	{"missing file to show", "trace show nosuch.json", exitUsage, `there is no file "nosuch.json"`, ""},
	{"missing file to show as Python", "trace show nosuch.json --python", exitFailed, `there is no file "nosuch.json"`, ""},
	{"broken report", "trace show DIR/report.json", exitFailed, "report.json", ""},
	{"no report", "trace show DIR/list.json", exitFailed, "list.json", ""},
	{"no such trace", "trace show 00000000-0000-4000-8000-000000000000 --connection-string file://DIR/whole.jsonl", exitNotFound, `no such trace: "00000000-0000-4000-8000-000000000000"`, ""},
	{"no such trace as Python", "trace show 00000000-0000-4000-8000-000000000000 --upstream --json --connection-string file://DIR/whole.jsonl", exitNotFound, `no such trace: "00000000-0000-4000-8000-000000000000"`, ""},
	{"no such trace of any name", "trace show nosuch --connection-string file://DIR/whole.jsonl", exitNotFound, `no such trace: "nosuch"`, ""},
	{"empty store", "trace list --connection-string file://DIR/empty.jsonl", exitDone, "empty.jsonl\" has no traces", ""},

	// The output.
	{"no folder for the output", "trace show b --out DIR/nosuch/x --connection-string file://DIR/whole.jsonl", exitFailed, "nosuch\": no such file or directory", ""},
	{"folder as output", "trace show b --out DIR/folder --connection-string file://DIR/whole.jsonl", exitFailed, "folder\": is a directory", ""},
	{"full disk as output", "trace show b --out /dev/full --connection-string file://DIR/whole.jsonl", exitFailed, `cannot write the file "/dev/full": no space left on device`, ""},

	// The content of the store.
	{"truncated line", "trace show b --connection-string file://DIR/truncated.jsonl", exitDone, "", "! skipped line 3"},
	{"truncated line as JSON", "trace show b --json --connection-string file://DIR/truncated.jsonl", exitDone, "osp: warning: skipped line 3", `"a-stop"`},
	{"truncated line in a listing", "trace list --json --connection-string file://DIR/truncated.jsonl", exitDone, "line 3", `{"base_id": "b"`},
	{"truncated line to forward", "forward --from file://DIR/truncated.jsonl --to sqlite:///DIR/target.db", exitFailed, "1 unreadable entry skipped", ""},
	{"cycle", "trace show b --connection-string file://DIR/cycle.jsonl", exitDone, "", "its own"},
	{"cycle as JSON", "trace show b --json --connection-string file://DIR/cycle.jsonl", exitDone, "its own ancestor", `"d-stop"`},
	{"stop without start", "trace show b --connection-string file://DIR/nostart.jsonl", exitDone, "", "no start"},
	{"start without stop", "trace show b --connection-string file://DIR/nostop.jsonl", exitDone, "", "no stop"},
	{"deep value", "trace show b --json --connection-string file://DIR/deepvalue.jsonl", exitDone, "", `"deep"`},
	{"deep trace", "trace show b --connection-string file://DIR/deep.jsonl", exitDone, "", "x"},
	{"deep trace as JSON", "trace show b --json --connection-string file://DIR/deep.jsonl", exitDone, "", `"n9999"`},
	{"deep trace as a graph", "trace show b --dot --connection-string file://DIR/deep.jsonl", exitDone, "", "9999"},
}

func TestBadInput(t *testing.T) {
	dir := badInput(t)
	for _, tt := range badCases {
		t.Run(tt.name, func(t *testing.T) {
			r := osp(t, dir, strings.Fields(strings.ReplaceAll(tt.args, "DIR", dir))...)
			if r.code != tt.code || !strings.Contains(r.stderr, tt.stderr) {
				t.Errorf("exit code %d, stderr %q; want %d and %q", r.code, r.stderr, tt.code, tt.stderr)
			}
			if !strings.Contains(r.stdout, tt.stdout) || tt.stdout == "" && r.stdout != "" {
				t.Errorf("stdout %.300q; want %q in it", r.stdout, tt.stdout)
			}
			checkSentence(t, r)
		})
	}
}

// checkSentence checks that stderr has one error in one line, or two with the counts of
// forward, without a password.
func checkSentence(t *testing.T, r result) {
	t.Helper()
	if strings.Contains(r.stderr, password) {
		t.Errorf("stderr shows the password: %q", r.stderr)
	}
	if strings.Contains(r.stderr, "goroutine ") || strings.Contains(r.stderr, "panic") {
		t.Errorf("it panicked: %s", r.stderr)
	}
	errors := 0
	for line := range strings.Lines(r.stderr) {
		if !strings.HasPrefix(line, "osp: ") && !(r.code == exitUsage && strings.HasPrefix(line, "Try: osp")) {
			t.Errorf("stderr has the line %q", line)
		}
		if strings.HasPrefix(line, "osp: ") && !strings.HasPrefix(line, "osp: warning:") {
			errors++
		}
	}
	if r.code != exitDone && (errors == 0 || errors > 2) {
		t.Errorf("stderr should say in one sentence what is wrong (besides forward's counts): %q", r.stderr)
	}
}

// The environment names the store, and a flag overrides it.
func TestConnectionStringFromEnvironment(t *testing.T) {
	dir := badInput(t)
	env := []string{connectionVariable + "=file://" + dir + "/whole.jsonl"}
	if r := runCommand(t, dir, env, ospBinary, "trace", "list", "--json"); r.code != exitDone || !strings.Contains(r.stdout, `"b"`) {
		t.Errorf("%+v", r)
	}
	r := runCommand(t, dir, env, ospBinary, "trace", "list", "--json", "--connection-string", "file://"+dir+"/empty.jsonl")
	if r.code != exitDone || r.stdout != "" {
		t.Errorf("the flag should override the environment: %+v", r)
	}
	secret := []string{connectionVariable + "=sqlite://user:" + password + "@host/x"}
	for _, args := range [][]string{{"trace", "list", "--help"}, {"trace", "list"}, {"trace", "show", "b"}, {"__complete", "trace", "show", ""}} {
		if r := runCommand(t, dir, secret, append([]string{ospBinary}, args...)...); strings.Contains(r.stdout+r.stderr, password) {
			t.Errorf("%q shows the password: %+v", args, r)
		}
	}
}
