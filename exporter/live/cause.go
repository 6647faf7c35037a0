package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store"
)

// progress records how the write in progress is going, for a caller whose
// context ends before the write does.
type progress struct {
	mu     sync.Mutex
	began  time.Time // of the write in progress; zero if there is none
	failed error     // of the last try of that write; nil if no try failed yet
}

func (p *progress) begin() { p.set(time.Now(), nil) }

func (p *progress) end() { p.set(time.Time{}, nil) }

func (p *progress) set(began time.Time, failed error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.failed = began, failed
}

// observed returns a copy of the Retry that also keeps the errors of the tries
// in p.
func (p *progress) observed(r store.Retry) store.Retry {
	told := r.Failed
	r.Failed = func(err error) {
		p.mu.Lock()
		p.failed = err
		p.mu.Unlock()
		if told != nil {
			told(err)
		}
	}
	return r
}

// slow is how long a write may take before the error says that the store does
// not answer.
const slow = 100 * time.Millisecond

// reason returns why a write has not ended, or nil if nothing is wrong so far.
func (p *progress) reason(store string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch took := time.Since(p.began); {
	case p.failed != nil:
		return p.failed
	case !p.began.IsZero() && took >= slow:
		return fmt.Errorf("%s has not answered for %s", store, explained.Seconds(took))
	}
	return nil
}

// unfinished returns the error of a call that began at the time began and whose
// context ended before the work was done. what describes the work that is left.
func (p *Processor) unfinished(ctx context.Context, began time.Time, what string) error {
	end := context.Cause(ctx)
	reason := p.progress.reason(p.store.Name())
	if reason == nil {
		return fmt.Errorf("%s: %w", what, end)
	}
	return explained.New(errors.Join(end, reason), "%v; gave up after %s; %s", reason, explained.Seconds(time.Since(began)), what)
}

// timeout is the cause of a context when the time for one write is over.
type timeout struct{}

// Error implements error.
func (timeout) Error() string { return "the time for writing one batch is over" }

// Is makes the error a context.DeadlineExceeded.
func (timeout) Is(target error) bool { return target == context.DeadlineExceeded }

// givenUp is the cause of the context of all writes when Shutdown stops the
// writes.
type givenUp struct{}

// Error implements error.
func (givenUp) Error() string { return "the time of Shutdown was over" }

// Is makes the error a context.Canceled.
func (givenUp) Is(target error) bool { return target == context.Canceled }
