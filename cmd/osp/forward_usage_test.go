package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Every wrong use of osp forward causes one clear line, and a reference to the help.
func TestForwardUsage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "from.jsonl"), half(1, "-start", "nova"))
	from := "file://" + filepath.Join(dir, "from.jsonl")
	writeFile(t, filepath.Join(dir, "bus.conf"), "[profiler]\nenabled = True\n")
	writeFile(t, filepath.Join(dir, "otlp.conf"), "[profiler]\nconnection_string = otlp://:geheim@collector:4318\n")
	writeFile(t, filepath.Join(dir, "broken.conf"), "[profiler]\nconnection_string\n")
	writeFile(t, filepath.Join(dir, "reference.conf"), "[profiler]\nconnection_string = redis://:geheim@$my_ip\n")
	writeFile(t, filepath.Join(dir, "dir.yaml"), "from: a\n")
	for args, want := range map[string]string{
		"--from FROM --to sqlite:///a.db --state s":                                                  "--state has a meaning with --follow only",
		"--from FROM --to sqlite:///a.db --listen none":                                              "--listen has a meaning with --follow only",
		"--from FROM --to sqlite:///a.db --service nova":                                             "--service has a meaning with --follow only",
		"--follow --from FROM --to sqlite:///a.db --since 2h":                                        "--since cannot be given with --follow",
		"--follow --from FROM --to sqlite:///a.db --dry-run":                                         "--dry-run cannot be given with --follow",
		"--follow --from FROM --to sqlite:///a.db":                                                   "--follow needs a folder for its state, because how far the file \"" + from[7:] + "\" was read is kept there: give --state DIR, or set STATE_DIRECTORY",
		"--follow --from rabbit://h/ --to otlp+http://127.0.0.1:1":                                   "--follow needs a folder for its state, because the halves of operations that wait for their other half are kept there",
		"--follow --from otlp+http://127.0.0.1:0 --to sqlite:///a.db --service nova":                 "--follow needs a folder for its state, because clients that send spans wait for the answer while the filter holds a trace, unless the trace is kept there: give --state DIR",
		"--follow --from rabbit://h/ --to sqlite:///a.db --service nova":                             "--follow needs a folder for its state, because the bus keeps the messages of a trace while the filter holds it, and soon gives no more of them, unless the trace is kept there: give --state DIR",
		"--follow --from rabbit://h/ --to sqlite:///a.db --error-trace --listen none":                "--follow needs a folder for its state, because the bus keeps the messages of a trace while the filter holds it, and soon gives no more of them, unless the trace is kept there: give --state DIR",
		"--follow --from FROM --to sqlite:///a.db --state s --max-age 5m":                            "--max-age has a meaning only if a target gets spans, such as --to otlp+http://127.0.0.1:4318",
		"--from FROM --to sqlite:///a.db --service-name-prefix x":                                    "--service-name-prefix has a meaning only if a target gets spans",
		"--follow --from otlp+http://127.0.0.1:0 --from otlp+http://127.0.0.1:0 --to sqlite:///a.db": "--from names otlp+http://127.0.0.1:0 twice",
		"--from FROM --to sqlite:///a.db --to sqlite:///a.db":                                        "--to names sqlite:///a.db twice",
		"--from FROM --to FROM":                                                                  "the source and the target are the same store",
		"--from otlp://h:4318 --to sqlite:///a.db":                                               "--from: otlp://h:4318 takes spans and cannot be read; to listen for spans, give --follow and --from otlp+http://127.0.0.1:4318",
		"--follow --from jaeger://h:6831 --to sqlite:///a.db":                                    "--from: jaeger://h:6831 takes spans and cannot be read",
		"--from otlp+http://127.0.0.1:4318 --to sqlite:///a.db":                                  "--from: otlp+http://127.0.0.1:4318 is an address to listen on for spans, which needs --follow",
		"--follow --from otlp+http://127.0.0.1:39471 --to otlp+http://localhost:39471 --state s": "is the address on which --from listens, so the spans would come back",
		"--follow --from FROM --to sqlite:///a.db --state s --log-format xml":                    `--log-format "xml": it should be text or json`,
		"--follow --from FROM --to sqlite:///a.db --state s --listen 9464":                       `--listen "9464": it should be an address with a port, such as 127.0.0.1:9464, or none`,
		"--follow --from FROM --to sqlite:///a.db --state s --service [":                         `--service "[": it should be a name, which may have the wildcards`,
		"--follow --from FROM --to sqlite:///a.db --state s --settle 5s":                         "--settle has a meaning with --service, --name, --error-trace or --min-duration only",
		"--follow --from FROM --to sqlite:///a.db --state s --grace soon":                        `--grace "soon": it should be a duration with a unit`,
		"--from FROM --to sqlite:///a.db --redact everything":                                    `--redact "everything": it should be all, or names with commas between them: db-params, sql-literals, function-args, function-results`,
		"--from FROM --to sqlite:///a.db --base-id x --error-trace":                              "--base-id names the traces; --error-trace and --min-duration cannot be given with it",
		"--config dir.yaml --from FROM":                                                          "--config and --from are both given; put the option from into the file, or give flags only",
		"--config-file bus.conf --to sqlite:///a.db":                                             "no file sets transport_url in [oslo_messaging_notifications] or [DEFAULT]",
		"--config-file otlp.conf --to sqlite:///a.db":                                            "the services send spans to a sink (otlp), where they cannot be read; listen for them by OTLP, with --from otlp+http://127.0.0.1:4318",
		"--config-file reference.conf --to sqlite:///a.db":                                       "the value of option connection_string in [profiler] refers to $my_ip, which no file sets",
	} {
		fields := strings.Fields(strings.ReplaceAll(args, "FROM", from))
		r := osp(t, dir, append([]string{"forward"}, fields...)...)
		if lines := strings.SplitAfter(r.stderr, "\n"); r.code != exitUsage || !strings.Contains(r.stderr, want) || len(lines) != 3 || lines[1] != "Try: osp forward --help\n" || strings.Contains(r.stderr, "geheim") {
			t.Errorf("%s: %+v; want %s", args, r, want)
		}
	}
	for args, want := range map[string]string{
		"--config nosuch.yaml":                                                                         `osp: cannot read the file "nosuch.yaml": no such file or directory`,
		"--config-file nosuch.conf --to sqlite:///a.db":                                                "osp: cannot read the configuration file \"nosuch.conf\": no such file or directory",
		"--config-file broken.conf --to sqlite:///a.db":                                                "broken.conf, line 2: the line should be a [section], a comment, or an option",
		"--follow --from FROM --to sqlite:///a.db --state from.jsonl --listen none":                    "from.jsonl",
		"--follow --from FROM --to sqlite:///a.db --state s --dead-letters no/such/file --listen none": "no/such/file",
	} {
		fields := strings.Fields(strings.ReplaceAll(args, "FROM", from))
		r := osp(t, dir, append([]string{"forward"}, fields...)...)
		if r.code != exitFailed || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("%s: %+v; want %s", args, r, want)
		}
	}
}

// The keys and values of the YAML file are the names and values of the flags. Errors name
// the line.
func TestForwardYAMLErrors(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "secret"), "from-the-file\n")
	for text, want := range map[string]string{
		"from: file:///a\n\nfrm: x\n":                        `c.yaml, line 3: unknown key "frm"; did you mean "from"?`,
		"nosuchthing: x\n":                                   `c.yaml, line 1: unknown key "nosuchthing"; the keys are the names of the flags of osp forward`,
		"config: x\n":                                        `c.yaml, line 1: unknown key "config"`,
		"from: a\nfrom: b\n":                                 `line 2`,
		"follow: [true, false]\n":                            `c.yaml, line 1: key "follow" takes one value, not a list`,
		"from:\n  a: b\n":                                    `c.yaml, line 1: key "from" should have a value such as a text or a number, or a list of them`,
		"from:\n":                                            `c.yaml, line 1: key "from" should have a value`,
		"to:\n  - a\n  - [b]\n":                              `c.yaml, line 1: key "to" should have a value`,
		"follow: maybe\n":                                    `c.yaml, line 1: --follow "maybe": it should be true or false`,
		"# comment\nmin-duration: 5\n":                       `c.yaml, line 2: --min-duration "5": it should be a duration with a unit`,
		"- from\n":                                           `c.yaml, line 1: the file should hold options, as in follow: true`,
		"from: 'a\n":                                         `c.yaml: `,
		"a: b\n---\nc: d\n":                                  `c.yaml: it should hold one YAML document`,
		"from: redis://:${NO_SUCH_VARIABLE}@h\n":             `c.yaml, line 1: key "from": the variable NO_SUCH_VARIABLE is not set in the environment`,
		"from: redis://:${file:nosuch}@h\n":                  `c.yaml, line 1: key "from": cannot read the file "nosuch": no such file or directory`,
		"from: file:///a/${NAME\n":                           `c.yaml, line 1: key "from": a reference that begins with ${ should end with }; a dollar sign itself is $$`,
		"from: redis://:${a-b}@h\n":                          `${a-b} should be ${NAME}, ${env:NAME} or ${file:PATH}; a dollar sign itself is $$`,
		"from: file:///a\nto: bogus://:${file:secret}@h\n":   `bogus`,
		"from: file:///a\nto: redis://:${file:secret}@h:x\n": "exit code 2",
		"": "no source is named",
	} {
		writeFile(t, filepath.Join(dir, "c.yaml"), text)
		r := osp(t, dir, "forward", "--config", "c.yaml")
		if want == "exit code 2" {
			want = ""
		}
		if r.code != exitUsage || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "\n") != 2 || strings.Contains(r.stderr, "from-the-file") {
			t.Errorf("%q: %+v; want %s", text, r, want)
		}
	}
}

// A run with --config does what the same flags do.
func TestForwardYAML(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a$b.jsonl"), half(1, "-start", "nova")+half(1, "-stop", "nova"))
	writeFile(t, filepath.Join(dir, "two.jsonl"), half(2, "-start", "nova"))
	writeFile(t, filepath.Join(dir, "name"), "two\r\n")
	writeFile(t, filepath.Join(dir, "c.yaml"), `# sources
from:
  - file://`+dir+`/a$$b.jsonl
  - file://`+dir+`/${file:name}.jsonl
to: ["sqlite:///${NAME}.db", "file://`+dir+`/${env:NAME}.jsonl"]
redact: [db-params, function-args]
dry-run: false
`)
	r := runCommand(t, dir, []string{"NAME=copy"}, ospBinary, "forward", "--config", "c.yaml")
	want := `osp: the file "` + dir + `/a$b.jsonl": 2 notifications read
osp: the database "copy.db": 2 written, 0 there already
osp: the file "` + dir + `/copy.jsonl": 2 written, 0 there already
osp: the file "` + dir + `/two.jsonl": 1 notification read
osp: the database "copy.db": 1 written, 0 there already
osp: the file "` + dir + `/copy.jsonl": 1 written, 0 there already
`
	if r.code != exitDone || r.stderr != want || len(fileLines(t, dir, "copy.jsonl")) != 3 {
		t.Errorf("%+v; want\n%s", r, want)
	}
}

// forward selects traces as trace list does, and --redact replaces values.
func TestForwardSelectAndRedact(t *testing.T) {
	dir := t.TempDir()
	stop := strings.Replace(half(1, "-stop", "nova"), `{"host": "h"}`, `{"host": "h", "etype": "E", "message": "m"}`, 1)
	start := strings.Replace(half(1, "-start", "nova"), `{"host": "h"}`, `{"host": "h", "db": {"statement": "SELECT %(id)s", "params": {"id": "geheim"}}}`, 1)
	writeFile(t, filepath.Join(dir, "from.jsonl"), start+stop+half(2, "-start", "nova"))
	for _, flag := range []string{"--error-trace", "--min-duration=500ms"} {
		r := osp(t, dir, "forward", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/"+flag[2:7]+".jsonl", flag, "--redact", "all")
		got := readFile(t, filepath.Join(dir, flag[2:7]+".jsonl"))
		if r.code != exitDone || !strings.Contains(r.stderr, "2 written") || strings.Contains(got, "geheim") || !strings.Contains(got, "***") {
			t.Errorf("%s: %+v\n%s", flag, r, got)
		}
	}
}
