package bridge

import "sync/atomic"

// NotifierStats tells what became of a Notifier's notifications. Counts grow
// from its beginning; those of a call are added when it ends. When no call is
// under way, Received is the sum of Duplicates, Rejected, Failed and
// Waiting, and of two notifications for each span that is complete and one for
// each that is not.
type NotifierStats struct {
	// Received counts the notifications that Notify was given.
	Received int64
	// Duplicates counts those that were equal to an earlier one.
	Duplicates int64
	// Rejected counts those that were not taken: after Shutdown, with a context
	// that was done, behind a failed export of the same call, or because they
	// were invalid.
	Rejected int64
	// Failed counts those whose span was not exported, and whose caller has the
	// error and may notify again.
	Failed int64

	// Spans counts the spans that were handed on, and Incomplete those of them
	// that had one half only.
	Spans      int64
	Incomplete Incomplete
	// FailedExports counts the exporter's errors.
	FailedExports int64

	// Waiting is how many notifications wait now, or have waited and are being
	// handed on, and WaitingBytes the memory they hold, as [WithMaxBytes] counts
	// it. Neither ever exceeds its bound.
	Waiting, WaitingBytes int64
	// Remembered is how many notifications are remembered, of those that were
	// handed on, to know their duplicates.
	Remembered int64
}

// Incomplete counts incomplete spans by why they did not wait any longer.
type Incomplete struct {
	Age      int64 // waited too long
	Count    int64 // too many were waiting
	Bytes    int64 // those waiting held too much memory
	SameID   int64 // too many of one id were waiting, each of another content
	Flush    int64
	Shutdown int64
}

// Total is the number of all of them.
func (i Incomplete) Total() int64 {
	return i.Age + i.Count + i.Bytes + i.SameID + i.Flush + i.Shutdown
}

// reason says why a pair did not wait any longer.
type reason uint8

const (
	completed reason = iota // of pairs that were handed on when the second half came
	tooOld
	tooMany
	tooLarge
	sameID
	flushed
	shutDown
	reasons // their number
)

// counts are the counters of one call.
type counts struct {
	received, duplicates, rejected, failed int64
	spans, failedExports                   int64
	incomplete                             [reasons]int64
}

// totals are the same of all calls that have ended.
type totals struct {
	received, duplicates, rejected, failed atomic.Int64
	spans, failedExports                   atomic.Int64
	incomplete                             [reasons]atomic.Int64
}

func (t *totals) add(c *counts) {
	add := func(total *atomic.Int64, n int64) {
		if n != 0 {
			total.Add(n)
		}
	}
	add(&t.received, c.received)
	add(&t.duplicates, c.duplicates)
	add(&t.rejected, c.rejected)
	add(&t.failed, c.failed)
	add(&t.spans, c.spans)
	add(&t.failedExports, c.failedExports)
	for i := range c.incomplete {
		add(&t.incomplete[i], c.incomplete[i])
	}
}

// Stats returns the counters.
func (n *Notifier) Stats() NotifierStats {
	t := &n.totals
	stats := NotifierStats{
		Received: t.received.Load(), Duplicates: t.duplicates.Load(), Rejected: t.rejected.Load(),
		Failed: t.failed.Load(),
		Spans:  t.spans.Load(), FailedExports: t.failedExports.Load(),
		Incomplete: Incomplete{
			Age: t.incomplete[tooOld].Load(), Count: t.incomplete[tooMany].Load(), Bytes: t.incomplete[tooLarge].Load(),
			SameID: t.incomplete[sameID].Load(), Flush: t.incomplete[flushed].Load(), Shutdown: t.incomplete[shutDown].Load(),
		},
		Waiting: n.budget.count.Load(), WaitingBytes: n.budget.bytes.Load(),
	}
	for i := range n.shards {
		stats.Remembered += n.shards[i].remembered()
	}
	return stats
}
