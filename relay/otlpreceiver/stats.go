package otlpreceiver

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Stats describes what a [Receiver] has done since it was opened.
type Stats struct {
	Requests int64 // that clients sent
	Spans    int64 // that the targets have taken or refused, also after their client got another answer
	Refused  int64 // spans that were refused by name
	Failed   int64 // requests that were answered with an error the client should not repeat
	Retried  int64 // requests that the client was asked to send again
	Waiting  int64 // requests that wait for the targets now
}

type counters struct{ requests, refused, failed, retried atomic.Int64 }

// Stats returns the statistics so far. It may be called at any time.
func (r *Receiver) Stats() Stats {
	c := &r.counters
	return Stats{
		Requests: c.requests.Load(), Spans: r.queue.taken(), Refused: c.refused.Load(),
		Failed: c.failed.Load(), Retried: c.retried.Load(), Waiting: r.queue.length(),
	}
}

// failed counts and reports a failure.
func (r *Receiver) failed(f *failure, client string) {
	if f.retry {
		r.counters.retried.Add(1)
		r.reports.warn("a client was asked to send its spans again", "source", r.name, "client", client, "reason", f.text)
		return
	}
	r.counters.failed.Add(1)
	r.reports.warn("a request was refused", "source", r.name, "client", client, "reason", f.text)
}

// reports writes to the log. It writes at most one line a second, because any client can
// cause reports.
type reports struct {
	log *slog.Logger

	mu         sync.Mutex
	next       time.Time
	suppressed int
}

func (r *reports) warn(text string, attributes ...any) {
	r.mu.Lock()
	now := time.Now()
	if now.Before(r.next) {
		r.suppressed++
		r.mu.Unlock()
		return
	}
	suppressed := r.suppressed
	r.next, r.suppressed = now.Add(time.Second), 0
	r.mu.Unlock()
	if suppressed > 0 {
		attributes = append(attributes, "lines_left_out_before", suppressed)
	}
	r.log.Warn(text, attributes...)
}

// fault reports a panic.
func (r *reports) fault(source string, fault any) {
	r.log.Error("a request has triggered a bug of this program; please report it", "source", source, "panic", fault, "stack", string(debug.Stack()))
}
