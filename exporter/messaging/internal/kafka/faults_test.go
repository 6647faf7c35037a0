package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// trialOf returns a trial on a topic of four partitions.
func trialOf(t *testing.T, url string, messages int) trial {
	t.Helper()
	b := open(t, url)
	view(t, "kafka://"+addresses(&b.config)[0]).CreateTopic(b.topic(), 4, -1)
	return trial{
		writing:  func() *cluster { return open(t, url) },
		reading:  func() *cluster { return open(t, url) },
		messages: messages * trialLength(),
		handed:   make(chan struct{}),
	}
}

// trialLength returns the factor by which a trial is longer in the long form of the tests.
func trialLength() int {
	if testenv.Soak() {
		return 10
	}
	return 1
}

func TestBrokerKilled(t *testing.T) {
	t.Parallel()
	server := testenv.StartKafka(t)
	trialOf(t, server.Kafka()+"?osp_timeout=3", 6000).run(t, func(resume func()) {
		for range 2 {
			server.Kill()
			resume()
			time.Sleep(time.Second)
			server.Restart()
			time.Sleep(time.Second)
		}
	})
}

func TestBrokerHalted(t *testing.T) {
	t.Parallel()
	server := testenv.StartKafka(t)
	trialOf(t, server.Kafka()+"?osp_timeout=3", 6000).run(t, func(resume func()) {
		server.Stop()
		resume()
		time.Sleep(5 * time.Second)
		server.Continue()
	})
}

// Connections are cut in the middle of batches and of answers. A cut answer leaves it unknown
// whether a message was written or an offset committed.
func TestConnectionsCut(t *testing.T) {
	t.Parallel()
	proxy := testenv.NewProxy(t, "127.0.0.1:1")
	server := testenv.StartKafkaWith(t, testenv.KafkaOptions{Advertised: proxy.Addr()})
	proxy.Switch(server.Addr())
	tr := trialOf(t, server.KafkaAt(proxy.Addr())+"?osp_timeout=3", 30_000)
	tr.run(t, func(resume func()) {
		for i, more := 0, true; i < 24 && more; i++ {
			if i%2 == 0 {
				proxy.CutAfter(int64(i) * 37_987 % 150_000)
			} else {
				proxy.CutAnswersAfter(int64(i) * 37 % 300)
			}
			resume()
			for more && proxy.Cuts() <= i {
				select {
				case <-tr.handed:
					more = false
				case <-time.After(5 * time.Millisecond):
				}
			}
		}
		proxy.CutAfter(-1)
		proxy.CutAnswersAfter(-1)
		if proxy.Cuts() < 12 {
			t.Errorf("there were %d cuts only", proxy.Cuts())
		}
	})
}

// The broker that leads the partitions is lost; the other one of two takes over.
func TestLeaderLost(t *testing.T) {
	t.Parallel()
	c := testenv.StartKafkaCluster(t)
	trialOf(t, c.URL+"?osp_timeout=3", 6000).run(t, func(resume func()) {
		c.AwaitCopies("profiler.info")
		leader := c.Leader("profiler.info", 0)
		leader.Kill()
		resume()
		time.Sleep(6 * time.Second)
		leader.Restart()
	})
}

// The broker that leads the partitions is halted, and resumes when the other one has taken
// over. In between, a new client reaches the other one, even if the halted one is first in the
// connection string.
func TestLeaderHalted(t *testing.T) {
	t.Parallel()
	c := testenv.StartKafkaCluster(t)
	trialOf(t, c.URL+"?osp_timeout=8", 6000).run(t, func(resume func()) {
		c.AwaitCopies("profiler.info")
		leader := c.Leader("profiler.info", 0)
		leader.Stop()
		resume()
		addresses := leader.Addr()
		for _, broker := range c.Brokers {
			if broker != leader {
				addresses += "," + broker.Addr()
			}
		}
		eventually(t, func() error {
			return open(t, "kafka://"+addresses+"/?osp_timeout=8").Ping(t.Context(), false)
		})
		time.Sleep(6 * time.Second)
		leader.Continue()
	})
}

// With min.insync.replicas=2, a single broker accepts no messages.
func TestTooFewReplicas(t *testing.T) {
	t.Parallel()
	c := testenv.StartKafkaCluster(t, "min.insync.replicas=2")
	b := open(t, c.URL+"?osp_timeout=4")
	mustPublish(t, b, bodies(0, 10)...)
	c.AwaitCopies(b.topic())
	leader := c.Leader(b.topic(), 0)
	other := c.Brokers[0]
	if other == leader {
		other = c.Brokers[1]
	}
	other.Kill()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = publish(t, b, bodies(10, 1)...).Err(); err != nil && strings.Contains(err.Error(), "NOT_ENOUGH_REPLICAS") {
			break
		}
	}
	out := publish(t, b, bodies(10, 1)...)
	if err := out.Err(); err == nil || !out.Transient() || !strings.Contains(err.Error(), "answers NOT_ENOUGH_REPLICAS") {
		t.Errorf("got %v", err)
	}
	other.Restart()
	eventually(t, func() error { return publish(t, b, bodies(11, 1)...).Err() })
}
