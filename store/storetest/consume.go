package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The rules in this file are about taking notifications from a message bus. A store that is no
// bus passes them by saying so.

// mostRepeats is how often a check of a bus may see a notification too often. After a lost
// connection, or when a consumer group is rebuilt, a bus delivers unacknowledged notifications
// again. This is correct, but rare.
const mostRepeats = 2

// onBus makes a rule from a check. For each size, the check gets a store that holds that many
// events of one trace. A store that is no message bus must say so instead.
func onBus(check func(ctx context.Context, stage *Stage, s *store.Store, batch []osprofiler.Notification) error, sizes ...int) func(context.Context, *Stage) error {
	return func(ctx context.Context, stage *Stage) (err error) {
		var repeated *repeatedError
		for range 1 + mostRepeats {
			if err = onFreshBus(ctx, stage, check, sizes); !errors.As(err, &repeated) {
				break
			}
		}
		return err
	}
}

// onFreshBus checks an empty bus.
func onFreshBus(ctx context.Context, stage *Stage, check func(context.Context, *Stage, *store.Store, []osprofiler.Notification) error, sizes []int) error {
	s, err := stage.Fresh(ctx)
	if err != nil {
		return err
	}
	if can := s.Capabilities(); !can.Consume {
		if can.Peek {
			return errors.New("the store can Peek, but not Consume")
		}
		return isNoBus(ctx, s)
	}
	var batch []osprofiler.Notification
	for _, size := range sizes {
		batch = append(batch, events(size)...)
	}
	if err := s.Write(ctx, batch); err != nil {
		return err
	}
	return check(ctx, stage, s, batch)
}

// isNoBus checks that the store refuses Consume and Peek.
func isNoBus(ctx context.Context, s *store.Store) error {
	_, errConsume := s.Consume(ctx)
	_, errPeek := collect(s.Peek(ctx))
	for _, err := range []error{errConsume, errPeek} {
		if !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("Consume or Peek of a store that is no bus returned the error %w, want %w", err, errors.ErrUnsupported)
		}
	}
	return nil
}

// leastIdle is the number of consecutive calls of Take that yield nothing at the end of a bus.
const leastIdle = 3

// An idling decides when missing notifications are given up. A bus may return only after a
// while the notifications that another consumption has left.
type idling struct {
	calls int       // consecutive calls of Take that yielded nothing
	since time.Time // when the first of them began
}

// goesOn is called before each call of Take, with the number of missing notifications.
func (i *idling) goesOn(missing int) bool {
	if i.calls == 0 {
		i.since = time.Now()
	}
	i.calls++
	return missing > 0 && (i.calls <= leastIdle || time.Since(i.since) < patience/4)
}

// came is called when a notification has arrived.
func (i *idling) came() { i.calls = 0 }

// take takes at least count notifications.
func take(ctx context.Context, c *store.Consumption, count int) (all []osprofiler.Notification, err error) {
	for idle := (idling{}); idle.goesOn(count - len(all)); {
		came, err := collect(c.Take(ctx))
		if all = append(all, came...); err != nil {
			return all, fmt.Errorf("taking: %w", err)
		}
		if len(came) > 0 {
			idle.came()
		}
	}
	return all, nil
}

// takesNothing checks that a new consumption takes nothing.
func takesNothing(ctx context.Context, s *store.Store) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	var got []osprofiler.Notification
	for range leastIdle {
		came, errTake := collect(c.Take(ctx))
		got, err = append(got, came...), errors.Join(err, errTake)
	}
	return errors.Join(err, sameByTrace(got, nil), c.Close())
}

// takes checks that a new consumption takes exactly these notifications, in order within each
// trace, and acknowledges them.
func takes(ctx context.Context, s *store.Store, want []osprofiler.Notification) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	got, err := take(ctx, c, len(want))
	if err == nil {
		err = sameByTrace(got, want)
	}
	if err == nil {
		err = c.Acknowledge(ctx, c.Position())
	}
	return errors.Join(err, c.Close())
}

// sameByTrace checks that the notifications are the wanted ones, in order within each trace.
func sameByTrace(got, want []osprofiler.Notification) error {
	if err := sameSet(got, want); err != nil {
		return err
	}
	next := map[string][]osprofiler.Notification{}
	for _, n := range want {
		next[n.BaseID] = append(next[n.BaseID], n)
	}
	for _, n := range got {
		if first := next[n.BaseID][0]; !n.Equal(first) {
			return fmt.Errorf("a trace comes in another order: %s came before %s", n.Name, first.Name)
		}
		next[n.BaseID] = next[n.BaseID][1:]
	}
	return nil
}

func peek(ctx context.Context, _ *Stage, s *store.Store, batch []osprofiler.Notification) error {
	for range 2 {
		got, err := collect(s.Peek(ctx))
		if err != nil {
			return fmt.Errorf("peeking: %w", err)
		}
		if err := sameByTrace(got, batch); err != nil {
			return fmt.Errorf("peeking: %w", err)
		}
	}
	for _, err := range s.Peek(ctx) { // the loop is left early
		if err != nil {
			return err
		}
		break
	}
	if err := holds(ctx, s, batch[:30]); err != nil {
		return err
	}
	if err := lists(ctx, s, store.Query{}, traceOf(batch[0]), traceOf(batch[30])); err != nil {
		return err
	}
	if err := takes(ctx, s, batch); err != nil {
		return fmt.Errorf("consuming after peeking: %w", err)
	}
	return nil
}

func consume(ctx context.Context, _ *Stage, s *store.Store, batch []osprofiler.Notification) error {
	if err := takes(ctx, s, batch); err != nil {
		return err
	}
	if err := takesNothing(ctx, s); err != nil {
		return fmt.Errorf("consuming again: %w", err)
	}
	later := events(5)
	if err := s.Write(ctx, later); err != nil {
		return err
	}
	if err := takes(ctx, s, later); err != nil {
		return fmt.Errorf("consuming what was written later: %w", err)
	}
	return nil
}

// consumeGivenBack acknowledges a part, and checks that the rest is delivered again.
func consumeGivenBack(ctx context.Context, _ *Stage, s *store.Store, batch []osprofiler.Notification) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	var first []osprofiler.Notification
	for n, err := range c.Take(ctx) {
		if err != nil {
			return err
		}
		if first = append(first, n); len(first) == 10 {
			break
		}
	}
	position := c.Position()
	rest, err := take(ctx, c, 20)
	if err == nil {
		err = sameSet(slices.Concat(first, rest), batch)
	}
	if err == nil {
		err = c.Acknowledge(ctx, position)
	}
	if err := errors.Join(err, c.Close()); err != nil {
		return err
	}
	if err := takes(ctx, s, batch[10:]); err != nil {
		return fmt.Errorf("consuming again after 10 of 30 were acknowledged: %w", err)
	}
	return nil
}

// consumeLeave leaves one notification of ten and acknowledges all others.
func consumeLeave(ctx context.Context, _ *Stage, s *store.Store, batch []osprofiler.Notification) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	for idle := (idling{}); idle.goesOn(len(batch) - len(all)); {
		for n, err := range c.Take(ctx) {
			if err != nil {
				return err
			}
			if all = append(all, n); len(all) == 4 {
				c.Leave(c.Position())
			}
			idle.came()
		}
	}
	if err := errors.Join(sameSet(all, batch), c.Acknowledge(ctx, c.Position()), c.Close()); err != nil {
		return err
	}
	got, err := collect(s.Peek(ctx))
	if err == nil {
		err = comprise(got, batch[3:4])
	}
	return err
}

func consumeLeftEarly(ctx context.Context, _ *Stage, s *store.Store, batch []osprofiler.Notification) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	var all []osprofiler.Notification
	for idle := (idling{}); idle.goesOn(len(batch) - len(all)); {
		for n, err := range c.Take(ctx) {
			if err != nil {
				return err
			}
			all = append(all, n)
			idle.came()
			break
		}
	}
	return errors.Join(sameByTrace(all, batch), c.Acknowledge(ctx, c.Position()), c.Close())
}

func consumeCancelled(ctx context.Context, _ *Stage, s *store.Store, batch []osprofiler.Notification) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	var all []osprofiler.Notification
	var ended error
	for n, err := range c.Take(within) {
		if ended = err; err != nil {
			break
		}
		if all = append(all, n); len(all) == 5 {
			cancel()
		}
	}
	if !errors.Is(ended, context.Canceled) {
		return fmt.Errorf("taking ended with the error %w, want %w", ended, context.Canceled)
	}
	rest, err := take(ctx, c, len(batch)-len(all))
	if err != nil {
		return err
	}
	return errors.Join(sameByTrace(append(all, rest...), batch), c.Acknowledge(ctx, c.Position()), c.Close())
}

func consumeClosed(ctx context.Context, stage *Stage, s *store.Store, batch []osprofiler.Notification) error {
	c, err := s.Consume(ctx)
	if err != nil {
		return err
	}
	if _, err := take(ctx, c, len(batch)); err != nil {
		return err
	}
	position := c.Position()
	if err := s.Close(); err != nil {
		return err
	}
	_, errTake := collect(c.Take(ctx))
	for _, err := range []error{errTake, c.Acknowledge(ctx, position)} {
		if !errors.Is(err, store.ErrClosed) {
			return fmt.Errorf("a consumption of a closed store returned the error %w, want %w", err, store.ErrClosed)
		}
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("Close of a consumption of a closed store: %w", err)
	}
	again, err := stage.Again(ctx)
	if err != nil {
		return err
	}
	return takes(ctx, again, batch)
}

func consumeReadOnly(ctx context.Context, stage *Stage, _ *store.Store, batch []osprofiler.Notification) error {
	reading, err := stage.openReadOnly(ctx)
	if err != nil {
		return err
	}
	if _, err := reading.Consume(ctx); !errors.Is(err, errors.ErrUnsupported) || reading.Capabilities().Consume {
		return fmt.Errorf("Consume of a read-only store returned the error %w, want %w", err, errors.ErrUnsupported)
	}
	got, err := collect(reading.Peek(ctx))
	return errors.Join(err, sameSet(got, batch))
}
