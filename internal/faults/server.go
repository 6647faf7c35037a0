package faults

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Server is a kind of server that is put to the test.
type Server struct {
	// Start starts one that keeps what it acknowledged, with its data on the
	// disk if there is one.
	Start func(t testing.TB, d testenv.Disk) *testenv.Server
	// At is the connection string of the server, which is to be reached by way
	// of the address, with a timeout of two seconds for answers if there is such.
	At func(s *testenv.Server, addr string) string
	// Limit is what the context of a batch allows where the server halts and
	// there is no timeout for answers; else 0.
	Limit time.Duration
	// Disk is the size of a disk on which all spans have room.
	Disk string
	// Full is what the error of a full disk says; "" where the server ends
	// without another word.
	Full string
}

// A subject is one server under test.
type subject struct {
	Server
	server *testenv.Server
	round  int
}

// Test puts the server to the whole test. With [testenv.Soak] faults at random
// go on for minutes.
func (k Server) Test(t *testing.T) {
	s := &subject{Server: k, server: k.Start(t, testenv.Disk{})}
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
	t.Run("disk full for a while", k.fullForAWhile)
	t.Run("disk full for good", k.fullForGood)
	t.Run("faults at random", k.atRandom)
}

// store opens the server's store by way of an address.
func (s *subject) store(t *testing.T, addr string) store.Store {
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

// export is the next round's, into the server itself.
func (s *subject) export(t *testing.T) Export {
	return Export{Store: s.store(t, s.server.Addr()), Round: s.round}
}

// check reads by connections of its own: a client may remember for a while
// that its server was not to be reached.
func (s *subject) check(t *testing.T, r *Tally) {
	t.Helper()
	r.Check(t, s.store(t, s.server.Addr()))
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

// Without repeating, a batch that is cut off is reported.
func killedWithoutRetry(t *testing.T, s *subject) {
	e := s.export(t)
	e.Retry.Elapsed, e.Rest = -1, 200*time.Millisecond // the server comes back before all are lost
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

// cut has connections cut in the midst of batches and of answers, again and
// again. The latter leave open whether a transaction was committed.
func cut(t *testing.T, s *subject) {
	proxy := testenv.NewProxy(t, s.server.Addr())
	e := Export{Store: s.store(t, proxy.Addr()), Round: s.round}
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
