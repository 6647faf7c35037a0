package main

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// onPTY runs osp on a pseudo-terminal of 100 columns and returns the output.
func onPTY(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), ospBinary, args...)
	cmd.Env = append(cleanEnv(), env...)
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var screen bytes.Buffer
	_, _ = io.Copy(&screen, terminal) // on Linux, reading fails when no process has the terminal open
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &screen)
	}
	return screen.String()
}

// On a terminal, the output has colours, the terminal's width, and the characters of the
// locale.
func TestShowOnAPseudoTerminal(t *testing.T) {
	show := []string{"trace", "show", openstackTraces(t)[2].report, "-v"}
	for _, c := range []struct {
		env             string
		colour, unicode bool
	}{
		{"TERM=xterm LANG=en_US.UTF-8", true, true},
		{"TERM=xterm LC_ALL=C", true, false},
		{"TERM=dumb LC_ALL=C", false, false},
		{"TERM=dumb LANG=en_US.UTF-8", false, true},
		{"TERM=xterm NO_COLOR=1 LANG=C", false, false},
	} {
		got := onPTY(t, strings.Fields(c.env), show...)
		if has := strings.Contains(got, "\x1b["); has != c.colour {
			t.Errorf("%s: colour is %v: %.300q", c.env, has, got)
		}
		if has := strings.IndexFunc(got, func(r rune) bool { return r >= 0x7f }) >= 0; has != c.unicode {
			t.Errorf("%s: UTF-8 is %v: %.300q", c.env, has, got)
		}
		if !c.colour {
			most := 0
			for line := range strings.Lines(got) {
				most = max(most, len([]rune(strings.TrimRight(line, "\r\n"))))
			}
			if most != 100 {
				t.Errorf("%s: %d columns instead of 100", c.env, most)
			}
		}
	}
}
