package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// serviceConfig returns the path of a configuration file of a service, with a bus.
func serviceConfig(t *testing.T, dir, transport string) string {
	t.Helper()
	path := filepath.Join(dir, "nova.conf")
	writeFile(t, path, fmt.Sprintf(`[DEFAULT]
# The bus of RPC has the password in an option of its own.
transport_url = rabbit://nobody:wrong@127.0.0.1:1/

[profiler]
enabled = True
hmac_keys = SECRET_KEY
connection_string = messaging://

[oslo_messaging_notifications]
driver = noop
topics = notifications
bus = %s
transport_url = $bus
`, transport))
	return path
}

// With a service's configuration file, a relay moves the messages of services from a bus into
// a store and into a server of spans at once, even if it is killed meanwhile.
func TestFollowBus(t *testing.T) {
	t.Parallel()
	at := testenv.RabbitMQ(t)
	redis := testenv.RedisDB(t)
	dir := t.TempDir()
	config := serviceConfig(t, dir, at)
	const traces = 200
	var text strings.Builder
	for i := range traces {
		text.WriteString(half(i, "-start", "nova") + half(i, "-stop", "nova"))
	}
	writeFile(t, filepath.Join(dir, "sent.jsonl"), text.String())
	sink, address := startListener(t, dir, "sqlite:///spans.db")
	start := func() *followProcess {
		p := startFollow(t, dir, nil, "--follow", "--config-file", config, "--to", redis, "--to", address, "--state", "state", "--listen", "none", "--dead-letters", "dead.jsonl")
		p.await("the relay runs")
		return p
	}
	p := start()
	send := exec.Command(ospBinary, "forward", "--from", "file://"+dir+"/sent.jsonl", "--to", at)
	send.Env = cleanEnv()
	if err := send.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a trace in Redis", func() bool {
		r := osp(t, dir, "trace", "list", "--json", "--limit", "1", "--connection-string", redis)
		return strings.Count(r.stdout, "\n") == 1
	})
	p.stop(syscall.SIGKILL)
	if err := send.Wait(); err != nil {
		t.Fatal(err)
	}
	p = start()
	for _, target := range []string{redis, "sqlite:///spans.db"} {
		until(t, "all traces in "+target, func() bool {
			r := osp(t, dir, "forward", "--from", target, "--to", "file://"+dir+"/"+fmt.Sprint(len(target))+".jsonl")
			return r.code == exitDone && len(fileLines(t, dir, fmt.Sprint(len(target))+".jsonl")) >= 2*traces
		})
		if diff := cmp.Diff(values(t, dir, "sent.jsonl"), values(t, dir, fmt.Sprint(len(target))+".jsonl")); diff != "" {
			t.Errorf("%s (-sent +got):\n%.2000s", target, diff)
		}
	}
	p.stopped()
	sink.stopped()
	if left := testenv.RabbitMQAPI(t, at).Messages("profiler.info"); len(left) != 0 {
		t.Errorf("%d messages are left on the bus", len(left))
	}
}

// A wrong password stops the relay at the start, with one line; a broker that is down does
// not.
func TestFollowUnreachable(t *testing.T) {
	t.Parallel()
	at := testenv.RabbitMQ(t)
	dir := t.TempDir()
	_, rest, _ := strings.Cut(at, "@")
	r := osp(t, dir, "forward", "--follow", "--from", "rabbit://nobody:geheim@"+rest, "--to", "sqlite:///a.db", "--listen", "none")
	if r.code != exitFailed || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "cannot read the source") || strings.Contains(r.stderr, "geheim") {
		t.Errorf("%+v", r)
	}
	p := startFollow(t, dir, nil, "--follow", "--from", "rabbit://u:geheim@127.0.0.1:1/", "--to", "sqlite:///a.db", "--listen", "none")
	if log := p.await("the source fails; trying again"); strings.Contains(log, "geheim") {
		t.Error(log)
	}
	p.stopped()
}
