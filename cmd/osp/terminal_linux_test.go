package main

import (
	"os/exec"
	"strings"
	"testing"
)

// onTerminal runs a shell command line on a terminal of 90 columns.
func onTerminal(t *testing.T, dir string, env []string, line string) string {
	t.Helper()
	if _, err := exec.LookPath("script"); err != nil {
		t.Fatal("this needs the command script, of bsdutils, to have a terminal")
	}
	r := runCommand(t, dir, append([]string{"TERM=xterm", "SHELL=/bin/sh"}, env...), "script", "-qec", "stty cols 90; "+line, "/dev/null")
	if r.code != exitDone {
		t.Fatalf("%s: %+v", line, r)
	}
	return r.stdout
}

func TestOnATerminal(t *testing.T) {
	dir := t.TempDir()
	trace := openstackTraces(t)[2]
	show := ospBinary + " trace show " + trace.baseID + " --connection-string file://" + trace.file
	columns := func(drawing string) (most int) {
		for line := range strings.Lines(drawing) {
			most = max(most, len([]rune(strings.TrimRight(line, "\r\n"))))
		}
		return most
	}
	if got := onTerminal(t, dir, nil, show); !strings.Contains(got, "\x1b[") {
		t.Errorf("no colour on a terminal: %.200q", got)
	}
	for _, env := range []string{"NO_COLOR=1", "TERM=dumb"} {
		if got := onTerminal(t, dir, []string{env}, show); strings.Contains(got, "\x1b") || columns(got) != 90 {
			t.Errorf("%s: colour, or %d columns instead of 90: %.200q", env, columns(got), got)
		}
	}
	if got := onTerminal(t, dir, []string{"NO_COLOR=1", "COLUMNS=120"}, show); columns(got) != 120 {
		t.Errorf("COLUMNS=120: %d columns", columns(got))
	}
	if got := onTerminal(t, dir, nil, show+" --out trace.txt && cat trace.txt"); strings.Contains(got, "\x1b") || columns(got) > defaultWidth {
		t.Errorf("a file is written in colour, or %d columns wide: %.200q", columns(got), got)
	}
	got := onTerminal(t, dir, nil, ospBinary+" forward --from "+bigStore(t, 20_000)+" --to sqlite:///t.db")
	if !strings.Contains(got, "forwarding") || strings.Contains(got, "/-") || !strings.HasSuffix(got, "osp: 20,000 notifications read, 20,000 written, 0 there already\r\n") {
		t.Errorf("no progress, or no counts at the end: %q", got)
	}
}
