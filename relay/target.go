package relay

import (
	"context"
	"errors"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Target takes the notifications that are copied. Its methods are not called
// from several goroutines at once.
type Target interface {
	// Name names the target in errors. It shows no password.
	Name() string

	// Write stores the batch. It returns nil when the target has all of it. The target itself
	// may retry failures for a transient reason; [Follow] retries them in any case. The same
	// batch may be written again. A [*store.WriteError] names the refused notifications.
	// Write must not keep any part of the batch after it has returned.
	Write(ctx context.Context, batch []osprofiler.Notification) error

	// Close releases the resources of the target.
	Close() error
}

// A comparer is a Target that knows which notifications it has, so that they are
// not written again.
type comparer interface {
	Target
	// compare sets has[i] for each notification i of the window that the target has. It calls
	// warning for entries of the target that cannot be read.
	compare(ctx context.Context, w *window, has []bool, warning func(error)) error
	// begin tells the target that a Copy begins, because other programs may have written to
	// the target since the previous one.
	begin()
	// stored tells the target that notifications with these keys were written.
	stored(keys []key) error
}

// ToStore returns the target that writes to a store the notifications that the store lacks. A
// store that cannot be read gets all of them. The caller closes the store, after the target.
func ToStore(s *store.Store, opts ...StoreOption) Target {
	return &storeTarget{store: s, storeConfig: newStoreConfig(opts), can: s.Capabilities()}
}

type storeTarget struct {
	storeConfig

	store *store.Store
	can   store.Capabilities
	index index
	cost  lookupCost
}

// Name implements Target.
func (t *storeTarget) Name() string { return t.store.Name() }

// Write implements Target.
func (t *storeTarget) Write(ctx context.Context, batch []osprofiler.Notification) error {
	return t.retry.Write(ctx, t.store, batch)
}

// Close implements Target.
func (t *storeTarget) Close() error {
	err := t.index.keys.close()
	if t.index.feed != nil {
		err = errors.Join(err, t.index.feed.Close())
	}
	return err
}
