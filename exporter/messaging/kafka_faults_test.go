package messaging_test

import (
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// kafkaSpans is the number of spans of an export. It is small because each trace is read by a
// peek at the whole topic.
const kafkaSpans = 2000

// openKafka opens a bus. A peek looks at all of its messages.
func openKafka(t *testing.T, url string) *store.Store {
	t.Helper()
	return openKafkaWith(t, url, "2")
}

// openPatiently is openKafka for calls that no fault disturbs. On a busy machine, an answer
// may take longer than the timeout of openKafka.
func openPatiently(t *testing.T, url string) *store.Store {
	t.Helper()
	return openKafkaWith(t, url, "90")
}

func openKafkaWith(t *testing.T, url, timeout string) *store.Store {
	t.Helper()
	separator := "?"
	if strings.Contains(url, "?") {
		separator = "&"
	}
	s, err := store.Open(t.Context(), url+separator+"osp_timeout="+timeout+"&osp_peek=1000000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Package faults' test of cut connections is not used, because a broker gives its clients its
// own address; see TestConnectionsCut of package kafka.
func TestKafkaFaults(t *testing.T) {
	t.Parallel()
	server := testenv.StartKafka(t)
	for round, fault := range []struct {
		name  string
		cause func(*faults.Progress)
	}{
		{"killed and restarted", func(p *faults.Progress) {
			server.Kill()
			p.Resume()
			p.AwaitFailures(4)
			server.Restart()
		}},
		{"halted", func(p *faults.Progress) {
			server.Stop()
			p.Resume()
			p.AwaitFailures(4)
			server.Continue()
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			r := faults.Export{Store: openKafka(t, server.Kafka()), Spans: kafkaSpans, Round: round, Hold: true}.Run(t, fault.cause)
			r.Check(t, openPatiently(t, server.Kafka()))
			r.CheckNothingLost(t)
		})
	}
}

// A broker whose disk is full shuts down, because it must not acknowledge messages that it
// cannot store.
func TestKafkaDiskFull(t *testing.T) {
	t.Parallel()
	d := testenv.NewDisk(t, "192m")
	server := testenv.StartKafkaWith(t, testenv.KafkaOptions{Disk: d})
	r := faults.Export{Store: openKafka(t, server.Kafka()), Spans: kafkaSpans, Hold: true}.Run(t, func(p *faults.Progress) {
		d.Fill()
		p.Resume()
		p.AwaitFailures(4)
		d.Free()
		p.Await(func() bool {
			if !server.Alive() {
				server.Restart()
			}
			return false
		})
	})
	r.Check(t, openPatiently(t, server.Kafka()))
	r.CheckNothingLost(t)
}

// The broker that leads the only partition is lost. The other one of two takes over.
func TestKafkaLeaderLost(t *testing.T) {
	t.Parallel()
	c := testenv.StartKafkaCluster(t)
	s := openKafka(t, c.URL)
	mustPing(t, s) // creates the topic
	c.AwaitCopies("profiler.info")
	r := faults.Export{Store: s, Spans: kafkaSpans, Hold: true}.Run(t, func(p *faults.Progress) {
		leader := c.Leader("profiler.info", 0)
		leader.Kill()
		p.Resume()
		p.AwaitFailures(4)
		p.Pause(5 * time.Second)
		leader.Restart()
	})
	r.Check(t, openPatiently(t, c.URL))
	r.CheckNothingLost(t)
}
