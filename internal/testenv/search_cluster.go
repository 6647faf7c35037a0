package testenv

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// A SearchCluster is a cluster of two nodes of Elasticsearch 7 for a single test.
type SearchCluster struct {
	URL string // elasticsearch://host:port,host:port
	// Master is the only node that may be the master. While it is gone, the other
	// node answers searches of the shards that it has. It refuses writes with status
	// 503 after the timeout of the request (a minute). It does not answer writes to a
	// primary shard of its own: see CreateIndex.
	Master *Server
	// Data has a copy of every shard of an index with a replica. While it is gone,
	// the master goes on, if it had a copy too (see AwaitCopies).
	Data *Server
}

// CreateIndex creates an index of one shard. The master has the primary shard, and
// the other node has a copy.
func (c *SearchCluster) CreateIndex(t testing.TB, index string) {
	t.Helper()
	const only, both = `{"settings": {"number_of_shards": 1, "number_of_replicas": 0, "index.routing.allocation.require._name": "master"}}`,
		`{"number_of_replicas": 1, "index.routing.allocation.require._name": null}`
	mustSearch(t, c.URL, http.MethodPut, "/"+index, only)
	mustSearch(t, c.URL, http.MethodPut, "/"+index+"/_settings", both)
	c.AwaitCopies(t)
}

// AwaitCopies waits until both nodes have all data of indices with a replica, for
// example after a restart.
func (c *SearchCluster) AwaitCopies(t testing.TB) {
	t.Helper()
	mustSearch(t, c.URL, http.MethodGet, "/_cluster/health?wait_for_nodes=2&wait_for_status=green&timeout=50s", "")
}

// StartElasticsearch7Cluster starts two nodes with additional settings.
func StartElasticsearch7Cluster(t testing.TB, settings ...string) *SearchCluster {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	transport := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	node := func(ready string, own ...string) *Server {
		return start(t, elasticsearch7Server, elasticsearch7.node(ready, append(own, settings...)...), Disk{})
	}
	c := &SearchCluster{}
	c.Master = node(searchReady, "node.name=master", "cluster.initial_master_nodes=[master]", "transport.port="+strconv.Itoa(port))
	c.Data = node(searchReady+"&wait_for_nodes=2", "node.name=data", "node.roles=[data, ingest]", "transport.port=0",
		`discovery.seed_hosts=["`+transport+`"]`)
	c.URL = c.Master.Search() + "," + strings.TrimPrefix(c.Data.Search(), "elasticsearch://")
	return c
}
