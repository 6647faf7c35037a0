package faults

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Passing describes a temporary state in which a server accepts no writes, such
// as a standby before it takes over, or a cluster without a quorum.
type Passing struct {
	Store  *store.Store        // the store for the export
	Direct func() *store.Store // returns the store to read the spans back from
	Enter  func(t *testing.T)  // brings the server into the state
	Leave  func(t *testing.T)  // ends the state
	// Longer is added to the default retry time of the exporters, because Leave starts a
	// tool, which takes long on a busy machine.
	Longer time.Duration
}

const (
	passingLasts = 3 * time.Second // after the first writes failed
	passingSpans = 4000
	defaultRetry = 30 * time.Second // the default of exporters; an Export has another default
)

// Test exports spans with four exporters and their default retry. During the export, the
// server is in the state for three seconds. All spans must be stored.
func (s Passing) Test(t *testing.T) {
	e := Export{Store: s.Store, Spans: passingSpans, Retry: store.Retry{Elapsed: defaultRetry + s.Longer}, Hold: true}
	r := e.Run(t, func(p *Progress) {
		s.Enter(t)
		p.Resume()
		p.AwaitFailures(exporters)
		if p.Failures() < exporters {
			t.Errorf("only %d writes failed: the server was not in the state that this test needs", p.Failures())
		}
		p.Pause(passingLasts)
		s.Leave(t)
	})
	r.Check(t, s.Direct())
	r.CheckNothingLost(t)
}
