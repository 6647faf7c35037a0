package bridge

import (
	"math"
	"time"
)

// A waitLimit selects the halves that wait up to this order and at least since this time.
type waitLimit struct {
	order uint64
	since time.Duration
}

const forever = time.Duration(math.MaxInt64)

// A waitingList has the waiting halves of a shard, by waitOrder.
type waitingList struct {
	oldest, newest *half
	byIDs          map[uint64]*half // the oldest of each ids hash
	exportFailed   int              // how many halves wait again because their export failed
}

// search looks through the halves with the same ids hash for one that equals h and for one
// that completes the operation of h. It counts the others.
func (l *waitingList) search(h *half) (equal, partner *half, count int) {
	for other := l.byIDs[h.ids]; other != nil; other = other.next {
		count++
		switch {
		case !other.hasIDsOf(h):
		case other.stop == h.stop:
			if other.equal(h) {
				return other, nil, count
			}
		case partner == nil && other.notification.Operation() == h.notification.Operation():
			partner = other
		}
	}
	return nil, partner, count
}

// partnerOf returns a half that makes a pair with h: one of the same operation,
// or else any with the same ids.
func (l *waitingList) partnerOf(h *half) (partner *half) {
	for other := l.byIDs[h.ids]; other != nil; other = other.next {
		if other.stop == h.stop || !other.hasIDsOf(h) {
			continue
		}
		if other.notification.Operation() == h.notification.Operation() {
			return other
		}
		if partner == nil {
			partner = other
		}
	}
	return partner
}

// insert adds a half as the newest.
func (l *waitingList) insert(h *half) {
	h.older, h.newer, h.next = l.newest, nil, nil
	if l.newest == nil {
		l.oldest = h
	} else {
		l.newest.newer = h
	}
	l.newest = h
	if h.exportFailed {
		l.exportFailed++
	}
	last := l.byIDs[h.ids]
	if last == nil {
		l.byIDs[h.ids] = h
		return
	}
	for last.next != nil {
		last = last.next
	}
	last.next = h
}

func (l *waitingList) remove(h *half) {
	if h.exportFailed {
		l.exportFailed--
	}
	if h.newer == nil {
		l.newest = h.older
	} else {
		h.newer.older = h.older
	}
	if h.older == nil {
		l.oldest = h.newer
	} else {
		h.older.newer = h.newer
	}
	l.removeByIDs(h)
	h.older, h.newer, h.next = nil, nil, nil
}

func (l *waitingList) removeByIDs(h *half) {
	first := l.byIDs[h.ids]
	switch {
	case first != h:
		for first.next != h {
			first = first.next
		}
		first.next = h.next
	case h.next == nil:
		delete(l.byIDs, h.ids)
	default:
		l.byIDs[h.ids] = h.next
	}
}
