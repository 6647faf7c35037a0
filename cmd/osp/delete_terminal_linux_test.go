package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// answering runs osp on a terminal and types an answer. It returns the output on the
// terminal.
func answering(t *testing.T, answer string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("script"); err != nil {
		t.Fatal("this needs the command script, of bsdutils, to have a terminal")
	}
	line := "printf '" + answer + `' | SHELL=/bin/sh TERM=xterm script -qc "` + ospBinary + " " + strings.Join(args, " ") + `; echo code \$?" /dev/null`
	return strings.ReplaceAll(runCommand(t, t.TempDir(), nil, "sh", "-c", line).stdout, "\r\n", "\n")
}

// On a terminal, prune and trace delete ask before they delete. Only an answer such as y
// or Yes confirms.
func TestDeletingAsks(t *testing.T) {
	at := "file://" + filepath.Join(t.TempDir(), "t.jsonl")
	oldAndNew(t, at)
	prune := []string{"prune", "--older-than", "30d", "--connection-string", at}
	del := []string{"trace", "delete", newTraceID, "--connection-string", at}
	for _, answer := range []string{`\n`, `n\n`, `no\n`, `x\n`, `yesterday\n`, `\004`} {
		for _, args := range [][]string{prune, del} {
			got := answering(t, answer, args...)
			if !strings.Contains(got, "This cannot be undone. [y/N] ") || !strings.Contains(got, "osp: nothing was deleted, because the answer was not yes\n") || !strings.Contains(got, "code 1") {
				t.Errorf("%v answered by %q: %q", args, answer, got)
			}
		}
	}
	if got := remaining(t, at); !slices.Equal(got, allTraces) {
		t.Fatalf("%v is left", got)
	}
	if got := answering(t, `y\n`, prune...); !strings.Contains(got, "Delete 3 traces with 6 notifications, whose last event is before 20") || !strings.Contains(got, "osp: 3 traces with 6 notifications deleted\ncode 0") {
		t.Errorf("prune answered by y: %q", got)
	}
	if got := answering(t, `Yes\n`, del...); !strings.Contains(got, newTraceID+"  20") || !strings.Contains(got, "osp: 1 trace with 1 notification deleted\ncode 0") {
		t.Errorf("delete answered by Yes: %q", got)
	}
	if got := remaining(t, at); !slices.Equal(got, []string{longTrace}) {
		t.Errorf("%v is left", got)
	}
}

// prune keeps a trace that gets an event while the question is open. The question names the
// service.
func TestPruneLooksAgainAfterTheQuestion(t *testing.T) {
	at := "file://" + filepath.Join(t.TempDir(), "t.jsonl")
	oldAndNew(t, at)
	service := event("x", "y").Service
	cmd := exec.Command(ospBinary, "prune", "--older-than", "30d", "--service", service, "--connection-string", at)
	cmd.Env = append(cleanEnv(), "TERM=xterm")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var screen strings.Builder
	read := func(until string) {
		buf := make([]byte, 4096)
		for !strings.Contains(screen.String(), until) {
			n, err := terminal.Read(buf)
			screen.Write(buf[:n])
			if err != nil {
				return // the terminal closes when the command ends
			}
		}
	}
	read("[y/N] ")
	if want := fmt.Sprintf("Delete 3 traces with 6 notifications of the service %q, whose last event is before", service); !strings.Contains(screen.String(), want) {
		t.Errorf("the question is %q; want %s", &screen, want)
	}
	late := event(oldTrace, "late-start")
	late.Timestamp = osprofiler.FormatTime(time.Now())
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Write(t.Context(), []osprofiler.Notification{late}), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := terminal.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	read("deleted\r\n")
	if err := cmd.Wait(); err != nil || !strings.Contains(screen.String(), "osp: 2 traces with 4 notifications deleted") {
		t.Errorf("%v: %q", err, &screen)
	}
	if got := remaining(t, at); !slices.Contains(got, oldTrace) {
		t.Errorf("%v is left", got)
	}
}
