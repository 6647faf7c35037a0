package driver

import (
	"hash/maphash"

	"github.com/osprofiler-otel/osprofiler"
)

// Operations counts the different operations among notifications, and the failed ones among
// them. It keeps eight bytes for each operation, in a table of hashes. The zero Operations is
// empty.
//
// As in a report, an operation is the set of all notifications with the same trace id.
// Notifications without a trace id belong to one operation if the operation's name and the
// parent id are the same.
type Operations struct {
	table         []uint64 // open addressing; 0 is free. The lowest bit is set if the operation failed.
	count, failed int
}

var operationSeed = maphash.MakeSeed()

// Add adds a notification. The caller decides whether it failed.
func (o *Operations) Add(n *osprofiler.Notification, failed bool) {
	hash := maphash.String(operationSeed, n.TraceID)
	if n.TraceID == "" {
		hash = 31*maphash.String(operationSeed, n.Operation()) + maphash.String(operationSeed, n.ParentID)
	}
	if hash &^= 1; hash == 0 {
		hash = 2
	}
	slot := o.slot(hash)
	if slot == nil || *slot == 0 {
		slot = o.insert(hash)
	}
	if failed && *slot&1 == 0 {
		o.failed++
		*slot |= 1
	}
}

// Count returns the number of operations, and the number of failed ones.
func (o *Operations) Count() (operations, failed int) { return o.count, o.failed }

// Reset removes all operations.
func (o *Operations) Reset() {
	if len(o.table) > 64 { // the next trace is probably smaller
		o.table = nil
	}
	clear(o.table)
	o.count, o.failed = 0, 0
}

// insert adds an operation and returns its slot. A quarter of the table stays
// free.
func (o *Operations) insert(hash uint64) *uint64 {
	if o.count++; 4*o.count > 3*len(o.table) {
		o.grow()
	}
	slot := o.slot(hash)
	*slot = hash
	return slot
}

// slot returns the slot of an operation, or the free slot for it. It returns nil
// if there is no table yet.
func (o *Operations) slot(hash uint64) *uint64 {
	if len(o.table) == 0 {
		return nil
	}
	mask := uint64(len(o.table) - 1)
	for i := hash >> 1 & mask; ; i = (i + 1) & mask {
		if o.table[i] == 0 || o.table[i]&^1 == hash {
			return &o.table[i]
		}
	}
}

// grow doubles the table.
func (o *Operations) grow() {
	old := o.table
	o.table = make([]uint64, max(2, 2*len(old)))
	for _, entry := range old {
		if entry != 0 {
			*o.slot(entry &^ 1) = entry
		}
	}
}
