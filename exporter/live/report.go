package live

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
)

// A lossReport sends summaries of the losses that were not reported yet to otel's
// error handler. The first summary is sent a tenth of the interval after the
// first loss, later ones at most once per interval. The handler runs in
// goroutines of the lossReport, because a handler may take long and the worker
// may wait for the store.
type lossReport struct {
	queue    *queue
	interval time.Duration

	handling sync.Mutex // one summary after the other

	due atomic.Bool // a summary is scheduled; written under mu

	mu         sync.Mutex
	scheduled  *time.Timer // nil if no summary is scheduled
	reported   Stats       // the counts of the last summary
	reportedAt time.Time
	lastErr    error // of the last write that failed, not reported yet
}

func newLossReport(q *queue, interval time.Duration) *lossReport {
	return &lossReport{queue: q, interval: interval}
}

// schedule makes sure that a summary will be sent. It never blocks.
func (r *lossReport) schedule() {
	if r.due.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.due.Load() {
		return
	}
	wait := r.interval / 10 // so that the first summary counts more than "1 was lost"
	if !r.reportedAt.IsZero() {
		wait = max(wait, time.Until(r.reportedAt.Add(r.interval)))
	}
	r.scheduled = time.AfterFunc(wait, r.now)
	r.due.Store(true)
}

// setCause sets the reason for the failure of the notifications that are
// counted next.
func (r *lossReport) setCause(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastErr = err
}

// now sends a summary of the losses that were not reported yet, if there are any.
func (r *lossReport) now() {
	r.handling.Lock()
	defer r.handling.Unlock()
	r.mu.Lock()
	if r.scheduled != nil {
		r.scheduled.Stop()
		r.scheduled = nil
	}
	r.due.Store(false) // before the counts are read: a later loss schedules another summary
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

// A LossError is a report of a Processor to otel.Handle. It contains what was
// lost since the last report, and why the last write failed.
type LossError struct {
	// DroppedStarts and DroppedStops count notifications for which there was no
	// room in the queue, or no time at Shutdown. Each stop is one span.
	DroppedStarts, DroppedStops uint64
	// FailedStarts and FailedStops count notifications that may not be stored.
	FailedStarts, FailedStops uint64
	// LateStarts counts starts that found no room at first. They are written when
	// there is room or when their spans end.
	LateStarts uint64
	// Err is the reason why the last write failed. It is nil if no write
	// failed.
	Err error

	limits *limits
}

// lossBetween returns what was lost between two states of the counts, or nil if
// nothing was.
func lossBetween(before, now Stats, limits *limits) *LossError {
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
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if e.DroppedStarts+e.DroppedStops > 0 {
		add("%d starts and %d stops (as many spans) were dropped, since the queue was full or the time of Shutdown over",
			e.DroppedStarts, e.DroppedStops)
	}
	if e.LateStarts > 0 {
		add("%d starts are put off until there is room or their spans end, since the queue was full", e.LateStarts)
	}
	if e.FailedStarts+e.FailedStops > 0 {
		add("%d starts and %d stops may not be stored: %v", e.FailedStarts, e.FailedStops, e.Err)
	}
	return fmt.Sprintf("live spans: %s (the queue holds %d notifications, %d bytes)",
		strings.Join(parts, "; "), e.limits.queueSize, e.limits.queueBytes)
}

// Unwrap returns the reason why the last write failed.
func (e *LossError) Unwrap() error { return e.Err }
