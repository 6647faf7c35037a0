package relay

import "time"

// A filterClock measures the time in which the relay receives. It stands still while a source
// fails, waits for a target, or is in a long Read of a store, because the rest of a trace
// cannot arrive then. After a failure or a wait of some length it stands still for the same
// length once more, but at most for the time Settle. In this time the sources deliver what
// has accumulated in them.
//
// A source that is down permanently should not keep the traces of the other sources forever.
// So the clock also measures how long it stands still while other sources deliver
// notifications. The constant mostStandstill bounds this time.
type filterClock struct {
	settle, interval time.Duration
	reading          time.Duration // the time that the clock shows
	owed             time.Duration // how much longer the clock stands still
	partial          time.Duration // how long it stood still while a source received
	last             time.Time     // of the last tick
}

func newFilterClock(settle time.Duration) filterClock {
	return filterClock{settle: settle, interval: min(max(settle/8, 10*time.Millisecond), time.Second)}
}

// mostStandstill is how many times Settle the clock may stand still for a trace while other
// sources deliver notifications.
const mostStandstill = 10

// A reception describes how many of the sources receive.
type reception int

const (
	noneReceive reception = iota // or a source waits for a target, and the others will, too
	someReceive
	someRead // and the others receive: a Read of a store takes its time, but nothing fails
	allReceive
)

// tick notes which sources received since the last tick. While the operating system has
// stopped the relay, no source receives. So a tick counts for two intervals at most.
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

// isSettled reports whether nothing new of a trace arrived for the time Settle, or the clock
// has stood still for too long since then.
func (c *filterClock) isSettled(t *heldTrace) bool {
	return c.reading-t.news >= c.settle || c.partial-t.partial >= mostStandstill*c.settle
}

// now returns the time of the clock. Between two ticks it may be ahead by an interval.
func (c *filterClock) now() time.Duration {
	return c.reading + min(time.Since(c.last), c.interval)
}

// reception reports which sources delivered notifications, or were able to, since the last
// call.
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

// A sourceState describes what a source did since the last call of state.
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

// setReading notes whether a Read of a store is going on. It ignores other sources, because
// they wait in Read until something arrives.
func (s *sourceRun) setReading(is bool) {
	if _, isStore := s.source.(resumer); isStore {
		s.steps.Add(1)
		s.reading.Store(is)
	}
}
