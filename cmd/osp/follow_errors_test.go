package main

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// operationsOf returns both halves of count operations.
func operationsOf(count int) string {
	var text strings.Builder
	for i := range count {
		text.WriteString(half(i, "-start", "nova") + half(i, "-stop", "nova"))
	}
	return text.String()
}

// failures returns the lines of a log that do not belong to normal operation.
func failures(log string) (lines []string) {
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "level=INFO") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// httpStatus starts an HTTP server that answers with a status, and returns its address.
func httpStatus(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// A target or a source that refuses the relay stops it at the start, with one line. The
// source keeps everything for a relay with the right target.
func TestFollowRefused(t *testing.T) {
	t.Parallel()
	locked := testenv.StartRedis(t, "--requirepass", "richtig").Addr()
	unauthorized, bad := httpStatus(t, http.StatusUnauthorized), httpStatus(t, http.StatusBadRequest)
	for name, c := range map[string]struct{ from, to, want string }{
		"password of the target": {"", "redis://:geheim@" + locked + "/0", "cannot write to the target: Redis at " + locked + " refuses"},
		"password of the source": {"redis://:geheim@" + locked + "/0", "", "cannot read the source: Redis at " + locked + " refuses"},
		"no password":            {"", "redis://" + locked + "/0", "cannot write to the target: Redis at " + locked + " "},
		"token":                  {"", "otlp+http://:geheim@" + unauthorized, "cannot write to the target: the OTLP target at " + unauthorized + " takes no spans from this client (401 Unauthorized)"},
		"every span":             {"", "otlp+http://" + bad, "cannot write to the target: the OTLP target at " + bad + " refuses the spans (400 Bad Request)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "from.jsonl"), operationsOf(2))
			from, to := "file://"+dir+"/from.jsonl", "file://"+dir+"/copy.jsonl"
			args := []string{"--follow", "--from", from, "--to", to, "--state", "state", "--listen", "none", "--poll-interval", "50ms"}
			if c.from != "" {
				args = append(args, "--from", c.from)
			} else {
				args = append(args, "--to", c.to)
			}
			r := osp(t, dir, append([]string{"forward"}, args...)...)
			if r.code != exitFailed || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "osp: "+c.want) || strings.Contains(r.stderr, "geheim") {
				t.Errorf("%+v; want %s", r, c.want)
			}
			sameCopy(t, dir)
		})
	}
}

// sameCopy checks that a relay with the same state copies all of from.jsonl to copy.jsonl.
func sameCopy(t *testing.T, dir string) {
	t.Helper()
	p := startFollow(t, dir, nil, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/copy.jsonl", "--state", "state", "--listen", "none", "--poll-interval", "50ms")
	p.await("the relay runs")
	until(t, "the copy", func() bool {
		return len(fileLines(t, dir, "copy.jsonl")) == len(fileLines(t, dir, "from.jsonl"))
	})
	p.stopped()
	if diff := cmp.Diff(values(t, dir, "from.jsonl"), values(t, dir, "copy.jsonl")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The relay runs although a host has no address, because the host may get one later. The
// relay logs once at the start that it cannot reach the host, and once that forwarding
// fails. Meanwhile the other target gets everything.
func TestFollowUnknownHost(t *testing.T) {
	t.Parallel()
	for name, unknown := range map[string][]string{
		"source":      {"--from", "rabbit://u:geheim@nosuch.invalid/"},
		"store":       {"--to", "redis://:geheim@nosuch.invalid:6379/0"},
		"OTLP/gRPC":   {"--to", "otlp+grpc://nosuch.invalid:4317"},
		"OTLP/HTTP":   {"--to", "otlp+http://nosuch.invalid:4318"},
		"Jaeger/HTTP": {"--to", "jaeger+http://nosuch.invalid:14268"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "from.jsonl"), operationsOf(2))
			p := startFollow(t, dir, nil, append(unknown, "--follow", "--from", "file://"+dir+"/from.jsonl", "--to", "file://"+dir+"/copy.jsonl",
				"--state", "state", "--listen", "none", "--poll-interval", "50ms", "--grace", "100ms")...)
			p.await("fails; trying again")
			until(t, "the other target has it", func() bool { return len(fileLines(t, dir, "copy.jsonl")) == 4 })
			lines := failures(p.stderr())
			if len(lines) != 2 || !strings.Contains(lines[0], "cannot reach it yet; trying again") || !strings.Contains(lines[1], "fails; trying again") {
				t.Errorf("the log has the lines %q", lines)
			}
			for _, line := range lines {
				if !strings.Contains(line, `there is no host \"nosuch.invalid\"`) || strings.Contains(line, "geheim") {
					t.Errorf("%s", line)
				}
			}
			p.stop(os.Interrupt)
			sameCopy(t, dir)
		})
	}
}

// badMessages fills a bus with five operations, a message that cannot be read, and a
// notification that is too large for most sinks.
func badMessages(t *testing.T, dir, at string) {
	t.Helper()
	random := make([]byte, 1<<20) // random, so that no compression makes it small enough
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	large := osprofiler.Notification{
		Name: "large-stop", BaseID: traceName(7000), TraceID: osprofiler.NewID(), ParentID: traceName(7000), Project: "p", Service: "nova",
		Timestamp: "2026-11-22T07:15:36.000000", Info: osprofiler.Info(`{"host": "h", "blob": "` + hex.EncodeToString(random) + `"}`),
	}
	start := large
	start.Name, start.Info, start.Timestamp = "large-start", `{"host": "h"}`, "2026-11-22T07:15:35.000000"
	good := operationsOf(5)
	writeFile(t, filepath.Join(dir, "good.jsonl"), good+start.JSON()+"\n")
	writeFile(t, filepath.Join(dir, "sent.jsonl"), good+start.JSON()+"\n"+large.JSON()+"\n")
	if r := osp(t, dir, "forward", "--from", "file://"+dir+"/sent.jsonl", "--to", at); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	malformed := `{"event_type": "profiler.nova", "priority": "INFO", "publisher_id": "h", "message_id": "m", "payload": "broken"}`
	if !testenv.RabbitMQAPI(t, at).Publish("", "profiler.info", []byte(malformed), testenv.RabbitMQProperties{ContentType: "application/json"}) {
		t.Fatal("the queue does not get the message")
	}
}

// The relay logs one line about messages that cannot be read and one about notifications
// that a target refuses. These messages stay on the bus, or go to the dead letters. The
// target gets all other messages.
func TestFollowBadMessages(t *testing.T) {
	t.Parallel()
	for name, letters := range map[string][]string{"stay": nil, "dead letters": {"--dead-letters", "dead.jsonl"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, at := t.TempDir(), testenv.RabbitMQ(t)
			badMessages(t, dir, at)
			sink := startFollow(t, dir, nil, "--follow", "--from", "otlp+http://127.0.0.1:0?osp_max_message_size=500000", "--to", "file://"+dir+"/spans.jsonl", "--listen", "none")
			address := "otlp+http://" + listening.FindStringSubmatch(sink.await("the relay runs"))[1]
			p := startFollow(t, dir, nil, append(letters, "--follow", "--from", at, "--to", "file://"+dir+"/copy.jsonl", "--to", address,
				"--state", "state", "--listen", "none")...)
			p.await("the relay runs")
			until(t, "the good spans", func() bool { return len(fileLines(t, dir, "spans.jsonl")) >= 10 })
			p.await("refuses 2 notifications of RabbitMQ")
			p.await("it has no payload")
			until(t, "the copy", func() bool { return len(fileLines(t, dir, "copy.jsonl")) == 12 })
			view := testenv.RabbitMQAPI(t, at)
			p.stopped()
			sink.stopped()
			if lines := failures(p.stderr()); len(lines) != 2 {
				t.Errorf("the log has the lines %q, want two", lines)
			}
			dead := fileLines(t, dir, "dead.jsonl")
			want := map[bool]int{true: 3, false: 0}[letters == nil]
			// The server requeues the unacknowledged messages after the relay has ended.
			view.AwaitQueue("profiler.info", func(q testenv.RabbitMQQueue) bool { return q.Ready == want && q.Unacknowledged == 0 })
			if len(dead) != 3-want { // a span has two halves
				t.Errorf("%d are dead letters, and %d messages are left on the bus", len(dead), want)
			}
			if diff := cmp.Diff(values(t, dir, "sent.jsonl"), values(t, dir, "copy.jsonl")); diff != "" {
				t.Errorf("the store (-want +got):\n%.2000s", diff)
			}
			if diff := cmp.Diff(values(t, dir, "good.jsonl")[1:], values(t, dir, "spans.jsonl")); diff != "" {
				t.Errorf("the sink (-want +got):\n%.2000s", diff)
			}
		})
	}
}

// fillDisk fills a disk as far as possible. Removing the returned file frees the disk again.
func fillDisk(t *testing.T, disk testenv.Disk, size int) (ballast string) {
	t.Helper()
	ballast = filepath.Join(disk.Dir, "ballast")
	for ; size > 0; size -= 1 << 10 {
		if os.WriteFile(ballast, make([]byte, size), 0o600) == nil {
			return ballast
		}
	}
	t.Fatal("the disk has no room from the start")
	return ""
}

// If the disk of the state is full, the relay stops acknowledging, with one line. When there
// is room again, the relay continues, and nothing is lost.
func TestFollowFullDisk(t *testing.T) {
	t.Parallel()
	disk := testenv.NewDisk(t, "64k")
	dir := t.TempDir()
	from := filepath.Join(dir, "from.jsonl")
	writeFile(t, from, half(0, "-start", "nova"))
	sink, address := startListener(t, dir, "file://"+dir+"/spans.jsonl")
	args := []string{
		"--follow", "--from", "file://" + from, "--to", address, "--to", "file://" + dir + "/copy.jsonl",
		"--state", filepath.Join(disk.Dir, "state"), "--listen", "none", "--poll-interval", "50ms", "--grace", "100ms",
	}
	p := startFollow(t, dir, nil, args...)
	until(t, "a cursor", func() bool {
		cursors, _ := filepath.Glob(filepath.Join(disk.Dir, "state", "cursor-*"))
		return len(cursors) == 1
	})
	ballast := fillDisk(t, disk, 64<<10)
	var starts, stops strings.Builder
	for i := 1; i <= 100; i++ {
		starts.WriteString(half(i, "-start", "nova"))
		stops.WriteString(half(i, "-stop", "nova"))
	}
	appendTo(t, from, starts.String())
	p.await("no space left on device")
	p.stop(os.Kill) // while the disk is full
	p = startFollow(t, dir, nil, args...)
	p.await("no space left on device")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	appendTo(t, from, stops.String()+half(0, "-stop", "nova"))
	until(t, "all spans", func() bool { return len(fileLines(t, dir, "spans.jsonl")) >= 202 })
	if lines := failures(p.stopped()); len(lines) != 1 || strings.Count(lines[0], "no space left on device") != 1 {
		t.Errorf("the log has the lines %q, want one", lines)
	}
	sink.stopped()
	for _, copied := range []string{"copy.jsonl", "spans.jsonl"} {
		if diff := cmp.Diff(values(t, dir, "from.jsonl"), values(t, dir, copied)); diff != "" {
			t.Errorf("%s (-want +got):\n%.2000s", copied, diff)
		}
	}
}
