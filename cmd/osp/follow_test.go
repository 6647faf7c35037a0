package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// half is a notification of the operation number i.
func half(i int, suffix, service string) string {
	return fmt.Sprintf(`{"name": "wsgi%s", "base_id": "2130e762-6fff-43b5-a1a2-%012d", "trace_id": "3130e762-6fff-43b5-a1a2-%012d", "parent_id": "2130e762-6fff-43b5-a1a2-%012d", "timestamp": "2026-11-22T07:15:3%d.%06d", "info": {"host": "h"}, "project": "p", "service": "%s"}`+"\n",
		suffix, i, i, i, 6-len(suffix), i, service)
}

// A relay forwards existing and new notifications to every target, until SIGTERM.
func TestFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := filepath.Join(dir, "from.jsonl")
	writeFile(t, from, half(1, "-start", "nova")+half(1, "-stop", "nova"))
	sink, address := startListener(t, dir, "file://"+dir+"/spans.jsonl")
	p := startFollow(t, dir, nil, "--follow", "--from", "file://"+from, "--to", "file://"+dir+"/copy.jsonl", "--to", address,
		"--state", "state", "--poll-interval", "50ms", "--listen", "127.0.0.1:0")
	p.await("the relay runs")
	until(t, "2 lines", func() bool {
		return len(fileLines(t, dir, "copy.jsonl")) == 2 && len(fileLines(t, dir, "spans.jsonl")) == 2
	})
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil { // must do nothing
		t.Fatal(err)
	}
	appendTo(t, from, half(2, "-start", "glance"))
	until(t, "3 lines", func() bool { return len(fileLines(t, dir, "copy.jsonl")) == 3 })
	appendTo(t, from, half(2, "-stop", "glance"))
	until(t, "4 lines", func() bool {
		return len(fileLines(t, dir, "copy.jsonl")) == 4 && len(fileLines(t, dir, "spans.jsonl")) == 4
	})
	if log := p.stopped(); !strings.Contains(log, "stopping: writing what was read") || !strings.Contains(log, "read=4 ") {
		t.Errorf("%s", log)
	}
	sink.stopped()
	if got := readFile(t, filepath.Join(dir, "copy.jsonl")); got != readFile(t, from) {
		t.Errorf("the copy is\n%s", got)
	}
	// A span that was made from notifications becomes the same notifications again.
	if diff := cmp.Diff(values(t, dir, "from.jsonl"), values(t, dir, "spans.jsonl")); diff != "" {
		t.Errorf("by OTLP (-want +got):\n%s", diff)
	}
}

// values returns the notifications of a file, sorted.
func values(t *testing.T, dir, name string) (all []string) {
	t.Helper()
	for _, line := range fileLines(t, dir, name) {
		var value any
		if err := json.Unmarshal([]byte(line), &value); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	slices.Sort(all)
	return all
}

// After SIGKILL, a relay continues where it was, even with half an operation.
func TestFollowKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from := filepath.Join(dir, "from.jsonl")
	writeFile(t, from, half(1, "-start", "nova")+half(1, "-stop", "nova")+half(2, "-start", "nova"))
	sink, address := startListener(t, dir, "file://"+dir+"/spans.jsonl")
	start := func() *followProcess {
		p := startFollow(t, dir, nil, "--follow", "--from", "file://"+from, "--to", address, "--state", "state", "--poll-interval", "50ms", "--listen", "none")
		p.await("the relay runs")
		return p
	}
	p := start()
	until(t, "the first span", func() bool { return len(fileLines(t, dir, "spans.jsonl")) == 2 })
	until(t, "a cursor", func() bool {
		cursors, _ := filepath.Glob(filepath.Join(dir, "state", "cursor-*"))
		return len(cursors) == 1
	})
	second := osp(t, dir, "forward", "--follow", "--from", "file://"+from, "--to", address, "--state", "state", "--listen", "none")
	if second.code != exitFailed || !strings.Contains(second.stderr, `the state directory "state" is in use by another relay`) || strings.Count(second.stderr, "\n") != 1 {
		t.Errorf("%+v", second)
	}
	p.stop(syscall.SIGKILL)
	appendTo(t, from, half(2, "-stop", "nova"))
	p = start()
	until(t, "the second span", func() bool { return len(fileLines(t, dir, "spans.jsonl")) == 4 })
	p.stopped()
	sink.stopped()
	if diff := cmp.Diff(values(t, dir, "from.jsonl"), values(t, dir, "spans.jsonl")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Only the traces that the filter selects are forwarded, each as a whole.
func TestFollowFilter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := half(1, "-start", "nova") + half(2, "-start", "glance") + half(1, "-stop", "nova") + half(2, "-stop", "glance")
	writeFile(t, filepath.Join(dir, "from.jsonl"), text)
	p := startFollow(t, dir, nil, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/copy.jsonl", "--state", "state",
		"--service", "gla*", "--name", "wsgi", "--settle", "100ms", "--poll-interval", "50ms", "--listen", "none")
	until(t, "2 lines", func() bool { return len(fileLines(t, dir, "copy.jsonl")) == 2 })
	until(t, "the decision", func() bool { return !strings.Contains(readFile(t, filepath.Join(dir, "copy.jsonl")), "nova") })
	time.Sleep(300 * time.Millisecond) // time to settle; any other time is right, too
	p.stopped()
	if got := values(t, dir, "copy.jsonl"); len(got) != 2 || strings.Contains(strings.Join(got, ""), "nova") {
		t.Errorf("%s", got)
	}
}

var monitorAddress = regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`)

// The relay answers /healthz, /readyz and /metrics. Its log is JSON on request.
func TestFollowMonitor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "from.jsonl"), half(1, "-start", "nova"))
	p := startFollow(t, dir, nil, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/copy.jsonl", "--to", "otlp+http://127.0.0.1:1",
		"--state", "state", "--listen", "127.0.0.1:0", "--max-age", "50ms", "--grace", "100ms")
	p.await("the target fails; trying again")
	address := monitorAddress.FindStringSubmatch(p.await("the relay runs"))[1]
	for path, want := range map[string]string{
		"/healthz": `"status": "ok"`,
		"/readyz":  `connection refused`,
		"/metrics": `osprofiler_relay_target_up{`,
	} {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if wantStatus := map[bool]int{true: 503, false: 200}[path == "/readyz"]; err != nil || response.StatusCode != wantStatus || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d\n%s", path, response.StatusCode, body)
		}
	}
	taken := osp(t, dir, "forward", "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "sqlite:///b.db", "--state", "other", "--listen", address)
	if taken.code != exitFailed || taken.stderr != "osp: cannot answer /healthz, /readyz and /metrics on "+address+": bind: address already in use; give another address by --listen, or --listen none\n" {
		t.Errorf("%+v", taken)
	}
	if code := p.stop(syscall.SIGTERM); code != exitDone { // the relay keeps the half in its state
		t.Errorf("exit code %d:\n%s", code, p.stderr())
	}
	j := startFollow(t, dir, nil, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/json.jsonl", "--state", "json", "--listen", "none", "--log-format", "json")
	j.await("the relay runs")
	for _, line := range strings.Split(strings.TrimSpace(j.stopped()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q is no JSON", line)
		}
	}
}

// A second signal stops the relay at once, however long the grace period is.
func TestFollowSecondSignal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "from.jsonl"), half(1, "-start", "nova")+half(1, "-stop", "nova"))
	p := startFollow(t, dir, nil, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "otlp+http://127.0.0.1:1", "--state", "state", "--listen", "none", "--grace", "1h")
	p.await("the target fails; trying again")
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.await("stopping: writing what was read")
	until(t, "the second signal", func() bool {
		_ = p.cmd.Process.Signal(os.Interrupt)
		select {
		case <-p.done:
			return true
		default:
			return false
		}
	})
	p.wait()
}

// The relay notifies systemd when it runs, that it is alive, and when it stops.
func TestFollowSystemd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		testenv.Missing(t, err)
	}
	defer conn.Close()
	state := filepath.Join(dir, "state")
	writeFile(t, filepath.Join(dir, "from.jsonl"), half(1, "-start", "nova"))
	p := startFollow(t, dir, []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=200000", "STATE_DIRECTORY=" + state + ":/var/lib/other"},
		"--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "sqlite:///a.db", "--listen", "none")
	var told []string
	hear := func(want string) {
		t.Helper()
		buffer := make([]byte, 1000)
		for !slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, want) }) {
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			n, err := conn.Read(buffer)
			if err != nil {
				t.Fatalf("%v; systemd heard %q, no %s", err, told, want)
			}
			told = append(told, string(buffer[:n]))
		}
	}
	hear("READY=1")
	hear("WATCHDOG=1")
	if _, err := os.Stat(filepath.Join(state, "lock")); err != nil {
		t.Error(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
	p.wait()
}
