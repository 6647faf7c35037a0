package faults

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// atRandom tests faults of all kinds in random order. `make soak` repeats the test
// for minutes, each time with another server.
func (k Server) atRandom(t *testing.T) {
	rounds, faults := 1, 4
	if testenv.Soak() {
		rounds, faults = 20, 20
	}
	for range rounds {
		t.Run("", func(t *testing.T) { k.faultsAtRandom(t, faults) })
	}
}

func (k Server) faultsAtRandom(t *testing.T, faults int) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the seed must reproduce the test
	s, d := k.onDisk(t)
	s.prepare(t)
	proxy := testenv.NewProxy(t, s.server.Addr())
	r := s.exportTo(t, proxy.Addr()).Run(t, func(p *Progress) {
		for range faults {
			s.fault(p, proxy, d, chance)
			p.Pause(time.Duration(chance.IntN(500)) * time.Millisecond)
		}
		proxy.CutAfter(-1)
		proxy.CutAnswersAfter(-1)
		s.keepAlive(p)
	})
	s.check(t, r)
	r.CheckNothingLost(t)
}

// fault causes a random fault and ends it.
func (s *subject) fault(p *Progress, proxy *testenv.Proxy, d testenv.Disk, chance *rand.Rand) {
	switch chance.IntN(5) {
	case 0:
		s.server.Kill()
		p.AwaitFailures(chance.IntN(3))
		s.server.Restart()
	case 1:
		s.server.Stop()
		p.Pause(time.Duration(chance.IntN(4000)) * time.Millisecond)
		s.server.Continue()
	case 2:
		proxy.CutAfter(chance.Int64N(200_000))
	case 3:
		proxy.CutAnswersAfter(chance.Int64N(300))
	case 4:
		d.Fill()
		p.AwaitFailures(chance.IntN(6))
		d.Free()
		if !s.server.Alive() {
			s.server.Restart()
		}
	}
}

// Pause waits for a while, or until the export is over.
func (p *Progress) Pause(d time.Duration) {
	began := time.Now()
	p.Await(func() bool { return time.Since(began) >= d })
}
