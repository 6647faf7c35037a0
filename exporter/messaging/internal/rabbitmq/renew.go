package rabbitmq

import (
	"context"
	"time"
)

// isOld reports whether the lane has held messages that are not ours for so long that the
// broker would soon close the channel. That would lose messages at their delivery limit. isOld
// waits for a moment without unacknowledged messages, because each of them would be delivered
// again. The mutex is held.
func (c *consumption) isOld(l *lane) bool {
	if l.left == 0 || l.session == nil {
		return false
	}
	age, renewal := time.Since(l.leftSince), c.bus.settings.renewal()
	return age > 2*renewal || age > renewal && c.ledger.pending(l) == 0
}

// renew gives back what the lane holds, and starts over. The messages that are not ours are
// then delivered again. If messages can be neither given back nor saved, renew is tried again
// later.
func (c *consumption) renew(l *lane) error {
	ctx, cancel := context.WithTimeout(c.working, c.bus.config.Timeout)
	defer cancel()
	if l.giveBack(ctx) != nil || !l.holdsNothing() {
		c.mu.Lock()
		defer c.mu.Unlock()
		l.leftSince = l.leftSince.Add(c.bus.settings.renewal() / 4)
		return nil // the next work of the lane begins a stream
	}
	return c.open(l)
}
