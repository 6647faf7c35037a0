package faults

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Progress watches the writes of an export, so that whoever makes trouble
// can wait for what comes of it.
type Progress struct {
	store.Store // into which the writes go on

	begun    chan struct{} // closed when a quarter has been handed out
	over     chan struct{} // closed when the export is over
	mu       sync.Mutex
	failures int
	reasons  map[string]int // what failed writes said, and how often
}

// ports are those of clients, by which errors differ that are the same.
var ports = regexp.MustCompile(`[0-9.]+:[0-9]+->`)

// Write implements store.Store.
func (p *Progress) Write(ctx context.Context, batch []osprofiler.Notification) error {
	err := p.Store.Write(ctx, batch)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failures++
		p.reasons[ports.ReplaceAllString(err.Error(), "")]++
	}
	return err
}

// Failures is how many writes have failed.
func (p *Progress) Failures() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures
}

// AwaitFailures waits until so many more writes have failed, or the export is over.
func (p *Progress) AwaitFailures(more int) {
	more += p.Failures()
	p.Await(func() bool { return p.Failures() >= more })
}

// Await waits until the condition holds. It tells whether that was so before
// the export was over.
func (p *Progress) Await(holds func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-p.over:
			return false
		}
	}
	return true
}
