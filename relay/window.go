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

// sinkLimits bound a window that only goes to exporters. Such a window is not compared with
// anything, so a larger one saves nothing.
var sinkLimits = windowLimits{count: 4 * batchCount, bytes: batchBytes}

// windowLimits bound a window.
type windowLimits struct{ count, bytes int }

// A positioned is the position of a notification.
type positioned struct {
	key      key
	position Position
}

// A window holds the notifications that are copied next, without duplicates.
type window struct {
	windowLimits

	// withoutKeys is true if only exporters get the window. Then the window has no keys and
	// no base ids, and it contains duplicates: the exporters' Notifiers drop them.
	withoutKeys bool

	notifications []osprofiler.Notification
	added         int // duplicates included
	// positions are filled if the source can keep what a target refuses. A notification
	// that was delivered again, after a lost connection, has several.
	positions []positioned
	keys      []key
	sizes     []int       // in bytes of JSON
	size      int         // sum of the sizes
	byKey     map[key]int // index into notifications
	baseIDs   []string    // in order of first appearance
	traces    map[string]struct{}
}

func newWindow(limits windowLimits) *window {
	return &window{windowLimits: limits, byKey: map[key]int{}, traces: map[string]struct{}{}}
}

// add adds a notification. It returns false if an equal one is there already.
func (w *window) add(n osprofiler.Notification) bool {
	_, isNew := w.addKey(n)
	return isNew
}

// addKey is add, and also returns the key.
func (w *window) addKey(n osprofiler.Notification) (k key, isNew bool) {
	json := n.JSON()
	w.added++
	if w.withoutKeys {
		w.append(n, k, len(json))
		return k, true
	}
	k = keyOf(json)
	if _, there := w.byKey[k]; there {
		return k, false
	}
	w.byKey[k] = len(w.notifications)
	w.append(n, k, len(json))
	if _, there := w.traces[n.BaseID]; !there {
		w.traces[n.BaseID] = struct{}{}
		w.baseIDs = append(w.baseIDs, n.BaseID)
	}
	return k, true
}

func (w *window) append(n osprofiler.Notification, k key, size int) {
	w.notifications = append(w.notifications, n)
	w.keys = append(w.keys, k)
	w.sizes = append(w.sizes, size)
	w.size += size
}

// reset empties the window, and keeps its memory.
func (w *window) reset() {
	clear(w.notifications)
	clear(w.positions)
	clear(w.baseIDs)
	clear(w.byKey)
	clear(w.traces)
	*w = window{
		windowLimits: w.windowLimits, withoutKeys: w.withoutKeys, byKey: w.byKey, traces: w.traces,
		notifications: w.notifications[:0], positions: w.positions[:0], keys: w.keys[:0], sizes: w.sizes[:0], baseIDs: w.baseIDs[:0],
	}
}

// isFull reports whether the window is to be copied before more is added.
func (w *window) isFull() bool {
	return len(w.notifications) >= w.count || w.size >= w.bytes
}

// A batch is a part of a window.
type batch struct {
	notifications []osprofiler.Notification
	keys          []key
	bytes         int
}

func (b *batch) reset() { *b = batch{notifications: b.notifications[:0], keys: b.keys[:0]} }

// lacking yields the notifications that the target does not have, in their order, in batches
// of bounded size. A notification that is larger than the limit is in a batch of its own. A
// batch is valid until the next one is requested.
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
