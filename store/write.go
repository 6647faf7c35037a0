package store

import (
	"context"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Write stores the batch. It returns nil when all of it is stored, as durably as the back end
// documents. After an error, a part of the batch may be stored. The same batch may be written
// again, and is still read back once.
//
// A [*WriteError] in the chain of an error says which part is missing, which notifications are
// permanently refused, and whether a retry may succeed ([Retry] retries). A notification that
// the place refuses does not stop the others from being stored. Write does not keep the slice,
// which the caller may reuse. The driver may keep copies of the notifications.
//
// A batch with an invalid Info ([osprofiler.Notification.Validate]) is refused
// as a whole, before anything is written.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	w, err := s.writerFor(batch)
	if err != nil {
		return err
	}
	return s.write(ctx, w, batch)
}

// write writes a batch that was checked.
func (s *Store) write(ctx context.Context, w driver.Writer, batch []osprofiler.Notification) error {
	return s.call(ctx, func(ctx context.Context) error {
		if len(batch) == 0 {
			return nil
		}
		return w.Write(ctx, batch)
	})
}

// writerFor returns the driver that can write the batch. It checks the batch here, so that a
// batch that is written several times is checked once.
func (s *Store) writerFor(batch []osprofiler.Notification) (driver.Writer, error) {
	if s.calls.Closed() {
		return nil, ErrClosed
	}
	for i := range batch {
		if err := batch[i].Validate(); err != nil {
			return nil, err
		}
	}
	w, ok := driver.As[driver.Writer](s.driver)
	switch {
	case len(batch) == 0:
	case s.readOnly:
		return nil, s.unsupported("cannot write to %s, which was opened for reading only")
	case !ok:
		return nil, s.unsupported("cannot write to %s")
	}
	return w, nil
}
