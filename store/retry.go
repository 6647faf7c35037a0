package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// A Retry sets how a Write that failed for a transient reason is repeated. The first pause is
// Initial. Each further pause is half as long again, up to Max, and varies at random. Retrying
// ends when Elapsed is over or the context is done. The zero Retry has the defaults. A
// negative Elapsed tries once.
type Retry struct {
	Initial time.Duration // 0: 100 ms
	Max     time.Duration // 0: 5 s
	Elapsed time.Duration // 0: 30 s

	// Failed, if not nil, is called with the error of each try that fails, also if the try is
	// repeated.
	Failed func(error)
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

// Write writes a batch to the Store and repeats transient failures. If a batch was stored in
// part, only the rest is sent again, without the refused notifications. The batch is checked
// once, as in [Store.Write]. The error says how many notifications may not be stored, and why.
// It is a *WriteError whose Missing and Refused are indices into the batch. Its Transient is
// false, because the tries are over.
func (r Retry) Write(ctx context.Context, s *Store, batch []osprofiler.Notification) error {
	r = r.orDefaults()
	p := &pending{batch: batch}
	w, err := s.writerFor(batch)
	if err != nil {
		return p.failure(err)
	}
	err = r.run(ctx, func() error {
		return p.try(func(rest []osprofiler.Notification) error { return s.write(ctx, w, rest) })
	})
	if err == nil {
		return nil
	}
	return p.failure(err)
}

// Do calls f until it returns nil or an error that is not transient ([IsTransient]), with the
// pauses and the limits of the Retry. If the time of the Retry is over or the context ends,
// the error says how long f was tried. The error wraps the last error of f that says what is
// wrong, and the error of the context.
func (r Retry) Do(ctx context.Context, f func() error) error {
	r = r.orDefaults()
	return r.run(ctx, func() error {
		err := f()
		if err != nil && !IsTransient(err) {
			return backoff.Permanent(err)
		}
		return err
	})
}

// run calls try until it returns nil or a permanent error, or the time of the
// Retry or the context is over.
func (r Retry) run(ctx context.Context, try func() error) error {
	began, tries := time.Now(), 0
	var cause, end error // cause is the error of the last try that its context did not cut; end is the error of the context
	op := func() (struct{}, error) {
		tries++
		err := try()
		cut := neterr.ContextError(ctx, err)
		if cut != nil {
			end = cmp.Or(contextError(ctx), cut)
		}
		if err != nil && (cause == nil || cut == nil || !errors.Is(err, cut)) {
			cause = err
			if r.Failed != nil {
				r.Failed(unwrapPermanent(err))
			}
		}
		return struct{}{}, err
	}
	if r.Elapsed < 0 {
		_, err := op()
		return unwrapPermanent(err)
	}
	_, err := backoff.Retry(ctx, op, backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: r.Initial, MaxInterval: r.Max, Multiplier: 1.5, RandomizationFactor: 0.5,
	}), backoff.WithMaxElapsedTime(r.Elapsed))
	var permanent *backoff.PermanentError
	switch {
	case err == nil:
		return nil
	case errors.As(cause, &permanent) && ctx.Err() == nil && end == nil:
		return permanent.Err
	}
	return gaveUp(unwrapPermanent(cause), cmp.Or(end, contextError(ctx)), tries, time.Since(began))
}

func unwrapPermanent(err error) error {
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		return permanent.Err
	}
	return err
}

// pending is the part of a batch that is still to be written.
type pending struct {
	batch   []osprofiler.Notification
	left    []int // indices into batch; nil stands for all
	refused []int // indices into batch
	refusal error // of the refused notifications
}

// try writes the rest. An error that is not transient ([IsTransient]) ends the tries.
func (p *pending) try(write func([]osprofiler.Notification) error) error {
	err := write(p.rest())
	if err == nil {
		p.left = []int{}
		return p.refusedOnly()
	}
	var partial *WriteError
	if !errors.As(err, &partial) {
		if IsTransient(err) {
			return err
		}
		return backoff.Permanent(err)
	}
	p.refuse(partial)
	if p.left != nil && len(p.left) == 0 {
		return p.refusedOnly()
	}
	if !partial.Transient {
		return backoff.Permanent(err)
	}
	return err
}

// refusedOnly ends the tries when all but the refused notifications are stored.
func (p *pending) refusedOnly() error {
	if p.refusal == nil {
		return nil
	}
	return backoff.Permanent(p.refusal)
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

// refuse applies an error about the remaining notifications. It keeps the missing ones, and
// sets the refused ones aside. If an index is out of range, or Missing is empty, all remaining
// notifications that are not refused count as missing.
func (p *pending) refuse(partial *WriteError) {
	refused, ok := p.indices(partial.Refused)
	missing, ok2 := p.indices(partial.Missing)
	if !ok || !ok2 {
		return
	}
	if len(missing) == 0 {
		missing = p.all()
	}
	p.left = slices.DeleteFunc(slices.Clone(missing), func(i int) bool {
		_, isRefused := slices.BinarySearch(refused, i)
		return isRefused
	})
	switch {
	case len(refused) == 0:
	case p.refusal == nil:
		p.refusal = partial
	default:
		p.refusal = fmt.Errorf("%w; %w", p.refusal, partial)
	}
	p.refused = append(p.refused, refused...)
}

// all returns the indices into the batch of the remaining notifications.
func (p *pending) all() []int {
	if p.left != nil {
		return p.left
	}
	all := make([]int, len(p.batch))
	for i := range all {
		all[i] = i
	}
	return all
}

// indices converts indices into the remaining notifications to indices into the batch, in
// order. ok is false if one of them is out of range.
func (p *pending) indices(of []int) (indices []int, ok bool) {
	all := p.all()
	for _, i := range of {
		if i < 0 || i >= len(all) {
			return nil, false
		}
		indices = append(indices, all[i])
	}
	slices.Sort(indices)
	return slices.Compact(indices), true
}

// failure adds to the reason of the last try how many notifications may not be stored. The
// reason of refusals precedes it.
func (p *pending) failure(err error) error {
	missing := slices.Concat(p.all(), p.refused)
	slices.Sort(missing)
	slices.Sort(p.refused)
	unknown := fmt.Sprintf("%d of %d notifications may not be stored", len(missing)-len(p.refused), len(p.batch))
	refused := fmt.Sprintf("%d of %d notifications %s refused", len(p.refused), len(p.batch), wasOrWere(len(p.refused)))
	switch {
	case len(p.refused) == 0:
		err = fmt.Errorf("%w; %s", err, unknown)
	case len(p.refused) == len(missing):
		err = fmt.Errorf("%w; %s", p.refusal, refused)
	case err.Error() == p.refusal.Error():
		err = fmt.Errorf("%w; %s; %s", err, refused, unknown)
	default:
		err = fmt.Errorf("%w; %s; %w; %s", p.refusal, refused, err, unknown)
	}
	return &WriteError{Missing: missing, Refused: p.refused, Err: err}
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}
