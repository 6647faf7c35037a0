package faults

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Server describes a kind of server to test.
type Server struct {
	// Start starts a server that never loses acknowledged data, with its data on
	// the disk unless that is the zero Disk.
	Start func(t testing.TB, d testenv.Disk) *testenv.Server
	// Prepare makes a new server ready to be killed by a test. The tests of full disks
	// do not call Prepare. It may be nil.
	Prepare func(t testing.TB, s *testenv.Server)
	// At returns the connection string of the server at an address, such as that
	// of a proxy. If the back end has a timeout for answers, it is two seconds.
	At func(s *testenv.Server, addr string) string
	// Reading is At for reading back all spans, which may take a slow server longer
	// than two seconds. It may be nil.
	Reading func(s *testenv.Server, addr string) string
	// Limit is the timeout of a batch while the server is halted. It is 0 if the
	// back end has a timeout for answers.
	Limit time.Duration
	// Disk is the size of a disk that can hold all spans. "" leaves out the tests of full
	// disks and random faults, for a server that does not recover from a full disk by
	// itself.
	Disk string
	// Full is a part of the error text for a full disk. It is "" if the server
	// ends without an error message.
	Full string
	// Spans is the number of spans of each export. 0 stands for 10,000. Servers that
	// read slowly get fewer. With testenv.Soak, all servers get 20,000.
	Spans int
	// Short leaves the tests of full disks and random faults to testenv.Soak.
	Short bool
}

// A subject is the server under test.
type subject struct {
	Server
	server *testenv.Server
	round  int
}

// Test runs all tests. With [testenv.Soak] the test of random faults lasts for
// minutes.
func (k Server) Test(t *testing.T) {
	s := &subject{Server: k, server: k.Start(t, testenv.Disk{})}
	s.prepare(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *subject)
	}{
		{"killed and restarted", killedAndRestarted},
		{"killed without retry", killedWithoutRetry},
		{"stopped past the timeout", stopped},
		{"connection cut in a batch", cut},
	} {
		s.round++
		t.Run(c.name, func(t *testing.T) { c.test(t, s) })
	}
	if k.Disk == "" || k.Short && !testenv.Soak() {
		return
	}
	// These tests have servers of their own, and wait for them most of the time.
	for name, test := range map[string]func(t *testing.T){
		"disk full for a while": k.fullForAWhile, "disk full for good": k.fullForGood, "faults at random": k.atRandom,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

func (s *subject) prepare(t *testing.T) {
	t.Helper()
	if s.Prepare != nil {
		s.Prepare(t, s.server)
	}
}

// store opens the store of the server at an address.
func (s *subject) store(t *testing.T, addr string) *store.Store {
	t.Helper()
	opened, err := store.Open(t.Context(), s.At(s.server, addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

// export returns the Export of this round, without a proxy.
func (s *subject) export(t *testing.T) Export {
	return s.exportTo(t, s.server.Addr())
}

// exportTo is export for another address of the server.
func (s *subject) exportTo(t *testing.T, addr string) Export {
	e := Export{Store: s.store(t, addr), Spans: s.Spans, Round: s.round}
	if testenv.Soak() {
		e.Spans = 0
	}
	return e
}

// check calls Check with new connections, because an old client may remember for a
// while that its server could not be reached.
func (s *subject) check(t *testing.T, r *Tally) {
	t.Helper()
	reader := *s
	if s.Reading != nil {
		reader.At = s.Reading
	}
	r.Check(t, reader.store(t, s.server.Addr()))
}

func killedAndRestarted(t *testing.T, s *subject) {
	e := s.export(t)
	r := e.Run(t, func(p *Progress) {
		s.server.Kill()
		p.AwaitFailures(exporters)
		s.server.Restart()
	})
	s.check(t, r)
	r.CheckNothingLost(t)
}

// killedWithoutRetry checks that an interrupted batch is reported lost without retries.
func killedWithoutRetry(t *testing.T, s *subject) {
	e := s.export(t)
	e.Retry.Elapsed, e.Rest = -1, 200*time.Millisecond // the server is back before all spans are lost
	r := e.Run(t, func(p *Progress) {
		s.server.Kill()
		p.AwaitFailures(1)
		s.server.Restart()
	})
	s.check(t, r)
	r.CheckSomeLost(t)
}

func stopped(t *testing.T, s *subject) {
	e := s.export(t)
	e.Limit = s.Limit
	r := e.Run(t, func(p *Progress) {
		s.server.Stop()
		p.AwaitFailures(exporters)
		s.server.Continue()
	})
	s.check(t, r)
	if s.Limit == 0 {
		r.CheckNothingLost(t)
	} else {
		r.CheckSomeLost(t)
	}
}

// cut repeatedly cuts connections in the middle of batches and of answers. A cut
// answer leaves open whether a transaction was committed.
func cut(t *testing.T, s *subject) {
	proxy := testenv.NewProxy(t, s.server.Addr())
	e := s.exportTo(t, proxy.Addr())
	r := e.Run(t, func(p *Progress) {
		for i, more := 0, true; i < 24 && more; i++ {
			if i%2 == 0 {
				proxy.CutAfter(int64(i) * 37_987 % 150_000) // somewhere in a batch
			} else {
				proxy.CutAnswersAfter(int64(i) * 37 % 300)
			}
			more = p.Await(func() bool { return proxy.Cuts() > i })
		}
	})
	s.check(t, r)
	r.CheckNothingLost(t)
	if proxy.Cuts() < 12 {
		t.Errorf("there were %d cuts only", proxy.Cuts())
	}
}
