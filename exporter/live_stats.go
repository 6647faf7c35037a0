package exporter

// LiveStats tells what became of everything that a LiveProcessor was given. At
// any moment, and exactly,
//
//	Starts.Seen + Stops.Seen = Starts.Written + Starts.Dropped + Starts.Failed
//	                         + Stops.Written  + Stops.Dropped  + Stops.Failed
//	                         + Postponed + Queued
//
// Each span that ended is one of Stops: Stops.Dropped and Stops.Failed count
// the spans that are lost.
type LiveStats struct {
	Starts, Stops LiveCount
	// Queued are the notifications that wait or are being written, and
	// QueuedBytes about the memory that they hold.
	Queued      int
	QueuedBytes int64
	// Late counts the starts that found no room when their span started, since
	// the LiveProcessor was made. Each is written when there is room again or
	// when its span ends. Postponed are those that still wait for that, at most
	// as many as the queue holds: for one more the oldest is dropped.
	Late      uint64
	Postponed int
}

// LiveCount counts notifications of one half, since the LiveProcessor was made.
type LiveCount struct {
	Seen    uint64 // of sampled spans, until Shutdown
	Written uint64 // the store holds them
	Dropped uint64 // no room in the queue, or no time left at Shutdown
	Failed  uint64 // not known to be stored: the write failed
}

// Stats tells what became of everything so far. It is cheap.
func (p *LiveProcessor) Stats() LiveStats { return p.queue.stats() }
