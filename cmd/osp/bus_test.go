package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// buses are the message buses with real servers.
var buses = map[string]func(testing.TB) string{"rabbitmq": testenv.RabbitMQ, "kafka": testenv.Kafka}

// filled returns a bus with the given number of traces of one notification.
func filled(t *testing.T, bus func(testing.TB) string, traces int) (connectionString string) {
	t.Helper()
	connectionString = bus(t)
	source, _ := manyTraces(t, traces)
	r := osp(t, t.TempDir(), "forward", "--from", source, "--to", connectionString)
	if want := fmt.Sprintf("osp: %s read, %d written, 0 there already\n", counted(traces, "notification"), traces); r.code != exitDone || r.stderr != want {
		t.Fatalf("%+v; want %q", r, want)
	}
	return connectionString
}

// All verbs except forward leave the messages on the bus; forward moves them.
func TestBus(t *testing.T) {
	t.Parallel()
	for name, bus := range buses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			at := filled(t, bus, 50)
			for range 2 {
				if ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", at).succeeded(t)); len(ids) != 50 {
					t.Errorf("%d traces are listed", len(ids))
				}
				if text := osp(t, dir, "trace", "show", traceName(7), "--connection-string", at).succeeded(t); !strings.Contains(text, "wsgi") {
					t.Errorf("the trace is %s", text)
				}
				if text := osp(t, dir, "trace", "show", traceName(7), "--upstream", "--json", "--connection-string", at).succeeded(t); !strings.Contains(text, `"name": "wsgi"`) {
					t.Errorf("Python's answer is %s", text)
				}
				if r := osp(t, dir, "check", "--connection-string", at); r.code != exitDone || !strings.Contains(r.stdout, "50 traces") {
					t.Errorf("check: %+v", r)
				}
			}
			if r := osp(t, dir, "trace", "show", traceName(99), "--connection-string", at); r.code != exitNotFound {
				t.Errorf("a trace that does not exist: %+v", r)
			}
			for _, c := range []struct{ args, want string }{
				{"--dry-run", "50 notifications read, 50 would be written, 0 there already"},
				{"--base-id " + traceName(1) + " --base-id " + traceName(2), "2 notifications read, 2 written, 0 there already"},
				{"--since 2026-11-22T00:10:00 --until 2026-11-22T00:20:00", "10 notifications read, 10 written, 0 there already"},
				{"", "50 notifications read, 38 written, 12 there already"},
				{"", "0 notifications read, 0 written, 0 there already"},
			} {
				r := osp(t, dir, append([]string{"forward", "--from", at, "--to", "sqlite:///moved.db"}, strings.Fields(c.args)...)...)
				if r.code != exitDone || r.stderr != "osp: "+c.want+"\n" {
					t.Errorf("%s: %+v; want %s", c.args, r, c.want)
				}
			}
			if ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", "sqlite:///moved.db").succeeded(t)); len(ids) != 50 {
				t.Errorf("%d traces were moved", len(ids))
			}
		})
	}
}

// osp check without --write declares nothing on a bus, because services may declare a
// queue differently.
func TestBusCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := testenv.RabbitMQ(t)
	v := testenv.RabbitMQAPI(t, at)
	for _, c := range []struct {
		args, want string
		queues     int
	}{
		{"", "write       not tested  because connecting for writing declares what is missing", 0},
		{"--write", "write       not tested  the message bus accepts a connection for writing", 1},
	} {
		r := osp(t, dir, append([]string{"check", "--connection-string", at}, strings.Fields(c.args)...)...)
		if r.code != exitDone || !strings.Contains(strings.Join(strings.Fields(r.stdout), " "), strings.Join(strings.Fields(c.want), " ")) || len(v.Queues()) != c.queues {
			t.Errorf("%+v; %d queues", r, len(v.Queues()))
		}
	}
}

// If a read stops at osp_peek, the message says so and names the option to read further.
func TestBusPeekLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filled(t, testenv.RabbitMQ, 50) + "?osp_peek=20"
	r := osp(t, dir, "trace", "list", "--json", "--connection-string", at)
	if r.code != exitDone || len(listed(t, r.stdout)) != 20 || !strings.Contains(r.stderr, "behind the first 20: option osp_peek=20 of the connection string ends the search there; a larger number looks further") {
		t.Errorf("list: %+v", r)
	}
	r = osp(t, dir, "trace", "show", traceName(3), "--connection-string", at) // the first message
	if r.code != exitDone || !strings.Contains(r.stdout, "wsgi") || strings.Count(r.stdout+r.stderr, "osp_peek") != 1 {
		t.Errorf("show: %+v", r)
	}
	r = osp(t, dir, "trace", "show", traceName((30*7+3)%50), "--connection-string", at)
	if r.code != exitNotFound || !strings.Contains(r.stderr, "is not among the first 20 messages of RabbitMQ at") {
		t.Errorf("show of a later trace: %+v", r)
	}
	r = osp(t, dir, "check", "--connection-string", at)
	if r.code != exitDone || !strings.Contains(r.stdout, "at least 20 traces (there are more messages than osp_peek looks at)") {
		t.Errorf("check: %+v", r)
	}
	r = osp(t, dir, "forward", "--dry-run", "--from", at, "--to", "sqlite:///x.db")
	if r.code != exitFailed || !strings.Contains(r.stderr, "20 notifications read, 20 would be written") || !strings.Contains(r.stderr, "the source has more than was read") {
		t.Errorf("a dry run: %+v", r)
	}
}

// Messages of other programs stay on the bus and are reported once. They are not a failure.
func TestBusForeignMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filled(t, testenv.RabbitMQ, 10)
	v := testenv.RabbitMQAPI(t, at)
	json := testenv.RabbitMQProperties{ContentType: "application/json"}
	for range 3 {
		v.Publish("", "profiler.info", []byte(`{"event_type": "compute.instance.create.end", "priority": "INFO", "payload": {}}`), json)
		v.Publish("", "profiler.info", []byte(`{"event_type": "profiler.api", "priority": "ERROR", "payload": {}}`), json)
		v.Publish("", "profiler.info", []byte(`nonsense`), json)
		v.Publish("", "profiler.info", []byte(`{"event_type": "profiler.api", "priority": "INFO", "payload": {"name": "x"}}`), testenv.RabbitMQProperties{})
	}
	r := osp(t, dir, "trace", "list", "--json", "--connection-string", at)
	if r.code != exitDone || len(listed(t, r.stdout)) != 10 || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "skipped 12 messages of RabbitMQ at") {
		t.Errorf("list: %+v", r)
	}
	for run, want := range []string{"10 notifications read, 10 written", "0 notifications read, 0 written"} {
		r := osp(t, dir, "forward", "--from", at, "--to", "sqlite:///moved.db")
		if r.code != exitDone || !strings.Contains(r.stderr, want) || strings.Count(r.stderr, "osp: warning: skipped a message in queue") != 4 || !strings.Contains(r.stderr, "12 messages of other programs left alone") {
			t.Errorf("run %d: %+v", run, r)
		}
	}
	v.AwaitQueue("profiler.info", func(q testenv.RabbitMQQueue) bool { return q.Ready == 12 })
	if left := v.Messages("profiler.info"); len(left) != 12 || string(left[2].Body) != "nonsense" {
		t.Errorf("%d messages are left", len(left))
	}
}

// An interruption loses nothing: the target has the acknowledged messages, and the bus has
// the rest.
func TestBusInterrupted(t *testing.T) {
	t.Parallel()
	for name, bus := range buses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, at, count := interruptedForward(t, 30_000, func(t *testing.T, count int) string {
				t.Helper()
				at := bus(t)
				if r := osp(t, t.TempDir(), "forward", "--from", bigStore(t, count), "--to", at); r.code != exitDone {
					t.Fatalf("%+v", r)
				}
				return at
			})
			if r := osp(t, dir, "forward", "--from", at, "--to", "sqlite:///big.db"); r.code != exitDone {
				t.Fatalf("the second run: %+v", r)
			}
			r := osp(t, dir, "forward", "--from", bigStore(t, count), "--to", "sqlite:///big.db")
			if r.code != exitDone || !strings.Contains(r.stderr, " 0 written, ") {
				t.Errorf("of what was sent: %+v", r)
			}
			if r := osp(t, dir, "forward", "--from", at, "--to", "sqlite:///big.db"); !strings.Contains(r.stderr, "osp: 0 notifications read") {
				t.Errorf("the third run: %+v", r)
			}
		})
	}
}

// The flags of the Python tool select the bus of messaging://.
func TestBusFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filled(t, testenv.RabbitMQ, 3)
	for _, connection := range []string{"messaging", "messaging://"} {
		r := osp(t, dir, "trace", "show", traceName(1), "--connection-string", connection, "--transport-url", at, "--idle-timeout", "1")
		if !strings.Contains(r.succeeded(t), "wsgi") {
			t.Errorf("%+v", r)
		}
		r = osp(t, dir, "trace", "show", traceName(1), "--connection-string", connection)
		if r.code != exitUsage || !strings.Contains(r.stderr, "messaging:// names no broker: add the option transport_url, as in messaging://?transport_url=rabbit://user:password@host:5672/") || !strings.Contains(r.stderr, "--transport-url") {
			t.Errorf("%+v", r)
		}
	}
	r := osp(t, dir, "trace", "show", traceName(1), "--connection-string", "messaging://?transport_url="+at, "--transport-url", at)
	if r.code != exitUsage || !strings.Contains(r.stderr, "--transport-url names the message bus, and so does the connection string") {
		t.Errorf("%+v", r)
	}
}

// forward refuses to move messages from a bus to itself, because they would come back.
func TestBusToItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := testenv.RabbitMQ(t)
	for name, bus := range buses {
		at := bus(t)
		for from, to := range map[string]string{
			at: "messaging://?transport_url=" + at + "?control_exchange=nova&osp_peek=5",
			strings.Replace(at, "127.0.0.1", "localhost", 1): at,
			at + "?osp_queue=own":                            at,
		} {
			if name == "kafka" {
				to = strings.Replace(to, "control_exchange=nova&", "", 1)
			}
			r := osp(t, dir, "forward", "--from", from, "--to", to)
			if r.code != exitUsage || !strings.Contains(r.stderr, "both name the same message bus and topic") {
				t.Errorf("%s to %s: %+v", from, to, r)
			}
		}
	}
	other := testenv.RabbitMQ(t) // another virtual host
	if r := osp(t, dir, "forward", "--from", at, "--to", other); r.code != exitDone {
		t.Errorf("%+v", r)
	}
	at = filled(t, testenv.RabbitMQ, 5)
	for from, to := range map[string]string{at: at + "?topics=other"} {
		if r := osp(t, dir, "forward", "--from", from, "--to", to); r.code != exitDone || !strings.Contains(r.stderr, "5 notifications read, 5 written") {
			t.Errorf("%+v", r)
		}
	}
	if ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", at+"?topics=other").succeeded(t)); len(ids) != 5 {
		t.Errorf("%d traces in the other topic", len(ids))
	}
}
