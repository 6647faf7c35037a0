package rabbitmq

import "context"

// A semaphore is a lock that may be held while the broker is asked: the wait for it ends
// with a context. Its capacity is 1.
type semaphore chan struct{}

func newSemaphore() semaphore { return make(semaphore, 1) }

// acquire takes the lock, or returns the error of the context. It does not take the lock if the
// context has ended.
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
