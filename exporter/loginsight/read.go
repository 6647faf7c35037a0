package loginsight

import (
	"context"
	"errors"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/paging"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Notifications implements driver.Reader. The server gives the newest events first,
// and Python's driver reads them in this order. The order of events that arrived in
// one millisecond is the server's.
func (d *database) Notifications(ctx context.Context, baseID string) iter.Seq2[osprofiler.Notification, error] {
	return func(yield func(osprofiler.Notification, error) bool) {
		r := reading{database: d, baseID: baseID, constraints: ofTrace(baseID), restores: func(f *found) bool {
			return f.original.isCut || driver.Text(f.BaseID) == baseID
		}}
		for f, err := range r.all(ctx) {
			if err == nil && driver.Text(f.BaseID) != baseID {
				continue
			}
			if !yield(f.Notification, err) {
				return
			}
		}
	}
}

// A reading reads the notifications of the events that match the constraints.
type reading struct {
	*database
	constraints []Constraint
	// baseID is the id of the trace that is read, if it is one.
	baseID string
	// restores reports whether the original of a notification in the short form is
	// to be read.
	restores func(*found) bool

	waiting   []found // for originals; those behind the first one wait with it
	originals int     // among them
	bytes     int     // of the originals
}

// The originals that are read at once. Each adds its digest to a URL.
const (
	mostOriginals     = 16
	mostOriginalBytes = 16 << 20
)

// all yields the notifications, the newest first. A notification that is not restored
// has the member osp_original.
func (r *reading) all(ctx context.Context) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		pages := func(ctx context.Context) iter.Seq2[[]Event, error] { return r.client.pages(ctx, r.constraints) }
		for page, err := range paging.Ahead(ctx, pages) {
			for i := range page {
				if !r.event(ctx, &page[i], yield) {
					return
				}
			}
			if !r.restore(ctx, yield) {
				return
			}
			if err != nil {
				yield(found{}, r.lost(err))
				return
			}
		}
	}
}

// lost returns the error for events that no query can select as a *store.DamageError,
// because everything else was read. Other errors stay as they are.
func (r *reading) lost(err error) error {
	if !errors.Is(err, errSlice) {
		return err
	}
	damage := &store.DamageError{Entry: "events of Log Insight", Reason: err}
	if isFindable(r.baseID) {
		damage.InTrace, damage.BaseID = true, r.baseID
	}
	return damage
}

// event yields the notification of an event, or keeps it until its original is read.
func (r *reading) event(ctx context.Context, e *Event, yield func(found, error) bool) bool {
	f, ok, err := decode(e, r.baseID)
	switch {
	case err != nil:
		return r.restore(ctx, yield) && yield(f, err)
	case !ok:
		return true
	}
	f.at = e.Timestamp
	isWaiting := f.original != nil && r.restores(&f)
	if !isWaiting && len(r.waiting) == 0 {
		return yield(f, nil)
	}
	f.isWaiting = isWaiting
	r.waiting = append(r.waiting, f)
	if isWaiting {
		r.originals++
		r.bytes += f.original.bytes
	}
	if r.originals < mostOriginals && r.bytes < mostOriginalBytes {
		return true
	}
	return r.restore(ctx, yield)
}

// restore yields the notifications that wait for their originals.
func (r *reading) restore(ctx context.Context, yield func(found, error) bool) bool {
	waiting := r.waiting
	r.waiting, r.originals, r.bytes = nil, 0, 0
	restored, err := r.fetch(ctx, waiting)
	if err != nil {
		yield(found{}, err)
		return false
	}
	for _, f := range waiting {
		var err error
		if f.isWaiting {
			id := driver.Text(f.BaseID)
			if f.Notification, err = restored[f.original.digest].notification(); err != nil {
				err = damage(id, r.baseID, err)
			}
			f.original = nil
		}
		if !yield(f, err) {
			return false
		}
	}
	return true
}

// fetch reads the parts of the originals that are waited for.
func (d *database) fetch(ctx context.Context, waiting []found) (collection, error) {
	all := collection{}
	var digests []Constraint
	for _, f := range waiting {
		if f.isWaiting && all[f.original.digest] == nil {
			all[f.original.digest] = &parts{original: *f.original}
			digests = append(digests, Contains(partField, f.original.digest))
		}
	}
	if len(digests) == 0 {
		return all, nil
	}
	for e, err := range d.client.Events(ctx, digests...) {
		if errors.Is(err, errSlice) {
			break // the parts that are missing are reported with their notification
		}
		if err != nil {
			return nil, err
		}
		all.add(&e)
	}
	return all, nil
}

// whole restores one notification.
func (d *database) whole(ctx context.Context, n osprofiler.Notification, o *original) (osprofiler.Notification, error) {
	if o == nil {
		return n, nil
	}
	restored, err := d.fetch(ctx, []found{{Notification: n, original: o, isWaiting: true}})
	if err != nil {
		return n, err
	}
	whole, err := restored[o.digest].notification()
	if err != nil {
		return n, damage(driver.Text(n.BaseID), "", err)
	}
	return whole, nil
}
