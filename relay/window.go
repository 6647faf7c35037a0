package relay

import (
	"iter"

	"github.com/osprofiler-otel/osprofiler"
)

// The limits of a window and of a batch, by count and by bytes of JSON. A window
// is complete, and a batch ends, with whichever is reached first.
const (
	windowCount, windowBytes = 50_000, 32 << 20
	batchCount, batchBytes   = 1_000, 4 << 20
)

// A window holds the notifications that are copied next, equal ones once.
type window struct {
	notifications []osprofiler.Notification
	keys          []key
	sizes         []int // in bytes of JSON
	bytes         int
	byKey         map[key]int // index into notifications
	baseIDs       []string    // in order of first appearance
	traces        map[string]struct{}
}

func newWindow() *window {
	return &window{byKey: map[key]int{}, traces: map[string]struct{}{}}
}

// add adds a notification. It returns false if an equal one is there already.
func (w *window) add(n osprofiler.Notification) bool {
	json := n.JSON()
	k := keyOf(json)
	if _, there := w.byKey[k]; there {
		return false
	}
	w.byKey[k] = len(w.notifications)
	w.notifications = append(w.notifications, n)
	w.keys = append(w.keys, k)
	w.sizes = append(w.sizes, len(json))
	w.bytes += len(json)
	if _, there := w.traces[n.BaseID]; !there {
		w.traces[n.BaseID] = struct{}{}
		w.baseIDs = append(w.baseIDs, n.BaseID)
	}
	return true
}

// isFull reports whether the window is to be copied before more is added.
func (w *window) isFull() bool {
	return len(w.notifications) >= windowCount || w.bytes >= windowBytes
}

// A batch is a part of a window.
type batch struct {
	notifications []osprofiler.Notification
	keys          []key
	bytes         int
}

func (b *batch) reset() { *b = batch{notifications: b.notifications[:0], keys: b.keys[:0]} }

// lacking yields the notifications that the target does not have, in their order,
// in batches of bounded size. A notification that is larger than the limit is in a
// batch of its own. A batch is valid until the next one is asked for.
func (w *window) lacking(has []bool) iter.Seq[*batch] {
	return func(yield func(*batch) bool) {
		b := &batch{}
		for i, n := range w.notifications {
			if has[i] {
				continue
			}
			if len(b.keys) == batchCount || b.bytes > 0 && b.bytes+w.sizes[i] > batchBytes {
				if !yield(b) {
					return
				}
				b.reset()
			}
			b.notifications, b.keys, b.bytes = append(b.notifications, n), append(b.keys, w.keys[i]), b.bytes+w.sizes[i]
		}
		if len(b.keys) > 0 {
			yield(b)
		}
	}
}
