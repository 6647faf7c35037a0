package relay

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A delivery is a part of a source, or of the traces that the filter has held, on its way to
// the targets. Nobody changes its notifications while targets write them.
type delivery struct {
	notifications []osprofiler.Notification
	positions     []Position // of the notifications; nil if the source does not need them
	bytes         int
	repeated      bool // some may have been delivered before, so stores are compared
	window        *window
	first         []int // the index into notifications of each element of window

	position Position // behind all notifications of the delivery
	readAt   time.Time
	count    int // notifications that the source yielded for it
	newest   string
	letters  []letter
	disposed []Position // of the letters

	claims  []*delivery // deliveries whose notifications the filter has put into this one
	entries []uint64    // entries of the filter's journal whose notifications are in this one

	left     atomic.Int32 // owners that still hold some of it
	finished func()       // called when no owner is left; may be nil
	writing  sync.WaitGroup
	mu       sync.Mutex
	failure  error
	refusals []refusal
	marked   map[*exporterTarget][]uint64 // entries to be removed when the delivery is acknowledged
}

// A refusal records that a target refuses a notification permanently. If the target does not
// say which ones it refuses, count is their number, and there is no notification.
type refusal struct {
	count        int
	index        int // into the notifications; -1 for one of an earlier delivery
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

// isEmpty reports whether the source has yielded nothing.
func (d *delivery) isEmpty() bool { return d.count == 0 && len(d.letters) == 0 }

// release is called when an owner no longer holds any part of the delivery.
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

// isFinished reports whether every target has the delivery durably.
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

// noteMarked notes the entries of a sink's journal that are removed later.
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

// forget removes from the journals the entries that were kept until the delivery was
// acknowledged.
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

// hand gives the delivery to all targets, and returns when all of them have taken it.
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
