package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/osprofiler-otel/osprofiler"
)

// A WriteError is what Write returns when it knows which part of the batch is
// not stored, or that trying again may help.
type WriteError struct {
	// Missing are the indices into the batch of what is not known to be
	// stored; nil means all of it.
	Missing []int
	// Transient says that the same write may succeed later: the server was not
	// reachable, busy, or changing its master.
	Transient bool
	Err       error
}

// Error implements error.
func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *WriteError) Unwrap() error { return e.Err }

// Retry says how transient failures of Write are repeated: waiting Initial,
// then each time half as long again, up to Max, with some chance in it, until
// Elapsed is over or the context is done. The zero Retry stands for the
// defaults; a negative Elapsed means one try only.
type Retry struct {
	Initial time.Duration // 0: 100 ms
	Max     time.Duration // 0: 5 s
	Elapsed time.Duration // 0: 30 s
}

func (r Retry) orDefaults() Retry {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&r.Initial, 100*time.Millisecond)
	set(&r.Max, 5*time.Second)
	set(&r.Elapsed, 30*time.Second)
	return r
}

// Write writes a batch to the store and repeats transient failures; of a batch
// that was stored in part, only the rest is sent again. The error tells how
// many notifications are not known to be stored, and why; it is a *WriteError
// whose Missing are indices into the batch.
func (r Retry) Write(ctx context.Context, s Store, batch []osprofiler.Notification) error {
	r = r.orDefaults()
	p := &pending{batch: batch}
	var err error
	if r.Elapsed < 0 {
		err = p.try(ctx, s)
	} else {
		_, err = backoff.Retry(ctx, func() (struct{}, error) {
			return struct{}{}, p.try(ctx, s)
		}, backoff.WithBackOff(&backoff.ExponentialBackOff{
			InitialInterval: r.Initial, MaxInterval: r.Max, Multiplier: 1.5, RandomizationFactor: 0.5,
		}), backoff.WithMaxElapsedTime(r.Elapsed))
	}
	if err == nil {
		return nil
	}
	return p.failure(err)
}

// pending is the part of a batch that is still to be written.
type pending struct {
	batch []osprofiler.Notification
	left  []int // indices into batch; nil: all
	last  error
}

// try writes what is left. An error that is not transient ends the tries.
func (p *pending) try(ctx context.Context, s Store) error {
	err := s.Write(ctx, p.rest())
	if err == nil {
		return nil
	}
	p.last = err
	var partial *WriteError
	if !errors.As(err, &partial) {
		return backoff.Permanent(err)
	}
	if partial.Missing != nil {
		p.keep(partial.Missing)
	}
	if !partial.Transient {
		return backoff.Permanent(err)
	}
	return err
}

func (p *pending) rest() []osprofiler.Notification {
	if p.left == nil {
		return p.batch
	}
	rest := make([]osprofiler.Notification, len(p.left))
	for i, at := range p.left {
		rest[i] = p.batch[at]
	}
	return rest
}

// keep takes indices into what is left, and keeps only these.
func (p *pending) keep(missing []int) {
	left := make([]int, 0, len(missing))
	for _, i := range missing {
		switch {
		case p.left == nil && i >= 0 && i < len(p.batch):
			left = append(left, i)
		case p.left != nil && i >= 0 && i < len(p.left):
			left = append(left, p.left[i])
		}
	}
	slices.Sort(left)
	p.left = slices.Compact(left)
}

// failure describes what is left after the last try. The reason is the
// store's own last word; that the context ended is said besides.
func (p *pending) failure(err error) error {
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		err = permanent.Err
	}
	if p.last != nil && !errors.Is(err, p.last) {
		err = fmt.Errorf("%w (%w)", p.last, err)
	}
	missing := p.left
	if missing == nil {
		missing = make([]int, len(p.batch))
		for i := range missing {
			missing[i] = i
		}
	}
	err = fmt.Errorf("%d of %d notifications are not known to be stored: %w", len(missing), len(p.batch), err)
	return &WriteError{Missing: missing, Err: err}
}
