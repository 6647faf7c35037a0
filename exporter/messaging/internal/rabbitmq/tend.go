package rabbitmq

import (
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// resume is called when a Receive begins. If no lane works, all are tried at once. Otherwise a
// failed lane waits until its next attempt is due, so that the others are not delayed.
func (c *consumption) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		if l.failure == nil || !l.reported {
			return
		}
	}
	for _, l := range c.lanes {
		l.next = time.Time{}
	}
}

// tend makes sure that messages can arrive. It begins the work that lanes need. It returns a
// failure that was not yielded yet, and a channel that fires when a failed lane may be tried
// again.
func (c *consumption) tend() (again <-chan time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, errClosed
	}
	var next time.Time
	for _, l := range c.lanes {
		switch {
		case l.working:
		case l.failure != nil && !l.reported:
			l.reported = true
			return nil, l.failure
		case l.failure != nil && time.Now().Before(l.next):
			if next.IsZero() || l.next.Before(next) {
				next = l.next
			}
		case l.needsWork() || c.isOld(l):
			c.work(l, c.keep)
		}
	}
	if next.IsZero() {
		return nil, nil
	}
	return time.After(time.Until(next)), nil
}

// work runs f, which calls the broker, for a lane. The mutex is held.
func (c *consumption) work(l *lane, f func(*lane) error) {
	l.working = true
	c.workers.Go(func() {
		err := f(l)
		c.mu.Lock()
		l.working = false
		l.failed(err)
		c.mu.Unlock()
		select {
		case c.changed <- struct{}{}:
		default:
		}
	})
}

// state reports whether a lane is calling the broker, or else the failure of a lane.
func (c *consumption) state() (working bool, failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		working = working || l.working
		if failure == nil {
			failure = l.failure
		}
	}
	return working, failure
}

// progress reports whether a lane has begun a stream since the last call, whether a lane is
// calling the broker, and whether a lane has messages that should arrive.
func (c *consumption) progress() (renewed, working, ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	renewed, c.renewed = c.renewed, false
	for _, l := range c.lanes {
		working, ready = working || l.working, ready || l.ready
	}
	return renewed, working, ready
}

// keep makes sure that messages of the lane can arrive. It cancels a consumer whose prefetch
// count is used up. When all messages that were sent to that consumer have arrived, another
// one with twice the count follows. Messages that were left stay with the channel. After a
// failure, the connection is kept only if it holds messages.
func (c *consumption) keep(l *lane) (err error) {
	c.mu.Lock()
	stream, narrow, crowded, old := l.stream, l.isNarrow(), l.left >= mostLeft, c.isOld(l)
	c.mu.Unlock()
	switch {
	case l.conn == nil || l.conn.isLost():
		if err = c.connect(l); err == nil {
			err = c.open(l)
		}
	case old: // first, because a crowded lane also grows old
		err = c.renew(l)
	case crowded:
		return explained.New(errCrowded, "the queue %q of %s has more than %d messages that are not notifications of OSProfiler, which no other reader takes away: "+
			"remove them, or let a queue of its own get the notifications (option osp_queue of the connection string)", l.queue, c.bus.name, mostLeft)
	case narrow:
		err = c.narrow(l)
	case stream == nil:
		err = c.open(l)
	}
	if err == nil || l.conn == nil {
		return err
	}
	err = c.bus.explainFrom(l.conn.name, err)
	if l.holdsNothing() {
		c.disconnect(l)
	}
	return err
}
