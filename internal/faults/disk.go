package faults

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// onDisk starts a server with its data on a disk of its own.
func (k Server) onDisk(t *testing.T) (*subject, testenv.Disk) {
	t.Helper()
	d := testenv.NewDisk(t, k.Disk)
	return &subject{Server: k, server: k.Start(t, d)}, d
}

// keepAlive restarts the server whenever the server has ended by itself, as a service
// manager does, until the export is over.
func (s *subject) keepAlive(p *Progress) {
	p.Await(func() bool {
		if !s.server.Alive() {
			s.server.Restart()
		}
		return false
	})
}

// fullForAWhile tests a full disk that is freed during the export. No span may be lost.
func (k Server) fullForAWhile(t *testing.T) {
	s, d := k.onDisk(t)
	e := s.export(t)
	r := e.Run(t, func(p *Progress) {
		d.Fill()
		p.AwaitFailures(2 * exporters)
		d.Free()
		s.keepAlive(p)
	})
	s.check(t, r)
	r.CheckNothingLost(t)
	r.checkFull(t, k.Full)
}

// fullForGood tests a full disk that is freed only after the export. Acknowledged spans
// must be stored, and the other spans must be reported lost.
func (k Server) fullForGood(t *testing.T) {
	s, d := k.onDisk(t)
	e := s.export(t)
	e.Retry.Elapsed = -1
	r := e.Run(t, func(p *Progress) {
		d.Fill()
		p.Await(func() bool { return false })
	})
	t.Logf("with a full disk the server still runs: %v", s.server.Alive())
	d.Free()
	s.server.Restart()
	s.check(t, r)
	r.CheckSomeLost(t)
	r.checkFull(t, k.Full)
}

func (r *Tally) checkFull(t *testing.T, text string) {
	t.Helper()
	if !r.Said(text) {
		t.Errorf("no failed write said %q", text)
	}
}
