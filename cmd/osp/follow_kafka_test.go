package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A relay moves the messages of services from Kafka into a server of spans, and is stopped in
// the middle. The next relay takes no message again. (After a kill, Kafka delivers the
// messages to another relay only when the session of the killed one has ended, after 45
// seconds.)
func TestFollowKafkaIntoASink(t *testing.T) {
	t.Parallel()
	at := testenv.Kafka(t)
	dir := t.TempDir()
	const traces = 100
	var text strings.Builder
	for i := range traces {
		text.WriteString(half(i, "-start", "nova") + half(i, "-stop", "nova"))
	}
	writeFile(t, filepath.Join(dir, "sent.jsonl"), text.String())
	sink, address := startListener(t, dir, "sqlite:///spans.db")
	start := func() *followProcess {
		p := startFollow(t, dir, nil, "--follow", "--from", at, "--to", address, "--state", "state", "--listen", "none")
		p.await("the relay runs")
		return p
	}
	p := start()
	send := func(name string) {
		if r := osp(t, dir, "forward", "--from", "file://"+dir+"/"+name, "--to", at); r.code != exitDone {
			t.Fatalf("%+v", r)
		}
	}
	send("sent.jsonl")
	until(t, "a trace in the sink", func() bool {
		r := osp(t, dir, "trace", "list", "--json", "--limit", "1", "--connection-string", "sqlite:///spans.db")
		return strings.Count(r.stdout, "\n") == 1
	})
	p.stopped()
	p = start()
	until(t, "all traces in the sink", func() bool {
		r := osp(t, dir, "forward", "--from", "sqlite:///spans.db", "--to", "file://"+dir+"/got.jsonl")
		return r.code == exitDone && len(fileLines(t, dir, "got.jsonl")) >= 2*traces
	})
	if diff := cmp.Diff(values(t, dir, "sent.jsonl"), values(t, dir, "got.jsonl")); diff != "" {
		t.Errorf("(-sent +got):\n%.2000s", diff)
	}
	if log := p.stopped(); strings.Contains(log, "ERROR") {
		t.Error(log)
	}
	p = start()
	writeFile(t, filepath.Join(dir, "more.jsonl"), half(traces, "-start", "nova")+half(traces, "-stop", "nova"))
	send("more.jsonl")
	until(t, "one more trace", func() bool {
		r := osp(t, dir, "trace", "list", "--json", "--limit", "0", "--connection-string", "sqlite:///spans.db")
		return strings.Count(r.stdout, "\n") == traces+1
	})
	if log := p.stopped(); !strings.Contains(log, "read=2 ") {
		t.Errorf("the last relay takes more than the last trace:\n%s", log)
	}
	sink.stopped()
}
