package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// collect reads a sequence to its end. Any error is returned.
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
func read(ctx context.Context, s *store.Store, id string) ([]osprofiler.Notification, error) {
	got, err := collect(s.Notifications(ctx, id))
	if err != nil {
		return got, fmt.Errorf("reading the trace %s: %w", abbreviate(fmt.Sprintf("%q", id)), err)
	}
	return got, nil
}

// holds checks that the store has exactly these notifications of their trace.
func holds(ctx context.Context, s *store.Store, want []osprofiler.Notification) error {
	got, err := read(ctx, s, baseID(want))
	if err != nil {
		return err
	}
	return sameSet(got, want)
}

// roundTrip writes a trace and checks that it is read back, and that a feed
// yields it too.
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
	if !s.Capabilities().Feed {
		return nil
	}
	all, _, err := follow(ctx, s, "")
	if err != nil {
		return err
	}
	if err := comprise(all, batch); err != nil {
		return fmt.Errorf("following: %w", err)
	}
	return nil
}

// comprise checks that each wanted notification is among those that came.
func comprise(got, want []osprofiler.Notification) error {
	came := newPool(got)
	var missing []osprofiler.Notification
	for _, n := range want {
		if !came.has(n) {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d of %d notifications did not come:%s", len(missing), len(want), texts(missing))
	}
	return nil
}

// isOne checks that a sequence yields exactly one element, which is the target error.
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

// missing checks that the store does not have the trace.
func missing(ctx context.Context, s *store.Store, id string) error {
	if err := isOne(s.Notifications(ctx, id), store.ErrNotFound); err != nil {
		return fmt.Errorf("reading the trace %q, which does not exist: %w", id, err)
	}
	return nil
}

// An entry is the part of a Summary that the rules compare by default: the base id, and the
// time by which the query selects.
type entry struct{ baseID, timestamp string }

// sameEntries compares a listing with the wanted entries, in order or in any order.
func sameEntries(got, want []entry, ordered bool) error {
	if !ordered {
		got, want = slices.Clone(got), slices.Clone(want)
		for _, list := range [][]entry{got, want} {
			slices.SortFunc(list, func(a, b entry) int {
				return cmp.Or(cmp.Compare(a.baseID, b.baseID), cmp.Compare(a.timestamp, b.timestamp))
			})
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("got the traces\n  %s\nwant\n  %s", abbreviate(fmt.Sprintf("%+v", got)), abbreviate(fmt.Sprintf("%+v", want)))
	}
	return nil
}

// lists checks the entries that a query lists. With a limit, it checks their order.
func lists(ctx context.Context, s *store.Store, q store.Query, want ...entry) error {
	summaries, err := collect(s.Traces(ctx, q))
	if err == nil {
		got := make([]entry, len(summaries))
		for i, t := range summaries {
			got[i] = entry{t.BaseID, t.Timestamp}
			if q.ByFailure() {
				got[i].timestamp = t.FirstFailure
			}
		}
		err = sameEntries(got, want, q.Limit > 0)
	}
	if err != nil {
		return fmt.Errorf("listing %+v: %w", q, err)
	}
	return nil
}

// follow polls a new feed once. It returns the notifications, and the cursor after them.
func follow(ctx context.Context, s *store.Store, from store.Cursor) (all []osprofiler.Notification, cursor store.Cursor, err error) {
	feed, err := s.Feed(ctx, from)
	if err != nil {
		return nil, "", fmt.Errorf("following from the cursor %q: %w", from, err)
	}
	all, err = collect(feed.Poll(ctx))
	if err != nil {
		return nil, "", fmt.Errorf("following from the cursor %q: %w", from, err)
	}
	cursor = feed.Cursor()
	if err := feed.Close(); err != nil {
		return nil, "", fmt.Errorf("closing a feed: %w", err)
	}
	return all, cursor, nil
}
