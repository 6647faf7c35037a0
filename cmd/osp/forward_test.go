package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

func TestForwardTwiceWritesOnce(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"sqlite:///twice.db", "file://%s/twice.jsonl"} {
		dir := t.TempDir()
		if strings.Contains(target, "%s") {
			target = fmt.Sprintf(target, dir)
		}
		source, _ := manyTraces(t, 2500)
		for _, want := range []string{
			"osp: 2,500 notifications read, 2,500 written, 0 there already\n",
			"osp: 2,500 notifications read, 0 written, 2,500 there already\n",
		} {
			r := osp(t, dir, "forward", "--from", source, "--to", target)
			if r.code != exitDone || r.stderr != want || r.stdout != "" {
				t.Errorf("%s: %+v; want stderr %q", target, r, want)
			}
		}
		ids := listed(t, osp(t, dir, "trace", "list", "--json", "--limit", "0", "--connection-string", target).succeeded(t))
		if len(ids) != 2500 {
			t.Errorf("%s: the target has %d traces", target, len(ids))
		}
	}
}

// forward warns once about a damaged line, although it reads the file again for each
// trace.
func TestForwardWarnsOnce(t *testing.T) {
	const halfALine = `{"name": "a-start", "base_` + "\n"
	dir := t.TempDir()
	source, _ := manyTraces(t, 40)
	writeFile(t, filepath.Join(dir, "to.jsonl"), halfALine)
	r := osp(t, dir, "forward", "--from", source, "--to", "file://"+dir+"/to.jsonl")
	if r.code != exitDone || !strings.Contains(r.stderr, "40 written") || strings.Count(r.stderr, "osp: warning: in the target: skipped line 1 of") != 1 || strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("%+v; want one warning and the counts", r)
	}
	// A damaged line of the source counts once, too.
	from := filepath.Join(dir, "from.jsonl")
	writeFile(t, from, halfALine+readFile(t, strings.TrimPrefix(source, "file://")))
	r = osp(t, dir, "forward", "--from", "file://"+from, "--to", "sqlite:///to.db", "--base-id", traceName(1), "--base-id", traceName(2))
	if r.code != exitFailed || strings.Count(r.stderr, "osp: warning: skipped line 1 of") != 1 || !strings.Contains(r.stderr, "2 written, 0 there already, 1 unreadable entry skipped") {
		t.Errorf("%+v; want one warning", r)
	}
}

// A target that has a part of a trace gets the rest. Notifications are compared by value, so
// another order of keys makes no difference.
func TestForwardWritesWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	event := func(name string) string {
		return fmt.Sprintf(`{"name": "%s", "base_id": "b", "trace_id": "t", "parent_id": "b", "timestamp": "2026-11-22T07:15:38.127314", "info": {"host": "h"}, "project": "p", "service": "s"}`, name)
	}
	turned := `{"service": "s", "project": "p", "info": {"host": "h"}, "timestamp": "2026-11-22T07:15:38.127314", "parent_id": "b", "trace_id": "t", "base_id": "b", "name": "x-start"}`
	writeFile(t, filepath.Join(dir, "from.jsonl"), event("x-start")+"\n"+event("x-stop")+"\n"+event("x-stop")+"\n")
	writeFile(t, filepath.Join(dir, "to.jsonl"), turned+"\n")
	r := osp(t, dir, "forward", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/to.jsonl")
	if r.code != exitDone || !strings.Contains(r.stderr, " 1 written") {
		t.Errorf("%+v; want one written", r)
	}
	if got, want := readFile(t, filepath.Join(dir, "to.jsonl")), turned+"\n"+event("x-stop")+"\n"; got != want {
		t.Errorf("the target holds\n%swant\n%s", got, want)
	}
}

func TestForwardBaseID(t *testing.T) {
	dir := t.TempDir()
	source, _ := manyTraces(t, 50)
	r := osp(t, dir, "forward", "--from", source, "--to", "sqlite:///some.db",
		"--base-id", traceName(7), "--base-id="+traceName(3), "--base-id", "nosuch", "--base-id", traceName(7))
	if r.code != exitNotFound || !strings.Contains(r.stderr, `"nosuch"`) || !strings.Contains(r.stderr, "2 written") {
		t.Errorf("%+v; want 2 written, exit code 3 for \"nosuch\"", r)
	}
	ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", "sqlite:///some.db").succeeded(t))
	if strings.Join(ids, " ") != traceName(7)+" "+traceName(3) {
		t.Errorf("the target has %q", ids)
	}
}

// Damaged entries are skipped with a warning. All others are copied.
func TestForwardDamagedSource(t *testing.T) {
	dir := t.TempDir()
	source, _ := manyTraces(t, 20)
	path := strings.TrimPrefix(source, "file://")
	good := readFile(t, path)
	writeFile(t, path, "garbage\n"+strings.Repeat("{\"name\": \n", 14)+good)
	r := osp(t, dir, "forward", "--from", source, "--to", "sqlite:///good.db")
	if r.code != exitFailed || !strings.Contains(r.stderr, "20 written") || !strings.Contains(r.stderr, "15 unreadable entries skipped") {
		t.Errorf("%+v; want 20 written, 15 skipped, exit code 1", r)
	}
	if n := strings.Count(r.stderr, "osp: warning: skipped"); n != mostWarnings || !strings.Contains(r.stderr, "osp: warning: and 5 more\n") {
		t.Errorf("%d warnings; want %d and a count of the rest:\n%s", n, mostWarnings, r.stderr)
	}
}

// An interrupted run leaves only whole notifications, and the next run writes the rest.
func TestForwardInterrupted(t *testing.T) {
	t.Parallel()
	dir, source, _ := interruptedForward(t, 60_000, func(t *testing.T, count int) string {
		t.Helper()
		return bigStore(t, count)
	})
	r := osp(t, dir, "forward", "--from", source, "--to", "sqlite:///big.db")
	if r.code != exitDone {
		t.Fatalf("the second run: %+v", r)
	}
	r = osp(t, dir, "forward", "--from", source, "--to", "sqlite:///big.db")
	if r.code != exitDone || !strings.Contains(r.stderr, " 0 written, ") {
		t.Errorf("the third run: %+v; want nothing to write", r)
	}
}

// interruptedForward interrupts osp forward after it has begun to write to big.db in the
// folder dir. On a busy machine forward may end before the signal arrives. Then
// interruptedForward tries again with more notifications.
func interruptedForward(t *testing.T, count int, fill func(t *testing.T, count int) string) (dir, source string, filled int) {
	t.Helper()
	for range 4 {
		dir, source = t.TempDir(), fill(t, count)
		cmd := exec.Command(ospBinary, "forward", "--from", source, "--to", "sqlite:///big.db")
		cmd.Dir, cmd.Env = dir, cleanEnv()
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForFile(t, filepath.Join(dir, "big.db"))
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() && status.ExitStatus() == exitDone {
			count *= 2
			continue
		}
		if status.Signaled() || status.ExitStatus() != exitFailed || !strings.HasSuffix(stderr.String(), "osp: interrupted\n") {
			t.Errorf("%v, stderr %q; want exit code 1 and a word", cmd.ProcessState, &stderr)
		}
		return dir, source, count
	}
	t.Fatalf("forward ends before it is interrupted, also with %d notifications", count/2)
	return "", "", 0
}

// bigStore writes a store of n notifications in traces of a hundred notifications. The
// traces are interleaved, so that every window of forward has many traces.
func bigStore(t *testing.T, n int) (connectionString string) {
	t.Helper()
	var text strings.Builder
	begin := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for i := range n {
		e := osprofiler.Notification{
			Name: "db-start", BaseID: traceName(i % (n / 100)), TraceID: traceName(i), ParentID: traceName(i % (n / 100)),
			Timestamp: osprofiler.FormatTime(begin.Add(time.Duration(i) * time.Millisecond)),
			Info:      `{"db": {"statement": "SELECT 1", "params": []}, "host": "db-1"}`, Project: "nova", Service: "api",
		}
		text.WriteString(e.JSON() + "\n")
	}
	path := filepath.Join(t.TempDir(), "big.jsonl")
	writeFile(t, path, text.String())
	return "file://" + path
}

func waitForFile(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Fatalf("%s did not appear", path)
}
