package relay

import (
	"context"
	"errors"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// FromConsumer returns the source that takes the notifications of a message bus
// ([store.Store.Consume]). A message is acknowledged when every target has its notification.
// Close returns unacknowledged messages to the bus. Read ends when no message arrived for a
// while, which is an option of the bus, and may be called again. Several sources, also in
// several programs, share the messages of one queue or of one consumer group. The caller
// closes the store, after the source.
func FromConsumer(s *store.Store, opts ...StoreOption) Source {
	return &consumerSource{store: s, storeConfig: newStoreConfig(opts)}
}

type consumerSource struct {
	storeConfig
	consumable

	store       *store.Store
	consumption *store.Consumption // nil before the first Read
	taken       int
	flush       func() bool // of the Copy; nil outside of one
}

// Name implements Source.
func (s *consumerSource) Name() string { return s.store.Name() }

// Read implements Source.
func (s *consumerSource) Read(ctx context.Context) sequence {
	taken := func(*consumer) int { return s.taken }
	return resumed(ctx, s.retry, taken, func(c *consumer) (err error) {
		if s.consumption == nil {
			if s.consumption, err = s.store.Consume(ctx); err != nil {
				return err
			}
		}
		for more := true; more && err == nil; {
			more, err = s.take(ctx, c)
		}
		return err
	})
}

// mostWaiting is how long a notification may wait for others before it is written to the
// targets.
const mostWaiting = time.Second

// take takes notifications until the bus has no more, or until the first one has waited for
// mostWaiting. In the second case it flushes and returns true.
func (s *consumerSource) take(ctx context.Context, c *consumer) (more bool, err error) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var timer *time.Timer
	defer func() {
		if timer != nil {
			timer.Stop()
		}
	}()
	for n, err := range s.consumption.Take(within) {
		switch {
		case errors.Is(err, errDue) && ctx.Err() == nil:
			if !s.flush() { // the Copy has failed, but not the source
				c.left = true
			}
			return !c.left, nil
		case store.Ends(err):
			return false, err
		case timer == nil && s.flush != nil:
			timer = time.AfterFunc(mostWaiting, func() { cancel(errDue) })
		}
		s.taken++
		if !c.take(n, err) {
			return false, nil
		}
	}
	return false, nil
}

// errDue stops a Take when the notifications taken so far should be written.
var errDue = errors.New("what was taken should be written")

// whenDue implements taker.
func (s *consumerSource) whenDue(flush func() bool) { s.flush = flush }

// leave implements taker.
func (s *consumerSource) leave(p Position) {
	if s.consumption != nil {
		s.consumption.Leave(string(p))
	}
}

// Position implements Source.
func (s *consumerSource) Position() Position {
	if s.consumption == nil {
		return ""
	}
	return Position(s.consumption.Position())
}

// acknowledgeTime is how long an acknowledgement may take after the end of the context, because
// written notifications should not be delivered again.
const acknowledgeTime = time.Second

// Acknowledge implements Source. It acknowledges also after the context ended, because the
// targets have the notifications.
func (s *consumerSource) Acknowledge(ctx context.Context, p Position) error {
	if s.consumption == nil {
		return nil
	}
	detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(acknowledgeTime, cancel) })
	defer stop()
	return s.consumption.Acknowledge(detached, string(p))
}

// Close implements Source.
func (s *consumerSource) Close() error {
	if s.consumption == nil {
		return nil
	}
	return s.consumption.Close()
}

// limits implements taker. A bus holds back the messages that were not acknowledged, and
// delivers no more of them than the consumer allows.
func (s *consumerSource) limits() windowLimits {
	return windowLimits{count: batchCount, bytes: batchBytes}
}
