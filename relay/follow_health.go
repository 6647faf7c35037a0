package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// A health records whether a source or a target works.
type health struct {
	mu      sync.Mutex
	worked  bool
	success time.Time // when it worked last
	retried int64
	err     error
	since   time.Time
	told    time.Time
	text    string // of the failure that was reported last
}

// failure returns the present failure, or nil.
func (h *health) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// tellAgain is how long a continuing failure is not reported again when its text changes.
const tellAgain = time.Minute

// failed notes a failure. tell is true if it should be reported: it is the first failure
// since the source or the target worked, or its text is another one and tellAgain has passed.
func (h *health) failed(err error) (tell bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.retried++
	if h.err == nil {
		h.since = now
		tell = true
	}
	h.err = err
	text := err.Error()
	if tell = tell || text != h.text && now.Sub(h.told) >= tellAgain; tell {
		h.text, h.told = text, now
	}
	return tell
}

// works notes a success.
func (h *health) works() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.worked, h.success, h.err, h.since = true, time.Now(), nil, time.Time{}
}

// hasWorked reports whether there was a success.
func (h *health) hasWorked() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.worked
}

// The pauses between two tries.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	longestAsked = 5 * time.Minute // the longest pause that a target may ask for
)

func newPauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: longestPause, Multiplier: 1.5, RandomizationFactor: 0.5,
	}
}

// repeat calls try until it returns nil or the context ends. what describes the failing
// action in warnings.
func (f *Follower) repeat(ctx context.Context, h *health, what string, try func() error) error {
	pauses := newPauses()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := try()
		if err == nil {
			h.works()
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		f.fail(h, what, err)
		if !sleep(ctx, pauseAfter(err, pauses.NextBackOff())) {
			return err
		}
	}
}

// pauseAfter returns the pause after a failure: the pause that the target asks for if it is
// longer than the given one.
func pauseAfter(err error, pause time.Duration) time.Duration {
	var after *backoff.RetryAfterError
	if errors.As(err, &after) {
		return min(max(pause, after.Duration), longestAsked)
	}
	return pause
}

// fail notes a failure, and reports it if it is new.
func (f *Follower) fail(h *health, what string, err error) {
	if h.failed(err) {
		f.warn(fmt.Errorf("%s: %w", what, err))
	}
}

// sleep waits. It returns false if the context has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
