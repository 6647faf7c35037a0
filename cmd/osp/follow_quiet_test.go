package main

import (
	"bytes"
	"encoding/json"
	"log"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func isJSON(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q is no JSON", line)
		}
	}
}

// A log in JSON has no other lines, even if the relay cannot start.
func TestFollowLogsErrorsOfTheStart(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "from.jsonl"), half(1, "-start", "nova"))
	writeFile(t, filepath.Join(dir, "file"), "x")
	args := []string{"--follow", "--from", "file://" + dir + "/from.jsonl", "--to", "sqlite:///a.db", "--listen", "none", "--log-format", "json"}
	p := startFollow(t, dir, nil, append(args, "--state", "file")...)
	if code := p.wait(); code != exitFailed || !strings.Contains(p.stderr(), "cannot create the state directory") {
		t.Errorf("exit code %d, %s", code, p.stderr())
	}
	isJSON(t, p.stderr())

	p = startFollow(t, dir, nil, append(args, "--state", "state")...)
	var cursors []string
	until(t, "the cursor", func() bool {
		cursors, _ = filepath.Glob(filepath.Join(dir, "state", "cursor-*.json"))
		return len(cursors) == 1
	})
	p.stopped()
	writeFile(t, cursors[0], "{")
	p = startFollow(t, dir, nil, append(args, "--state", "state")...)
	if code := p.wait(); code != exitFailed || !strings.Contains(p.stderr(), "remove the file to begin at its beginning") {
		t.Errorf("exit code %d, %s", code, p.stderr())
	}
	if strings.Contains(p.stderr(), "the relay runs") {
		t.Errorf("a relay that cannot read its state says that it runs: %s", p.stderr())
	}
	isJSON(t, p.stderr())
}

// Lines that libraries write to package log, and errors of gRPC, appear in the relay's log
// format.
func TestFollowCatchesOtherLogs(t *testing.T) {
	var text bytes.Buffer
	before := log.Writer()
	restore := catchLogs(slog.New(slog.NewJSONHandler(&text, nil)))
	log.Print("Unsolicited response received on idle HTTP channel")
	if _, err := grpcErrors.Write([]byte("2026/11/26 20:46:02 ERROR: something\n")); err != nil {
		t.Error(err)
	}
	restore()
	if log.Writer() != before || grpcErrors.to.Load() != nil {
		t.Error("the logs are not restored")
	}
	isJSON(t, text.String())
	if !strings.Contains(text.String(), "Unsolicited response") || !strings.Contains(text.String(), "something") {
		t.Error(text.String())
	}
}

// If a signal is sent several times at once, as by `timeout`, it counts as one: the relay
// still tries to write what it has read.
func TestFollowSignalTwiceAtOnce(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "from.jsonl"), half(1, "-start", "nova")+half(1, "-stop", "nova"))
	p := startFollow(t, dir, nil, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "otlp+http://127.0.0.1:1", "--state", "state", "--listen", "none", "--grace", "1s")
	p.await("the target fails; trying again")
	for range 20 {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	if code := p.wait(); code != exitFailed || !strings.Contains(p.stderr(), "2 notifications of") {
		t.Errorf("exit code %d, %s", code, p.stderr())
	}
}
