package store

import (
	"context"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A Deletion is the outcome of the deletion of one trace.
type Deletion = driver.Deletion

// DeleteTraces removes all notifications of many traces. With most drivers it takes much less
// time than a Delete for each. The result has one Deletion for each id, in the order of the
// ids. A trace that does not exist, or whose id occurs earlier in the list, has 0
// notifications. A trace that the driver refuses to delete has an Err, and the others are
// deleted.
//
// An error means that DeleteTraces ended early. The result then still counts the notifications
// that are known to be deleted. A call with the same ids deletes the rest, as
// [Retry.DeleteTraces] does. The memory that a call needs grows with the number of ids, so the
// caller should divide a long list.
func (s *Store) DeleteTraces(ctx context.Context, baseIDs []string) ([]Deletion, error) {
	all := make([]Deletion, len(baseIDs))
	unique, at := distinct(baseIDs)
	err := s.call(ctx, func(ctx context.Context) error {
		d, err := s.deleter()
		if err != nil || len(unique) == 0 {
			return err
		}
		deletions, err := deleteAll(ctx, d, unique)
		if len(deletions) > len(unique) || err == nil && len(deletions) < len(unique) {
			return fmt.Errorf("the driver of %s returned %d results for %d traces to delete", s.Name(), len(deletions), len(unique))
		}
		for i, deletion := range deletions {
			all[at[i]] = deletion
		}
		return err
	})
	return all, err
}

// deleter returns the driver that deletes, or an error that says why the Store cannot delete.
func (s *Store) deleter() (driver.Deleter, error) {
	d, ok := driver.As[driver.Deleter](s.driver)
	switch {
	case !ok:
		return nil, s.unsupported("cannot delete from %s")
	case s.readOnly:
		return nil, s.unsupported("cannot delete from %s, which was opened for reading only")
	}
	return d, nil
}

// distinct returns the Text of each id once, and the index of each in baseIDs.
func distinct(baseIDs []string) (unique []string, at []int) {
	seen := make(map[string]bool, len(baseIDs))
	for i, id := range baseIDs {
		if id = driver.Text(id); !seen[id] {
			seen[id] = true
			unique, at = append(unique, id), append(at, i)
		}
	}
	return unique, at
}

// deleteAll deletes in one call if the driver can, and otherwise one by one.
func deleteAll(ctx context.Context, d driver.Deleter, baseIDs []string) (deletions []Deletion, err error) {
	if bulk, ok := d.(driver.BulkDeleter); ok {
		return bulk.DeleteTraces(ctx, baseIDs)
	}
	for _, id := range baseIDs {
		if err := contextError(ctx); err != nil {
			return deletions, err
		}
		n, err := d.Delete(ctx, id)
		if err != nil && Ends(err) {
			return append(deletions, Deletion{Notifications: n}), err
		}
		deletions = append(deletions, Deletion{Notifications: n, Err: err})
	}
	return deletions, nil
}

// DeleteTraces deletes traces like [Store.DeleteTraces] and repeats transient failures. The
// result has the sums over all tries.
func (r Retry) DeleteTraces(ctx context.Context, s *Store, baseIDs []string) ([]Deletion, error) {
	sums := make([]Deletion, len(baseIDs))
	err := r.Do(ctx, func() error {
		deletions, err := s.DeleteTraces(ctx, baseIDs)
		for i, deletion := range deletions {
			sums[i].Notifications += deletion.Notifications
			if err == nil || deletion.Err != nil { // a try that ended early may not have reached the trace
				sums[i].Err = deletion.Err
			}
		}
		return err
	})
	return sums, err
}
