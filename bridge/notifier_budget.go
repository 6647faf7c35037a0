package bridge

import "sync/atomic"

// A budget bounds the waiting halves of all shards together. Reservations never exceed the
// bounds. A half that waited releases its reservation only when it was exported. Thus it can
// always wait again after a failed export.
type budget struct {
	count, bytes       atomic.Int64
	maxCount, maxBytes int64
}

// reserve reserves the size for one half and returns completed. If there is no room, it
// returns the reason and reserves nothing.
func (b *budget) reserve(size int64) (short reason) {
	if !addUpTo(&b.count, 1, b.maxCount) {
		return tooMany
	}
	if !addUpTo(&b.bytes, size, b.maxBytes) {
		b.count.Add(-1)
		return tooLarge
	}
	return completed
}

// release releases the reservation of a half.
func (b *budget) release(h *half) {
	if h.reserved > 0 {
		b.count.Add(-1)
		b.bytes.Add(-h.reserved)
	}
}

func addUpTo(n *atomic.Int64, more, most int64) bool {
	for {
		old := n.Load()
		if old > most-more {
			return false
		}
		if n.CompareAndSwap(old, old+more) {
			return true
		}
	}
}
