package rabbitmq

import "context"

// A semaphore is a lock that may be held during calls of the broker, because a context can end
// the wait for it. Its capacity is 1.
type semaphore chan struct{}

func newSemaphore() semaphore { return make(semaphore, 1) }

// acquire takes the lock, or returns the error of the context. If the context has ended, it
// does not take the lock.
func (s semaphore) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) release() { <-s }
