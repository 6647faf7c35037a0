package bridge

import "sync/atomic"

// NotifierStats counts a Notifier's notifications and spans since the Notifier was created.
// The counts of a call are added when the call ends. When no call is in progress, Received
// equals the sum of Duplicates, Rejected, Failed and Waiting, plus two notifications for each
// complete span and one for each incomplete span.
type NotifierStats struct {
	// Received counts the notifications that Notify was given.
	Received int64
	// Duplicates counts the notifications that were equal to an earlier one.
	Duplicates int64
	// Rejected counts the notifications that were not taken: because the Notifier
	// was shut down, because the context was done, because an export of the same
	// call had failed before, or because they were invalid.
	Rejected int64
	// Failed counts the notifications whose span was not exported. Their caller has
	// the error and may notify them again.
	Failed int64

	// Spans counts the exported spans, and Incomplete those of them with only one half.
	Spans      int64
	Incomplete Incomplete
	// FailedExports counts the exporter's errors.
	FailedExports int64

	// Waiting is the number of notifications that wait now, or have waited and are being
	// exported. WaitingBytes is the memory that they use, as [WithMaxBytes] counts it. Neither
	// exceeds its bound.
	Waiting, WaitingBytes int64
	// Remembered is the number of exported notifications whose duplicates would be
	// recognised.
	Remembered int64
}

// Incomplete counts incomplete spans by the reason why their half stopped waiting.
type Incomplete struct {
	Age      int64 // the half had waited too long
	Count    int64 // too many halves waited
	Bytes    int64 // the waiting halves used too much memory
	SameID   int64 // too many halves with the same ids waited, each with other content
	Flush    int64 // Flush was called
	Shutdown int64 // Shutdown was called
}

// Total returns the number of all incomplete spans.
func (i Incomplete) Total() int64 {
	return i.Age + i.Count + i.Bytes + i.SameID + i.Flush + i.Shutdown
}

// A reason is why a pair stopped waiting.
type reason uint8

const (
	completed reason = iota // the second half arrived
	tooOld
	tooMany
	tooLarge
	sameID
	flushed
	shutDown
	reasons // their number
)

// counts has the counts of one call.
type counts struct {
	received, duplicates, rejected, failed int64
	spans, failedExports                   int64
	incomplete                             [reasons]int64
}

// totals has the counts of all calls that have ended.
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

// Stats returns the counts so far.
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
