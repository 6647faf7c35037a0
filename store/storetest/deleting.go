package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// manyTraces is more than the drivers delete in one request.
const manyTraces = 1100

// deletesMany deletes traces of different lengths, and keeps one with nearly the same id. Some
// ids do not exist, one occurs twice, and one is too long for the column of SQL databases.
func deletesMany(ctx context.Context, stage *Stage) error {
	stays, long := events(5), events(3)
	var all []osprofiler.Notification
	var ids []string
	var counts []int
	for i := range manyTraces {
		trace := events(1 + i%3)
		all, ids, counts = append(all, trace...), append(ids, baseID(trace)), append(counts, len(trace))
		if i%100 == 0 {
			ids, counts = append(ids, osprofiler.NewID()), append(counts, 0)
		}
	}
	rename(stays, ids[0]+"x")
	rename(long, strings.Repeat("ü", 300))
	ids, counts = append(ids, baseID(long), ids[0], "", "*", "%"), append(counts, len(long), 0, 0, 0, 0)
	s, err := stage.With(ctx, slices.Concat(all, stays, long)...)
	if err != nil {
		return err
	}
	if err := deletesAs(ctx, s, ids, counts); err != nil {
		return err
	}
	if err := errors.Join(holds(ctx, s, stays), lists(ctx, s, store.Query{}, traceOf(stays[0]))); err != nil {
		return fmt.Errorf("after deleting others: %w", err)
	}
	return deletesAs(ctx, s, ids, make([]int, len(ids)))
}

func rename(trace []osprofiler.Notification, id string) {
	for i := range trace {
		trace[i].BaseID = id
	}
}

// deletesAs deletes traces, and compares the counts.
func deletesAs(ctx context.Context, s *store.Store, ids []string, counts []int) error {
	deletions, err := s.DeleteTraces(ctx, ids)
	if err != nil {
		return fmt.Errorf("deleting %d traces: %w", len(ids), err)
	}
	if len(deletions) != len(ids) {
		return fmt.Errorf("deleting %d traces returned %d results", len(ids), len(deletions))
	}
	for i, d := range deletions {
		if d.Notifications != counts[i] || d.Err != nil {
			return fmt.Errorf("deleting the trace %s among %d: got %d notifications and the error %w, want %d", abbreviate(ids[i]), len(ids), d.Notifications, d.Err, counts[i])
		}
	}
	return nil
}

func deletesManyCancelled(ctx context.Context, stage *Stage) error {
	first, second := events(3), events(4)
	s, err := stage.With(ctx, slices.Concat(first, second)...)
	if err != nil {
		return err
	}
	d, ok := driver.As[driver.BulkDeleter](s.Driver())
	if !ok {
		return nil // the Store deletes one by one
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	ids := []string{baseID(first), baseID(second)}
	if deletions, err := d.DeleteTraces(done, ids); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("with a done context DeleteTraces returned %v and the error %w, want %w", deletions, err, context.Canceled)
	}
	if err := errors.Join(holds(ctx, s, first), holds(ctx, s, second)); err != nil {
		return fmt.Errorf("after a deletion with a done context: %w", err)
	}
	return deletesAs(ctx, s, ids, []int{len(first), len(second)})
}

// A deleteCounter is a wrapper that implements only Delete.
type deleteCounter struct {
	driver.Driver

	deleted []string
}

func (d *deleteCounter) Unwrap() driver.Driver { return d.Driver }

func (d *deleteCounter) Delete(ctx context.Context, baseID string) (int, error) {
	d.deleted = append(d.deleted, baseID)
	inner, ok := driver.As[driver.Deleter](d.Driver)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return inner.Delete(ctx, baseID)
}

func deletesManyWrapped(ctx context.Context, stage *Stage) error {
	first, second := events(3), events(4)
	s, err := stage.With(ctx, slices.Concat(first, second)...)
	if err != nil {
		return err
	}
	ids, counts := []string{baseID(first), osprofiler.NewID(), baseID(second)}, []int{3, 0, 4}
	counter := &deleteCounter{}
	around := s.Wrap(func(inner driver.Driver) driver.Driver {
		counter.Driver = inner
		return counter
	})
	if err := deletesAs(ctx, around, ids, counts); err != nil {
		return err
	}
	if !slices.Equal(counter.deleted, ids) {
		return fmt.Errorf("the wrapper saw the deletion of %q, want %q", counter.deleted, ids)
	}
	return nil
}
