package relay

import "time"

// A filterClock measures the time in which the relay receives. It stands still while a
// source fails, waits for a target, or is in a long Read of a store, because the rest of a
// trace cannot come then. After a failure and a wait it stands still for as long again, at most for the time Settle, in which the
// sources give what has gathered in them.
//
// A source that is down for good should not keep the traces of the other sources forever.
// So the clock also measures how long it stands still while other sources give
// notifications, which is bounded by mostStandstill.
type filterClock struct {
	settle, interval time.Duration
	reading          time.Duration // the time that the clock shows
	owed             time.Duration // how long the clock still stands still
	partial          time.Duration // how long it stood still while a source received
	last             time.Time     // of the last tick
}

func newFilterClock(settle time.Duration) filterClock {
	return filterClock{settle: settle, interval: min(max(settle/8, 10*time.Millisecond), time.Second)}
}

// mostStandstill is how many times Settle the clock stands still for a trace while other
// sources give notifications.
const mostStandstill = 10

// A reception says which sources receive.
type reception int

const (
	noneReceive reception = iota // or one waits for a target, as the others will
	someReceive
	someRead // and the others receive: a Read of a store takes its time, but nothing fails
	allReceive
)

// tick notes which sources received since the last tick. A relay that was stopped by the
// operating system did not, so that a tick counts for two intervals at most.
func (c *filterClock) tick(now time.Time, r reception) {
	if c.last.IsZero() {
		c.last = now
	}
	elapsed := min(max(now.Sub(c.last), 0), 2*c.interval)
	c.last = now
	stood := elapsed
	switch r {
	case allReceive:
		stood = min(c.owed, elapsed)
		c.owed -= stood
	case someRead:
	default:
		c.owed = min(c.owed+elapsed, c.settle)
	}
	c.reading += elapsed - stood
	if r != noneReceive {
		c.partial += stood
	}
}

// isSettled reports whether nothing new came of a trace for the time Settle, or since the
// clock has stood still for too long.
func (c *filterClock) isSettled(t *heldTrace) bool {
	return c.reading-t.news >= c.settle || c.partial-t.partial >= mostStandstill*c.settle
}

// now returns the time of the clock. Between two ticks it may be ahead by an interval.
func (c *filterClock) now() time.Duration {
	return c.reading + min(time.Since(c.last), c.interval)
}

// reception reports which sources gave notifications, or had the opportunity to, since the
// last call.
func (f *Follower) reception() reception {
	var number [numberOfStates]int
	for _, s := range f.sources {
		number[s.state()]++
	}
	switch {
	case number[sourceReceives] == len(f.sources):
		return allReceive
	case number[sourceReceives]+number[sourceReads] == len(f.sources):
		return someRead
	case number[sourceReceives] == 0 || number[sourceWaits] > 0:
		return noneReceive
	}
	return someReceive
}

// A sourceState is what a source did since the filter's clock last asked.
type sourceState int

const (
	sourceReceives sourceState = iota
	sourceReads                // was in one Read of a store all the time
	sourceWaits                // was in one flush to a target all the time, or cannot keep its state
	sourceFails
	numberOfStates
)

// state returns what the source did since the last call. It is called by one goroutine.
func (s *sourceRun) state() sourceState {
	steps := s.steps.Load() + s.read.Load()
	occupied := steps == s.seen
	s.seen = steps
	switch {
	case occupied && s.isFlushing() || s.keeping.failure() != nil:
		return sourceWaits
	case s.failure() != nil:
		return sourceFails
	case occupied && s.reading.Load():
		return sourceReads
	}
	return sourceReceives
}

func (s *sourceRun) isFlushing() bool {
	s.waking.Lock()
	defer s.waking.Unlock()
	return s.flushing
}

// setReading notes whether a Read of a store is going on. Other sources wait in Read for
// what comes.
func (s *sourceRun) setReading(is bool) {
	if _, isStore := s.source.(resumer); isStore {
		s.steps.Add(1)
		s.reading.Store(is)
	}
}
