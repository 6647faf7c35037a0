package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// collect reads a sequence to its end. Any error fails.
func collect[T any](sequence iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range sequence {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// read returns the notifications of one trace.
func read(ctx context.Context, s store.Store, id string) ([]osprofiler.Notification, error) {
	got, err := collect(s.Notifications(ctx, id))
	if err != nil {
		return got, fmt.Errorf("reading the trace %s: %w", abbreviate(fmt.Sprintf("%q", id)), err)
	}
	return got, nil
}

// holds checks that the store has exactly these notifications of their trace.
func holds(ctx context.Context, s store.Store, want []osprofiler.Notification) error {
	got, err := read(ctx, s, baseID(want))
	if err != nil {
		return err
	}
	return sameSet(got, want)
}

// roundTrip writes a trace and checks that it comes back, and in the changes too.
func roundTrip(ctx context.Context, stage *Stage, batch []osprofiler.Notification, err error) error {
	if err != nil {
		return err
	}
	s, err := stage.With(ctx, batch...)
	if err != nil {
		return err
	}
	if err := holds(ctx, s, batch); err != nil {
		return err
	}
	changer, ok := s.(store.Changer)
	if !ok {
		return nil
	}
	all, err := collect(changer.Changes(ctx, ""))
	if err != nil {
		return fmt.Errorf("changes: %w", err)
	}
	if err := comprise(all, batch); err != nil {
		return fmt.Errorf("changes: %w", err)
	}
	return nil
}

// comprise checks that each of want is among the changes.
func comprise(got []store.Change, want []osprofiler.Notification) error {
	var missing []osprofiler.Notification
	for _, n := range want {
		if !slices.ContainsFunc(got, func(c store.Change) bool { return c.Equal(n) }) {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d notifications did not come:%s", len(missing), len(want), texts(missing))
	}
	return nil
}

// isOne checks that a sequence is one error that is the target, and nothing else.
func isOne[T any](sequence iter.Seq2[T, error], target error) error {
	count := 0
	for v, err := range sequence {
		count++
		if !errors.Is(err, target) {
			return fmt.Errorf("got %v and the error %v, want the error %q", v, err, target)
		}
	}
	if count != 1 {
		return fmt.Errorf("the error %q came %d times, want once", target, count)
	}
	return nil
}

// missing checks that the store has no such trace.
func missing(ctx context.Context, s store.Store, id string) error {
	if err := isOne(s.Notifications(ctx, id), store.ErrNotFound); err != nil {
		return fmt.Errorf("reading the trace %q, which does not exist: %w", id, err)
	}
	return nil
}

// sameTraces compares a listing with what is wanted, in order or in any.
func sameTraces(got, want []store.Trace, ordered bool) error {
	if !ordered {
		got, want = slices.Clone(got), slices.Clone(want)
		for _, list := range [][]store.Trace{got, want} {
			slices.SortFunc(list, func(a, b store.Trace) int {
				return slices.Compare([]string{a.BaseID, a.Timestamp}, []string{b.BaseID, b.Timestamp})
			})
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("got the traces\n  %s\nwant\n  %s", abbreviate(fmt.Sprintf("%+v", got)), abbreviate(fmt.Sprintf("%+v", want)))
	}
	return nil
}

// lister is Store.Traces or ErrorTracer.ErrorTraces.
type lister func(context.Context, store.Query) iter.Seq2[store.Trace, error]

// lists checks what a query lists; with a limit, in order.
func lists(ctx context.Context, list lister, q store.Query, want ...store.Trace) error {
	got, err := collect(list(ctx, q))
	if err == nil {
		err = sameTraces(got, want, q.Limit > 0)
	}
	if err != nil {
		return fmt.Errorf("listing %+v: %w", q, err)
	}
	return nil
}

func asErrorTracer(s store.Store) (store.ErrorTracer, error) {
	if e, ok := s.(store.ErrorTracer); ok {
		return e, nil
	}
	return nil, errors.New("the store is no store.ErrorTracer; where that cannot be, opt out of this rule")
}

func asChanger(s store.Store) (store.Changer, error) {
	if c, ok := s.(store.Changer); ok {
		return c, nil
	}
	return nil, errors.New("the store is no store.Changer; where that cannot be, opt out of this rule")
}
