package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A notification that the target refuses stays on the bus.
func TestBusRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to := testenv.RabbitMQ(t), testenv.Kafka(t)
	random := make([]byte, 2<<20) // random, so that no compression makes it small enough
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i, info := range []string{`{"host": "h"}`, `{"host": "h", "blob": "` + hex.EncodeToString(random) + `"}`, `{"host": "i"}`} {
		n := osprofiler.Notification{
			Name: "wsgi-start", BaseID: traceName(i), TraceID: osprofiler.NewID(), ParentID: traceName(i),
			Timestamp: "2026-11-22T00:00:00.000000", Info: osprofiler.Info(info), Project: "p", Service: "s",
		}
		text.WriteString(n.JSON() + "\n")
	}
	writeFile(t, filepath.Join(dir, "three.jsonl"), text.String())
	if r := osp(t, dir, "forward", "--from", "file://"+dir+"/three.jsonl", "--to", from); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	for _, want := range []string{"3 notifications read, 2 written, 0 there already, 1 refused", "1 notification read, 0 written, 0 there already, 1 refused"} {
		r := osp(t, dir, "forward", "--from", from, "--to", to)
		if r.code != exitFailed || !strings.Contains(r.stderr, want) || !strings.Contains(r.stderr, "the refused notifications stay in RabbitMQ at") {
			t.Errorf("%+v; want %s", r, want)
		}
	}
	if r := osp(t, dir, "forward", "--from", from, "--to", "sqlite:///big.db"); r.code != exitDone || !strings.Contains(r.stderr, "1 written") {
		t.Errorf("another target: %+v", r)
	}
	if ids := listed(t, osp(t, dir, "trace", "list", "--json", "--connection-string", to).succeeded(t)); len(ids) != 2 {
		t.Errorf("%d traces are in Kafka", len(ids))
	}
}

// Messages of other programs that keep arriving do not delay our notifications. Each of these
// messages is counted, and their kind is reported once.
func TestBusForeignTrickle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filled(t, testenv.Kafka, 1)
	_, virtualHost, _ := strings.Cut(strings.TrimPrefix(at, "kafka://"), "/")
	v := testenv.KafkaAPI(t, at)
	path := filepath.Join(dir, "moved.jsonl")
	r := startRelay(t, dir, at+"?idle_timeout=3", "file://"+path)
	written := false
	sent := 0
	for deadline := time.Now().Add(2 * time.Minute); !written && time.Now().Before(deadline); sent++ {
		v.Publish("profiler.info."+virtualHost, nil, []byte(`{"event_type": "compute.instance.create.end", "priority": "INFO", "payload": {}}`))
		time.Sleep(100 * time.Millisecond) // the rate of the other program
		info, err := os.Stat(path)
		written = err == nil && info.Size() > 0
	}
	if !written {
		t.Error("nothing is written while other messages come")
	}
	if err := r.Wait(); err != nil {
		t.Errorf("%v: %s", err, &r.stderr)
	}
	stderr := r.stderr.String()
	found := regexp.MustCompile(`1 notification read, 1 written, 0 there already, (\d+) messages? of other programs left alone\n$`).FindStringSubmatch(stderr)
	if strings.Count(stderr, "osp: warning:") != 1 || found == nil {
		t.Fatalf("stderr is %s, want one warning and the counts", stderr)
	}
	// forward does not wait for a message that arrives long after the others, as on a busy
	// machine.
	if foreign, err := strconv.Atoi(found[1]); err != nil || foreign < 1 || foreign > sent {
		t.Errorf("%d of %d messages are left alone, %v", foreign, sent, err)
	}
}
