package relay

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A delivery is a part of a source, or of what the filter has held, on its way to the
// targets. Nobody changes its notifications while targets write them.
type delivery struct {
	notifications []osprofiler.Notification
	positions     []Position // of the notifications; nil if the source does not need them
	bytes         int
	repeated      bool // some may have come before, so that stores are asked
	window        *window
	first         []int // the index into notifications of each element of window

	position Position // behind all of it
	readAt   time.Time
	count    int // notifications that the source gave for it
	newest   string
	letters  []letter
	disposed []Position // of the letters

	claims  []*delivery // whose notifications the filter has put into this one
	entries []uint64    // of the filter's journal that have their notifications in this one

	left     atomic.Int32 // owners that still hold something of it
	finished func()       // is called when no owner is left; nil for none
	writing  sync.WaitGroup
	mu       sync.Mutex
	failure  error
	refusals []refusal
	marked   map[*exporterTarget][]uint64 // entries to be removed when the delivery is acknowledged
}

// A refusal says that a target refuses a notification for good. If the target does not
// say which ones it refuses, count is their number, and there is no notification.
type refusal struct {
	count        int
	index        int // into the notifications; -1 if it came earlier
	notification osprofiler.Notification
	target       string
	reason       error
}

func newDelivery() *delivery { return &delivery{} }

func (d *delivery) add(n osprofiler.Notification) {
	d.notifications = append(d.notifications, n)
	d.bytes += n.Size()
}

// notifications returns how many notifications are refused.
func (r *refusal) notifications() int64 { return int64(max(r.count, 1)) }

// isEmpty reports whether the source gave nothing.
func (d *delivery) isEmpty() bool { return d.count == 0 && len(d.letters) == 0 }

// release says that one owner holds nothing of the delivery any longer.
func (d *delivery) release() {
	if d.left.Add(-1) > 0 {
		return
	}
	for _, c := range d.claims {
		c.release()
	}
	if d.finished != nil {
		d.finished()
	}
}

// isFinished reports whether every target has the delivery for good.
func (d *delivery) isFinished() bool { return d.left.Load() <= 0 }

// fail notes why a target did not take the delivery.
func (d *delivery) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failure == nil {
		d.failure = err
	}
}

func (d *delivery) refuse(r refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusals = append(d.refusals, r)
}

// noteMarked notes which entries of a sink's journal are removed later.
func (d *delivery) noteMarked(t *exporterTarget, ids []uint64) {
	if len(ids) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.marked == nil {
		d.marked = map[*exporterTarget][]uint64{}
	}
	d.marked[t] = append(d.marked[t], ids...)
}

// forget removes from the journals what was kept until the source has heard of the
// delivery.
func (d *delivery) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for t, ids := range d.marked {
		t.forget(ids)
	}
	d.marked = nil
}

// prepare makes the window by which the delivery is compared with stores.
func (d *delivery) prepare() {
	d.window = newWindow(windowLimits{})
	d.first = d.first[:0]
	for i, n := range d.notifications {
		if d.window.add(n) {
			d.first = append(d.first, i)
		}
	}
}

// hand gives the delivery to all targets, and returns when they have taken it.
func (f *Follower) hand(d *delivery) error {
	if len(d.notifications) == 0 {
		return nil
	}
	if d.repeated {
		for _, w := range f.workers {
			if _, ok := w.target.(comparer); ok && d.window == nil {
				d.prepare()
			}
		}
	}
	d.writing.Add(len(f.workers))
	d.left.Add(int32(len(f.workers)))
	for _, w := range f.workers {
		w.jobs <- d
	}
	d.writing.Wait()
	d.window = nil
	return d.failure
}
