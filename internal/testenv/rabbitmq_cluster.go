package testenv

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A RabbitMQCluster is a cluster of three nodes of RabbitMQ for a single test.
type RabbitMQCluster struct {
	URL   string // rabbit://guest:guest@host:port,guest:guest@host:port,…/
	Nodes []*Server
	t     testing.TB
}

// StartRabbitMQCluster starts three nodes with additional settings of rabbitmq.conf. The
// other nodes notice within ten seconds that a node was halted. After that the node must
// be restarted, because it does not join the cluster again by itself.
func StartRabbitMQCluster(t testing.TB, settings ...string) *RabbitMQCluster {
	t.Helper()
	mapper := start(t, rabbitMQServer, epmdProgram, Disk{})
	cookie := rand.Text()
	node := func(i int, own ...string) func() (program, error) {
		return (&rabbitNode{
			name: fmt.Sprintf("osp%d@localhost", i), cookie: cookie, epmd: mapper.p.port,
			settings: append(own, settings...), erlang: "-kernel net_ticktime 8",
		}).program
	}
	join := []string{"cluster_formation.peer_discovery_backend = classic_config", "cluster_formation.classic_config.nodes.1 = osp1@localhost"}
	c := &RabbitMQCluster{t: t, Nodes: []*Server{start(t, rabbitMQServer, node(1), Disk{})}}
	c.Nodes = append(c.Nodes, startAll(t, rabbitMQServer, node(2, join...), node(3, join...))...)
	var hosts []string
	for _, n := range c.Nodes {
		hosts = append(hosts, "guest:guest@"+n.Addr())
	}
	c.URL = "rabbit://" + strings.Join(hosts, ",") + "/"
	return c
}

// Leader returns the node that leads a queue. It waits until a running node leads the
// queue.
func (c *RabbitMQCluster) Leader(queue string) *Server {
	c.t.Helper()
	v := RabbitMQAPI(c.t, c.URL)
	var leader *Server
	v.AwaitQueue(queue, func(q RabbitMQQueue) bool {
		i := slices.IndexFunc(c.Nodes, func(s *Server) bool { return s.p.rabbit.name == q.Leader })
		if i < 0 || !c.Nodes[i].Alive() {
			return false
		}
		leader = c.Nodes[i]
		return true
	})
	return leader
}
