package faults

import (
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A Passing is a state in which a server takes no writes for a while: a standby
// before it takes over, a cluster without a quorum.
type Passing struct {
	Store  store.Store        // into which spans are exported
	Direct func() store.Store // from which they are read back, afterwards
	Enter  func(t *testing.T) // brings the server into the state
	Leave  func(t *testing.T) // ends the state
}

const (
	passingLasts = 3 * time.Second // after the state was felt
	passingSpans = 4000
	defaultRetry = 30 * time.Second // the zero Retry, which an Export takes for a longer one
)

// Test exports spans by four exporters with the default retry while the server
// is in the state for three seconds, and makes sure that all of them are stored.
func (s Passing) Test(t *testing.T) {
	e := Export{Store: s.Store, Spans: passingSpans, Retry: store.Retry{Elapsed: defaultRetry}}
	r := e.Run(t, func(p *Progress) {
		s.Enter(t)
		p.AwaitFailures(exporters)
		if p.Failures() < exporters {
			t.Errorf("only %d writes failed, so that the state was not tested", p.Failures())
		}
		p.Pause(passingLasts)
		s.Leave(t)
	})
	r.Check(t, s.Direct())
	r.CheckNothingLost(t)
}
