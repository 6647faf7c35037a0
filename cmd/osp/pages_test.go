package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	_ "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// commandsOf returns the commands of a page that this file runs.
func commandsOf(t *testing.T, page string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "```sh test=cmd/osp/pages_test.go\n")[1:] {
		command, _, _ := strings.Cut(block, "```")
		commands = append(commands, strings.TrimSpace(command))
	}
	return commands
}

// asArguments returns the arguments of a command of osp. The pairs replace addresses.
func asArguments(command string, pairs ...string) []string {
	fields := strings.Fields(strings.NewReplacer(pairs...).Replace(command))
	return append([]string{ospBinary}, fields[1:]...)
}

// newRequest writes a trace of one operation that ends now.
func newRequest(t *testing.T, connection string) (baseID string) {
	t.Helper()
	s, err := store.Open(t.Context(), connection)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	baseID = osprofiler.NewID()
	n := osprofiler.Notification{
		Name: "wsgi-start", BaseID: baseID, TraceID: osprofiler.NewID(), ParentID: baseID, Timestamp: osprofiler.FormatTime(time.Now()),
		Project: "nova", Service: "api", Info: `{"host": "h", "request": {"path": "/", "query": "", "method": "GET", "scheme": "http"}}`,
	}
	stop := n
	stop.Name, stop.Info = "wsgi-stop", `{"host": "h"}`
	if err := s.Write(t.Context(), []osprofiler.Notification{n, stop}); err != nil {
		t.Fatal(err)
	}
	return baseID
}

// The commands of docs/jaeger-ui.md send old and new traces of Redis to Jaeger.
func TestJaegerPage(t *testing.T) {
	commands := commandsOf(t, "jaeger-ui.md")
	if len(commands) != 3 {
		t.Fatalf("the page has %d commands, want 3", len(commands))
	}
	redis := testenv.RedisDB(t)
	jaeger := testenv.Jaeger(t, testenv.Jaeger176)
	first, second := newRequest(t, redis), newRequest(t, redis)
	pairs := []string{"redis://127.0.0.1:6379/0", redis, "127.0.0.1:4317", jaeger.OTLPGRPC, "BASE_ID", first, "/var/lib/osp", t.TempDir()}

	runCommand(t, "", nil, asArguments(commands[1], pairs...)...).ended(t)
	awaitWSGI(t, jaeger, first)
	runCommand(t, "", nil, asArguments(commands[0], pairs...)...).ended(t)
	awaitWSGI(t, jaeger, second)

	whileRelaying(t, asArguments(commands[2], pairs...), func() { awaitWSGI(t, jaeger, newRequest(t, redis)) })
}

// ended checks that a command succeeded.
func (r result) ended(t *testing.T) {
	t.Helper()
	if r.code != exitDone {
		t.Fatalf("%+v", r)
	}
}

func awaitWSGI(t *testing.T, jaeger *testenv.JaegerServer, baseID string) {
	t.Helper()
	trace := jaeger.AwaitTrace(strings.ReplaceAll(baseID, "-", ""), 1)
	if span := trace.Spans[0]; span.Operation != "wsgi" || trace.Processes[span.ProcessID].Service != "nova-api" || span.Tag("url.path") != "/" {
		t.Errorf("Jaeger has %+v", trace)
	}
}

// whileRelaying runs a relay, calls use, and stops the relay by SIGTERM.
func whileRelaying(t *testing.T, command []string, use func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], "--listen", "none")...)
	var stderr strings.Builder
	cmd.Env, cmd.Stderr = cleanEnv(), &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	use()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
}

// The relay of docs/mixed-cloud.md writes spans that arrive by OTLP to Redis.
func TestMixedCloudPage(t *testing.T) {
	commands := commandsOf(t, "mixed-cloud.md")
	if len(commands) != 1 {
		t.Fatalf("the page has %d commands, want 1", len(commands))
	}
	redis := testenv.RedisDB(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	const body = `{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "5ee5d60220d74f3caa408eccd17dfb97", "spanId": "0123456789abcdef", "name": "HTTP GET /",
		"kind": 2, "startTimeUnixNano": "1795331737634593000", "endTimeUnixNano": "1795331737634594000", "attributes": [
		{"key": "http.method", "value": {"stringValue": "GET"}}, {"key": "http.url", "value": {"stringValue": "http://h/"}},
		{"key": "openstack.request_id", "value": {"stringValue": "req-b89b5dad-cd63-4bd3-b577-ca229af58914"}}]}]}]}]}`
	command := asArguments(commands[0], "redis://127.0.0.1:6379/0", redis, "127.0.0.1:4318", address)
	whileRelaying(t, command, func() { postUntilTaken(t, "http://"+address+"/v1/traces", body) })
	r := osp(t, "", "trace", "list", "--connection-string", redis, "--request-id", "b89b5dad-cd63-4bd3-b577-ca229af58914")
	if r.code != exitDone || !strings.Contains(r.stdout, "5ee5d602-20d7-4f3c-aa40-8eccd17dfb97") || !strings.Contains(r.stdout, "wsgi") {
		t.Errorf("%+v", r)
	}
}

// postUntilTaken posts spans until the relay listens and has written them.
func postUntilTaken(t *testing.T, url, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				http.DefaultClient.CloseIdleConnections()
				return
			}
			err = fmt.Errorf("the relay answered %s", response.Status)
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
