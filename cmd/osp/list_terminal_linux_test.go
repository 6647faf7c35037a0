package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/rivo/uniseg"

	"github.com/osprofiler-otel/osprofiler"
)

// listOnTerminal runs trace list on a pseudo-terminal with the given number of columns. If
// out is not nil, stdout goes to out instead.
func listOnTerminal(t *testing.T, columns uint16, out io.Writer, args ...string) (screen string) {
	t.Helper()
	return listOnTerminalIn(t, nil, columns, out, args...)
}

// listOnTerminalIn does the same as listOnTerminal, with additional environment variables.
func listOnTerminalIn(t *testing.T, env []string, columns uint16, out io.Writer, args ...string) (screen string) {
	t.Helper()
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 50, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ospBinary, append([]string{"trace", "list"}, args...)...)
	cmd.Env = append(append(cleanEnv(), "TERM=xterm"), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if out != nil {
		cmd.Stdout = out
	}
	shown := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, terminal) // reading fails when no process has the terminal open
		shown <- b.String()
	}()
	err = cmd.Run()
	tty.Close()
	screen = strings.ReplaceAll(<-shown, "\r\n", "\n")
	if err != nil {
		t.Fatalf("%q: %v: %s", args, err, screen)
	}
	return screen
}

// wideStore has a trace that failed, with a long name and a long service in wide characters.
func wideStore(t *testing.T) string {
	t.Helper()
	n := osprofiler.Notification{
		Name: strings.Repeat("操作", 30) + "-stop", BaseID: traceName(1), TraceID: "1", ParentID: traceName(1),
		Timestamp: "2026-07-01T12:00:00.000000", Info: `{"etype": "E"}`, Service: strings.Repeat("service", 20),
	}
	path := filepath.Join(t.TempDir(), "wide.jsonl")
	writeFile(t, path, n.JSON()+"\n")
	return "file://" + path
}

// A listing is no wider than the terminal, from 80 columns up, and shows whole ids.
func TestListFitsTheTerminal(t *testing.T) {
	s := wideStore(t)
	whole := osp(t, "", "trace", "list", "--connection-string", s).succeeded(t)
	if strings.Contains(whole, "…") {
		t.Errorf("it is cut without a terminal:\n%s", whole)
	}
	for columns := uint16(80); columns <= 240; columns += 5 {
		for _, args := range [][]string{{}, {"--error-trace"}, {"--failed"}, {"--time-zone", "America/Argentina/Buenos_Aires"}} {
			screen := listOnTerminal(t, columns, nil, append(args, "--connection-string", s)...)
			lines := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[1], traceName(1)+"  ") || !strings.Contains(lines[1], "操") || !strings.HasSuffix(lines[1], "…") {
				t.Errorf("%d columns, %q:\n%s", columns, args, screen)
			}
			for _, line := range lines {
				if got := uniseg.StringWidth(line); got > int(columns) {
					t.Errorf("%d columns, %q: the line has %d:\n%s", columns, args, got, line)
				}
			}
		}
	}
	const head = "BASE ID                               FIRST EVENT (UTC)    DURATION   OPS  FAIL  NAME"
	if got := listOnTerminal(t, 110, nil, "--connection-string", openstackStore(t)); !strings.HasPrefix(got, head) {
		t.Errorf("110 columns:\n%s", got)
	}
}

func TestListTimeZone(t *testing.T) {
	s := wideStore(t)
	for zone, want := range map[string]string{
		"Europe/Berlin": "FIRST EVENT (Europe/Berlin)       |2026-07-01 14:00:00.000000+02:00  ",
		"utc":           "FIRST EVENT (UTC)           |2026-07-01 12:00:00.000000  ",
		"local":         "FIRST EVENT (local)               |2026-07-01 21:00:00.000000+09:00  ",
	} {
		r := runCommand(t, "", []string{"TZ=Asia/Tokyo"}, ospBinary, "trace", "list", "--time-zone", zone, "--connection-string", s)
		for part := range strings.SplitSeq(want, "|") {
			if !strings.Contains(r.succeeded(t), part) {
				t.Errorf("%s: %s\nwant %q", zone, r.stdout, part)
			}
		}
	}
}

// On a terminal, a hint about the limit appears if the default limit left out traces.
func TestListHint(t *testing.T) {
	many, _ := manyTraces(t, 150)
	few, _ := manyTraces(t, 100)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	const hint = "osp: showing the newest 100 traces; "
	for _, tt := range []struct {
		args string
		want bool
	}{
		{"--connection-string " + many, true},
		{"--json --connection-string " + many, true},
		{"--fields name --connection-string " + many, true},
		{"--limit 100 --connection-string " + many, false},
		{"--limit 5 --connection-string " + many, false},
		{"--limit 0 --connection-string " + many, false},
		{"--python --connection-string " + many, false},
		{"--connection-string " + few, false},
	} {
		for _, out := range []io.Writer{nil, null} { // the hint is for stderr, which is a terminal in both cases
			if got := strings.Contains(listOnTerminal(t, 120, out, strings.Fields(tt.args)...), hint); got != tt.want {
				t.Errorf("%s: a hint is shown: %t; want %t", tt.args, got, tt.want)
			}
		}
	}
}

// A terminal may be narrower than a base id, and COLUMNS may have any value.
func TestListOnNarrowTerminals(t *testing.T) {
	s := wideStore(t)
	for _, columns := range []uint16{1, 10, 40, 67, 68, 79} {
		for _, args := range [][]string{{}, {"--json"}, {"--fields", "name"}, {"--python"}, {"--failed"}} {
			screen := listOnTerminal(t, columns, nil, append(args, "--connection-string", s)...)
			if !strings.Contains(screen, traceName(1)) && !slices.Contains(args, "--fields") || strings.Contains(screen, "panic") {
				t.Errorf("%d columns, %q:\n%s", columns, args, screen)
			}
		}
	}
	if screen := listOnTerminalIn(t, []string{"COLUMNS=1"}, 100, nil, "--connection-string", s); !strings.Contains(screen, traceName(1)) {
		t.Errorf("COLUMNS=1:\n%s", screen)
	}
}

// In a locale without UTF-8 the listing is ASCII, as in trace show.
func TestListInASCII(t *testing.T) {
	s := wideStore(t)
	for _, columns := range []uint16{70, 80, 200} {
		screen := listOnTerminalIn(t, []string{"LC_ALL=C"}, columns, nil, "--connection-string", s)
		for i := range len(screen) {
			if screen[i] >= utf8.RuneSelf {
				t.Fatalf("%d columns:\n%s", columns, screen)
			}
		}
	}
}
