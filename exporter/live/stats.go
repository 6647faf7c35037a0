package live

// Stats counts what became of the notifications of a Processor. At any moment,
// exactly,
//
//	Starts.Seen + Stops.Seen = Starts.Written + Starts.Dropped + Starts.Failed
//	                         + Stops.Written  + Stops.Dropped  + Stops.Failed
//	                         + Postponed + Queued
//
// Each span that ended is one of Stops, so Stops.Dropped and Stops.Failed count
// the lost spans.
type Stats struct {
	Starts, Stops Count
	// Queued counts the notifications that wait or are being written.
	// QueuedBytes is the approximate memory of their spans.
	Queued      int
	QueuedBytes int64
	// Late counts the starts that found no room when their span started, since
	// the Processor was made. Each is written when there is room again or when
	// its span ends. Postponed counts the starts that still wait. At most as
	// many wait as the queue has room for. When one more arrives, the oldest is
	// dropped.
	Late      uint64
	Postponed int
}

// Count counts notifications of one half, since the Processor was made.
type Count struct {
	Seen    uint64 // of sampled spans, until Shutdown
	Written uint64 // stored
	Dropped uint64 // for lack of room in the queue, or of time at Shutdown
	Failed  uint64 // may not be stored, because the write failed
}

// Stats returns the counts so far. It is cheap.
func (p *Processor) Stats() Stats { return p.queue.stats() }
