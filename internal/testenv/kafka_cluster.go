package testenv

import (
	"strings"
	"testing"
	"time"
)

// A KafkaCluster is a cluster of two brokers of Kafka for a single test. Topics have
// copies on both.
type KafkaCluster struct {
	URL     string    // kafka://host:port,host:port/
	Brokers []*Server // with the numbers 1 and 2
	// Controller chooses the leaders of partitions. It is no broker.
	Controller *Server
	t          testing.TB
}

// StartKafkaCluster starts two brokers and a controller, with additional settings of
// server.properties. The other broker leads all partitions some seconds after one was
// killed.
func StartKafkaCluster(t testing.TB, settings ...string) *KafkaCluster {
	t.Helper()
	all := append([]string{
		"default.replication.factor=2", "offsets.topic.replication.factor=2", "transaction.state.log.replication.factor=2",
		"share.coordinator.state.topic.replication.factor=2",
	}, settings...)
	controller := &kafkaNode{id: 3, roles: "controller", KafkaOptions: KafkaOptions{Settings: all}}
	c := &KafkaCluster{t: t, Controller: start(t, kafkaServer, controller.program, Disk{})}
	broker := func(id int) func() (program, error) {
		n := &kafkaNode{id: id, roles: "broker", controller: c.Controller.p.port, voter: controller.id, KafkaOptions: KafkaOptions{Settings: all}}
		return n.program
	}
	c.Brokers = startAll(t, kafkaServer, broker(1), broker(2))
	c.URL = "kafka://" + c.Brokers[0].Addr() + "," + c.Brokers[1].Addr() + "/"
	c.AwaitBrokers(2)
	return c
}

// AwaitBrokers waits until that number of brokers take part in the cluster.
func (c *KafkaCluster) AwaitBrokers(number int) {
	c.t.Helper()
	v := KafkaAPI(c.t, c.URL)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		brokers := v.Brokers()
		if len(brokers) == number {
			return
		}
		if time.Since(began) > patience {
			c.t.Fatalf("the brokers are %v; want %d", brokers, number)
		}
	}
}

// Leader returns the broker that leads a partition of a topic. It waits until a running
// broker leads the partition.
func (c *KafkaCluster) Leader(topic string, partition int32) *Server {
	c.t.Helper()
	v := KafkaAPI(c.t, c.URL)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		leader := v.Leader(topic, partition)
		if leader > 0 && c.Brokers[leader-1].Alive() {
			return c.Brokers[leader-1]
		}
		if time.Since(began) > patience {
			c.t.Fatalf("the leader of partition %d of topic %s stays %d", partition, topic, leader)
		}
	}
}

// AwaitCopies waits until both brokers have all messages of a topic, for example after
// a restart.
func (c *KafkaCluster) AwaitCopies(topic string) {
	c.t.Helper()
	v := KafkaAPI(c.t, c.URL)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		missing := v.missingCopies(topic)
		if len(missing) == 0 {
			return
		}
		if time.Since(began) > patience {
			c.t.Fatalf("partitions %v of topic %s have no second copy; brokers %s", missing, topic, strings.Join(addrsOf(c.Brokers), ", "))
		}
	}
}

func addrsOf(servers []*Server) (addrs []string) {
	for _, s := range servers {
		addrs = append(addrs, s.Addr())
	}
	return addrs
}
