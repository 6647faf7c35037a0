package rabbitmq

import "time"

// A quiet decides when a Receive ends because no more messages arrive.
type quiet struct {
	c      *consumption
	idle   time.Duration
	timer  *time.Timer
	passed <-chan time.Time // when the time has passed; nil for a Receive that waits without end
	asked  bool             // the queues have been asked whether they have messages
	since  time.Time        // when the queues were first asked; zero before
	ticks  int              // how often the time must still pass before the end
}

func newQuiet(c *consumption, idle time.Duration) *quiet {
	q := &quiet{c: c, idle: idle}
	if idle > 0 {
		q.timer = time.NewTimer(idle)
		q.passed = q.timer.C
	}
	return q
}

func (q *quiet) stop() {
	if q.timer != nil {
		q.timer.Stop()
	}
}

// begin restarts the time, because something has arrived.
func (q *quiet) begin() { q.asked, q.since, q.ticks = false, time.Time{}, 0; q.reset(q.idle) }

func (q *quiet) reset(d time.Duration) {
	if q.timer != nil {
		q.timer.Reset(d)
	}
}

// worked is called when a lane has ended its work. The time starts when the broker can
// deliver, or when the queues have reported whether they have messages.
func (q *quiet) worked() {
	renewed, working, ready := q.c.progress()
	switch {
	case renewed:
		q.begin()
	case !q.asked:
		q.reset(q.idle)
	case working: // worked is called again
	case ready && time.Since(q.since) < q.c.bus.config.Timeout:
		q.asked = false
		q.reset(max(q.idle, pause))
	default:
		q.ticks = lastTicks
		q.reset(pause / lastTicks)
	}
}

// lastTicks is the number of parts into which Receive divides the wait for messages that are
// on their way inside this process. On a loaded machine, a single timer may fire before the
// goroutines of the client library have run. They run at least once between two timers.
const lastTicks = 10

// isOver is called when the time has passed. On a loaded machine, the queues may still have
// messages at that point. So the queues are asked before the end. Receive does not end
// silently if a queue cannot be read.
func (q *quiet) isOver() (bool, error) {
	switch working, err := q.c.state(); {
	case working: // worked is called
		return false, nil
	case err != nil:
		return false, err
	case q.asked && q.ticks > 1:
		q.ticks--
		q.reset(pause / lastTicks)
		return false, nil
	case q.asked:
		return true, q.c.undelivered()
	}
	if q.asked = true; q.since.IsZero() {
		q.since = time.Now()
	}
	if !q.c.ask() {
		q.worked()
	}
	return false, nil
}
