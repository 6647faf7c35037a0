package faults

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Progress observes the writes of an export, so that the cause of the failure
// can wait for its effects.
type Progress struct {
	begun    chan struct{} // closed when a quarter of the spans has been handed out
	over     chan struct{} // closed when the export is over
	resume   chan struct{} // see Resume
	mu       sync.Mutex
	failures int
	reasons  map[string]int // the number of failed writes by error text
	history  *history
}

// Resume lets an Export with Hold go on, so that a fast exporter does not hand out
// all spans before the server is in the state that the test needs.
func (p *Progress) Resume() {
	select {
	case p.resume <- struct{}{}:
	default: // the export goes on already
	}
}

// ports matches the address of a client, which differs between errors that are
// otherwise equal.
var ports = regexp.MustCompile(`[0-9.]+:[0-9]+->`)

// watch returns a Store over the driver of s. The Progress counts its failed
// writes. Only s closes the driver.
func (p *Progress) watch(s *store.Store) *store.Store {
	return store.New(&watchedDriver{s.Driver(), p})
}

// A watchedDriver reports each failed write to a Progress.
type watchedDriver struct {
	driver.Driver
	progress *Progress
}

// Unwrap implements driver.Wrapper.
func (w *watchedDriver) Unwrap() driver.Driver { return w.Driver }

// Write implements driver.Writer.
func (w *watchedDriver) Write(ctx context.Context, batch []osprofiler.Notification) error {
	writer, ok := driver.As[driver.Writer](w.Driver)
	if !ok {
		return errors.ErrUnsupported
	}
	err := writer.Write(ctx, batch)
	if err != nil {
		w.progress.noteFailure(err)
	}
	return err
}

func (p *Progress) noteFailure(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures++
	p.reasons[ports.ReplaceAllString(err.Error(), "")]++
	p.history.note(event{What: "failed", Error: err.Error()})
}

// Failures returns the number of failed writes.
func (p *Progress) Failures() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures
}

// AwaitFailures waits until more further writes have failed, or the export is over.
func (p *Progress) AwaitFailures(more int) {
	more += p.Failures()
	p.Await(func() bool { return p.Failures() >= more })
}

// Await waits until the condition is true, or the export is over. It returns false
// if the export was over first.
func (p *Progress) Await(condition func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-p.over:
			return false
		}
	}
	return true
}
