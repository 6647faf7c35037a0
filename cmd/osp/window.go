package main

import (
	"hash/maphash"
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A window holds the notifications that are copied next, each once.
type window struct {
	notifications []osprofiler.Notification
	sizes         []int // in bytes of JSON; -1 once the target is known to have it
	bytes         int
	lacking       int              // how many the target is not known to have
	byValue       map[uint64][]int // indices, by a hash of the JSON value
	baseIDs       []string         // in order of first appearance
	seenBaseID    map[string]bool
}

var seed = maphash.MakeSeed()

func newWindow() *window {
	return &window{byValue: map[uint64][]int{}, seenBaseID: map[string]bool{}}
}

// full tells whether there is no room for so many bytes more.
func (w *window) full(size int) bool {
	return len(w.notifications) == windowCount || w.bytes > 0 && w.bytes+size > windowBytes
}

// add adds a notification of so many bytes, unless its like is there already.
func (w *window) add(n osprofiler.Notification, hash uint64, size int) (added bool) {
	if w.find(n, hash) >= 0 {
		return false
	}
	w.byValue[hash] = append(w.byValue[hash], len(w.notifications))
	w.notifications = append(w.notifications, n)
	w.sizes = append(w.sizes, size)
	w.bytes += size
	w.lacking++
	if !w.seenBaseID[n.BaseID] {
		w.seenBaseID[n.BaseID] = true
		w.baseIDs = append(w.baseIDs, n.BaseID)
	}
	return true
}

func (w *window) find(n osprofiler.Notification, hash uint64) int {
	for _, i := range w.byValue[hash] {
		if w.notifications[i].Equal(n) {
			return i
		}
	}
	return -1
}

// present notes that the target has this one.
func (w *window) present(n osprofiler.Notification) {
	if !w.seenBaseID[n.BaseID] {
		return
	}
	if i := w.find(n, hashOf(n)); i >= 0 && w.sizes[i] >= 0 {
		w.sizes[i] = -1
		w.lacking--
	}
}

func hashOf(n osprofiler.Notification) uint64 { return pyjson.Hash(seed, n.JSON()) }

// batches yields what the target lacks, in the source's order, in batches of
// bounded size. A batch may be used until the next one is asked for.
func (w *window) batches() iter.Seq[[]osprofiler.Notification] {
	return func(yield func([]osprofiler.Notification) bool) {
		batch, bytes := make([]osprofiler.Notification, 0, min(w.lacking, batchCount)), 0
		for i, n := range w.notifications {
			size := w.sizes[i]
			if size < 0 {
				continue
			}
			if len(batch) == batchCount || bytes > 0 && bytes+size > batchBytes {
				if !yield(batch) {
					return
				}
				batch, bytes = batch[:0], 0
			}
			batch, bytes = append(batch, n), bytes+size
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}
