package elasticsearch_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

const eventsIndex = "osprofiler-notifications"

// kind returns the description of a server for the fault runs.
func kind(t *testing.T, start func(testing.TB, testenv.Disk, ...string) *testenv.Server) faults.Server {
	return faults.Server{
		Start: func(t testing.TB, d testenv.Disk) *testenv.Server { return start(t, d) },
		At: func(s *testenv.Server, addr string) string {
			return with(s.SearchAt(addr), "osp_timeout=2")
		},
		Reading: func(s *testenv.Server, addr string) string {
			refresh(t, s.SearchAt(addr))
			return with(s.SearchAt(addr), "osp_timeout=60")
		},
		Spans: 2000,
		Short: true,
	}
}

// with adds an option to a connection string.
func with(url, option string) string {
	if strings.Contains(url, "?") {
		return url + "&" + option
	}
	return url + "?" + option
}

// refresh makes visible what the index has.
func refresh(t testing.TB, url string) {
	t.Helper()
	if status, answer := testenv.SearchRequest(t, url, http.MethodPost, "/_refresh", ""); status != http.StatusOK {
		t.Fatalf("refresh: %d %s", status, answer)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("elasticsearch7", func(t *testing.T) {
		t.Parallel()
		k := kind(t, testenv.StartElasticsearch7On)
		k.Spans, k.Disk, k.Short = 4000, "512m", false
		k.Test(t)
	})
	t.Run("elasticsearch8", func(t *testing.T) {
		t.Parallel()
		kind(t, testenv.StartElasticsearchOn).Test(t)
	})
	t.Run("opensearch2", func(t *testing.T) {
		t.Parallel()
		kind(t, testenv.StartOpenSearchOn).Test(t)
	})
}

// direct returns the function that opens the store of a server to read back what
// was exported.
func direct(t *testing.T, url string) func() *store.Store {
	return func() *store.Store {
		refresh(t, url)
		return open(t, with(url, "osp_timeout=60"))
	}
}

// No notification is lost while a server refuses writes for three seconds.
func TestPassingStates(t *testing.T) {
	t.Parallel()
	server := testenv.StartElasticsearch7(t)
	for name, enter := range map[string]func(t *testing.T) (end func()){
		"flood stage":     func(t *testing.T) func() { return testenv.FloodStage(t, server.Search(), eventsIndex) },
		"circuit breaker": func(t *testing.T) func() { return testenv.TripBreaker(t, server.Search()) },
	} {
		t.Run(name, func(t *testing.T) {
			testenv.SearchRequest(t, server.Search(), http.MethodDelete, "/"+eventsIndex, "")
			var leave func()
			faults.Passing{
				Store:  open(t, server.Search()),
				Direct: direct(t, server.Search()),
				Enter:  func(t *testing.T) { leave = enter(t) },
				Leave:  func(*testing.T) { leave() },
			}.Test(t)
		})
	}
}

// One node of two is stopped. Without the node that has only copies, the other node
// continues, and the store reads from it. Without the only master, nothing can be written
// until the master is back.
func TestNodeGone(t *testing.T) {
	t.Parallel()
	c := testenv.StartElasticsearch7Cluster(t, "cluster.fault_detection.follower_check.timeout=60s")
	t.Run("unknown outcome", func(t *testing.T) { checkUnknownOutcome(t, c) })
	url := with(c.URL, "osp_timeout=5")
	s := open(t, url)
	if err := s.Ping(t.Context()); err != nil { // creates the index
		t.Fatal(err)
	}
	c.AwaitCopies(t)
	e := faults.Export{Store: s, Spans: 4000}
	r := e.Run(t, func(*faults.Progress) { c.Data.Kill() })
	refresh(t, c.Master.Search())
	r.Check(t, open(t, with(c.URL, "osp_timeout=60")))
	r.CheckNothingLost(t)
	c.Data.Restart()
	c.AwaitCopies(t)
	testenv.SearchRequest(t, c.Master.Search(), http.MethodDelete, "/"+eventsIndex, "")
	faults.Passing{
		Store:  s,
		Direct: func() *store.Store { c.AwaitCopies(t); return direct(t, c.URL)() },
		Enter:  func(*testing.T) { c.Master.Kill() },
		Leave:  func(*testing.T) { c.Master.Restart() },
		Longer: 2 * time.Minute,
	}.Test(t)
}

// checkUnknownOutcome checks that a batch without an answer does not count as stored as
// long as a copy that is in sync may lack it, although the primary shard has it and
// says so (status 409).
func checkUnknownOutcome(t *testing.T, c *testenv.SearchCluster) {
	t.Helper()
	c.CreateIndex(t, "doubts")
	s := open(t, with(c.Master.Search(), "index_name=doubts&osp_timeout=5"))
	write(t, s, trace(1)) // makes the mapping
	batch := trace(3)
	c.Data.Stop()
	for range 2 {
		if err := s.Write(t.Context(), batch); !store.IsTransient(err) {
			t.Errorf("%v, but a copy of the shard lacks the batch", err)
		}
	}
	c.Data.Continue()
	if err := writeAgain(t, s, batch); err != nil {
		t.Error(err)
	}
	refresh(t, c.Master.Search())
	sameSet(t, read(t, s, batch[0].BaseID), batch)
}
