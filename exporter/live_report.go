package exporter

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
)

// A lossReport gives otel's error handler summaries of the losses that were not
// reported yet. The first summary comes a tenth of the interval after the first
// loss. Later ones come once per interval at most. The handler runs on goroutines
// of the lossReport, because a handler may take long, and the worker may wait for
// the store.
type lossReport struct {
	queue    *queue
	interval time.Duration

	handling sync.Mutex // one summary after the other

	due atomic.Bool // a summary is scheduled; written under mu

	mu         sync.Mutex
	scheduled  *time.Timer // nil: none is
	reported   LiveStats   // the counts of the last summary
	reportedAt time.Time
	lastErr    error // of a write, not reported yet
}

func newLossReport(q *queue, interval time.Duration) *lossReport {
	return &lossReport{queue: q, interval: interval}
}

// schedule sees to it that a summary comes. It never blocks.
func (r *lossReport) schedule() {
	if r.due.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.due.Load() {
		return
	}
	wait := r.interval / 10 // so that the first summary says more than "1 was lost"
	if !r.reportedAt.IsZero() {
		wait = max(wait, time.Until(r.reportedAt.Add(r.interval)))
	}
	r.scheduled = time.AfterFunc(wait, r.now)
	r.due.Store(true)
}

// because says why the notifications failed that are about to be counted so.
func (r *lossReport) because(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastErr = err
}

// now gives a summary of the losses that were not reported yet, if there are any.
func (r *lossReport) now() {
	r.handling.Lock()
	defer r.handling.Unlock()
	r.mu.Lock()
	if r.scheduled != nil {
		r.scheduled.Stop()
		r.scheduled = nil
	}
	r.due.Store(false) // before the counts are read: what comes later schedules anew
	current := r.queue.stats()
	loss := lossBetween(r.reported, current, r.queue.limits)
	if loss != nil {
		r.reported, r.reportedAt = current, time.Now()
		if loss.FailedStarts+loss.FailedStops > 0 {
			loss.Err, r.lastErr = r.lastErr, nil
		}
	}
	r.mu.Unlock()
	if loss != nil {
		otel.Handle(loss)
	}
}

// A LossError is what a LiveProcessor reports through otel.Handle: what was
// lost since its last report, and the error of the last write that failed.
type LossError struct {
	// DroppedStarts and DroppedStops found no room in the queue, or no time at
	// Shutdown. Each stop is one span.
	DroppedStarts, DroppedStops uint64
	// FailedStarts and FailedStops are not known to be stored.
	FailedStarts, FailedStops uint64
	// LateStarts found no room at first. They are written when there is room or
	// when their spans end, so these are seen later than others.
	LateStarts uint64
	// Err is why the last write failed, nil if none did.
	Err error

	limits *liveConfig
}

// lossBetween says what was lost between two moments, nil if nothing was.
func lossBetween(before, now LiveStats, limits *liveConfig) *LossError {
	e := &LossError{
		DroppedStarts: now.Starts.Dropped - before.Starts.Dropped,
		DroppedStops:  now.Stops.Dropped - before.Stops.Dropped,
		FailedStarts:  now.Starts.Failed - before.Starts.Failed,
		FailedStops:   now.Stops.Failed - before.Stops.Failed,
		LateStarts:    now.Late - before.Late,
		limits:        limits,
	}
	if e.DroppedStarts+e.DroppedStops+e.FailedStarts+e.FailedStops+e.LateStarts == 0 {
		return nil
	}
	return e
}

// Error implements error.
func (e *LossError) Error() string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if e.DroppedStarts+e.DroppedStops > 0 {
		say("%d starts and %d stops (as many spans) were dropped, since the queue was full or the time of Shutdown over",
			e.DroppedStarts, e.DroppedStops)
	}
	if e.LateStarts > 0 {
		say("%d starts are put off until there is room or their spans end, since the queue was full", e.LateStarts)
	}
	if e.FailedStarts+e.FailedStops > 0 {
		say("%d starts and %d stops are not known to be stored: %v", e.FailedStarts, e.FailedStops, e.Err)
	}
	return fmt.Sprintf("live spans: %s (the queue holds %d notifications, %d bytes)",
		strings.Join(parts, "; "), e.limits.queueSize, e.limits.queueBytes)
}

// Unwrap returns why the last write failed.
func (e *LossError) Unwrap() error { return e.Err }
