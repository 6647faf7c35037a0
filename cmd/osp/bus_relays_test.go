package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// sent fills a bus with count notifications, on several partitions if it is Kafka.
func sent(t *testing.T, name string, count int) (connectionString, source string) {
	t.Helper()
	connectionString, source = buses[name](t), bigStore(t, count)
	if name == "kafka" {
		_, virtualHost, _ := strings.Cut(strings.TrimPrefix(connectionString, "kafka://"), "/")
		testenv.KafkaAPI(t, connectionString).CreateTopic("profiler.info."+virtualHost, 6, 1)
	}
	if r := osp(t, t.TempDir(), "forward", "--from", source, "--to", connectionString); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	return connectionString, source
}

// A relayProcess is a forward in a process of its own.
type relayProcess struct {
	*exec.Cmd
	stderr bytes.Buffer
}

func startRelay(t *testing.T, dir, from, to string) *relayProcess {
	t.Helper()
	r := &relayProcess{Cmd: exec.Command(ospBinary, "forward", "--from", from, "--to", to)}
	r.Dir, r.Env, r.Stderr = dir, cleanEnv(), &r.stderr
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// complete checks that the files together have all notifications of the source, and at least
// want lines.
func complete(t *testing.T, dir, source string, want int, files ...string) {
	t.Helper()
	lines := 0
	for _, file := range files {
		lines += strings.Count(readFile(t, filepath.Join(dir, file)), "\n")
		if r := osp(t, dir, "forward", "--from", "file://"+filepath.Join(dir, file), "--to", "sqlite:///all.db"); r.code != exitDone {
			t.Fatalf("%+v", r)
		}
	}
	r := osp(t, dir, "forward", "--from", source, "--to", "sqlite:///all.db")
	if r.code != exitDone || !strings.Contains(r.stderr, " 0 written,") || lines < want {
		t.Errorf("%+v; %d lines, want %d", r, lines, want)
	}
	if lines > want {
		t.Logf("%d notifications came twice", lines-want)
	}
}

// Relays that share a queue or a consumer group share its messages. Together they get each
// message.
func TestBusSeveralRelays(t *testing.T) {
	t.Parallel()
	for name := range buses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			from, source := sent(t, name, 20_000)
			var relays []*relayProcess
			var files []string
			for i := range 3 {
				files = append(files, fmt.Sprintf("%d.jsonl", i))
				relays = append(relays, startRelay(t, dir, from+"?idle_timeout=3", "file://"+filepath.Join(dir, files[i])))
			}
			for _, r := range relays {
				if err := r.Wait(); err != nil {
					t.Errorf("%v: %s", err, &r.stderr)
				}
				t.Log(r.stderr.String())
			}
			// On a busy machine all relays may end before the last messages are delivered to
			// one of them.
			rest := osp(t, dir, "forward", "--from", from, "--to", "file://"+filepath.Join(dir, "rest.jsonl"))
			if rest.code != exitDone {
				t.Errorf("%+v", rest)
			}
			if len(fileLines(t, dir, "rest.jsonl")) > 0 {
				t.Log("the rest: ", rest.stderr)
				files = append(files, "rest.jsonl")
			}
			complete(t, dir, source, 20_000, files...)
		})
	}
}

// The bus delivers the unacknowledged messages of a killed relay again.
func TestBusRelayKilled(t *testing.T) {
	t.Parallel()
	for name := range buses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			from, source := sent(t, name, 20_000)
			killed := startRelay(t, dir, from, "file://"+filepath.Join(dir, "a.jsonl"))
			waitForFile(t, filepath.Join(dir, "a.jsonl"))
			time.Sleep(200 * time.Millisecond) // to kill the relay in the middle; any other time is right, too
			if err := killed.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = killed.Wait()
			if r := osp(t, dir, "forward", "--from", from, "--to", "file://"+filepath.Join(dir, "b.jsonl")); r.code != exitDone {
				t.Fatalf("%+v", r)
			}
			complete(t, dir, source, 20_000, "a.jsonl", "b.jsonl")
		})
	}
}

// Many messages of other programs before ours do not prevent a relay from getting ours.
func TestBusManyForeignMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := testenv.RabbitMQ(t)
	v := testenv.RabbitMQAPI(t, at)
	if r := osp(t, dir, "check", "--write", "--connection-string", at); r.code != exitDone { // declares the queue
		t.Fatalf("%+v", r)
	}
	const foreign = 3000
	publish(t, at, foreign, amqp.Publishing{ContentType: "application/json", Body: []byte(`{"event_type": "compute.instance.create.end", "priority": "INFO", "payload": {}}`)})
	source, _ := manyTraces(t, 50)
	if r := osp(t, dir, "forward", "--from", source, "--to", at); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	r := osp(t, dir, "forward", "--from", at, "--to", "sqlite:///moved.db")
	if r.code != exitDone || !strings.Contains(r.stderr, "50 notifications read, 50 written") || strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("%+v", r)
	}
	v.AwaitQueue("profiler.info", func(q testenv.RabbitMQQueue) bool { return q.Ready == foreign })
}

// publish publishes a message count times to the queue of notifications.
func publish(t *testing.T, at string, count int, message amqp.Publishing) {
	t.Helper()
	at, _, _ = strings.Cut(at, "?")
	connection, err := amqp.Dial(strings.Replace(at, "rabbit:", "amqp:", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	for range count {
		if err := channel.PublishWithContext(t.Context(), "", "profiler.info", true, false, message); err != nil {
			t.Fatal(err)
		}
	}
	if err := channel.Close(); err != nil { // after this the broker has taken all
		t.Fatal(err)
	}
}
