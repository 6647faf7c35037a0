package bridge

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// A half is a notification that waits for its operation's other half, or is on
// its way out.
type half struct {
	notification osprofiler.Notification
	key          uint64 // hash of base_id and trace_id
	value        uint64 // hash of the notification as a JSON value
	came         uint64 // the order in which they came
	order        uint64 // the order in which they wait; a new one after a failed export
	arrived      time.Duration
	stop         bool
	returned     bool  // its export failed, after which it waits again
	held         int64 // what it holds of the budget; 0 if it never waited

	by      *call    // that exports it; nil if none does
	outcome *outcome // of its own export, or of that of the equal half that it waits for

	older, newer *half // in the shard
	next         *half // with the same key, in their order
}

// size is the memory that a half counts for.
func (h *half) size() int64 {
	const fixed = 296 // its struct, and its place in a map
	return fixed + int64(h.notification.Size())
}

func (h *half) sameID(other *half) bool {
	return h.notification.BaseID == other.notification.BaseID && h.notification.TraceID == other.notification.TraceID
}

func (h *half) equal(other *half) bool {
	return h.value == other.value && h.notification.Equal(other.notification)
}

// pair is what a span is made of: one half, or two of which one is a stop.
type pair struct {
	first, second *half
	why           reason
}

// mark is a place in the order of what waits.
type mark struct {
	order   uint64        // up to this one
	arrived time.Duration // and that arrived no later
}

const forever = time.Duration(math.MaxInt64)

// budget holds the bounds of all shards together. What is taken from it is
// never more than there is. A half that waited gives its part back only when it
// was handed on: so it can always go back, and waits no less while it is on its way.
type budget struct {
	count, bytes         atomic.Int64
	mostCount, mostBytes int64
}

// take takes room for one half, unless there is none: for the reason returned.
func (b *budget) take(size int64) (short reason) {
	if !addUpTo(&b.count, 1, b.mostCount) {
		return tooMany
	}
	if !addUpTo(&b.bytes, size, b.mostBytes) {
		b.count.Add(-1)
		return tooLarge
	}
	return completed
}

func (b *budget) give(h *half) {
	if h.held > 0 {
		b.count.Add(-1)
		b.bytes.Add(-h.held)
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

// shardCount is how many shards there are, each with its lock: so many that
// goroutines rarely meet in one.
const shardCount = 32

// A shard keeps the halves of some ids, which no other shard has: those that
// wait, those that are being exported and, as hashes, those that were exported.
type shard struct {
	mu             sync.Mutex
	byKey          map[uint64]*half // that wait: the oldest of each key
	oldest, newest *half
	returned       int              // how many notifications wait again because their export failed
	exporting      map[uint64]*half // by value
	done           memory
	since          atomic.Uint64 // order of the oldest; none if there is none

	_ [64]byte // the next shard's lock in another cache line
}

const none = math.MaxUint64

func (s *shard) init(remember int, age time.Duration) {
	s.byKey = map[uint64]*half{}
	s.exporting = map[uint64]*half{}
	s.done = newMemory(remember, age)
	s.since.Store(none)
}

// verdict is what a shard makes of a half that it is offered.
type verdict uint8

const (
	waits         verdict = iota // it was put in
	paired                       // it has found its other half
	duplicate                    // it was there before
	beingExported                // it was there before, and another call exports it; see its outcome
	alone                        // it is too large to wait
	noRoom                       // others have to go first
	crowded                      // one of the same id has gone; offer it again
)

// mostOfOneID bounds how many halves of one id wait, all of different content:
// looking through them takes time, which somebody might want to waste.
const mostOfOneID = 32

// offer decides about a half that has come by a call. The pair that it
// completes, or that had to go for it, is being exported then. So is a half that
// is too large to wait.
func (s *shard) offer(b *budget, h *half, by *call) (verdict, pair) {
	size := h.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done.turn(h.arrived)
	if s.done.has(h) {
		return duplicate, pair{}
	}
	if other := s.exporting[h.value]; other != nil && other.key == h.key {
		return other.await(h, by), pair{}
	}
	first := s.byKey[h.key]
	count, partner := 0, (*half)(nil)
	for other := first; other != nil; other = other.next {
		count++
		switch {
		case !other.sameID(h):
		case other.stop == h.stop:
			if other.equal(h) {
				return duplicate, pair{}
			}
		case partner == nil && other.notification.Operation() == h.notification.Operation():
			partner = other
		}
	}
	switch {
	case partner != nil:
		s.remove(partner)
		s.beginExport(partner, by)
		s.beginExport(h, by)
		return paired, pair{partner, h, completed}
	case size > b.mostBytes:
		s.beginExport(h, by)
		return alone, pair{h, nil, tooLarge}
	case count >= mostOfOneID:
		return crowded, s.take(first, by, sameID)
	}
	if short := b.take(size); short != completed {
		return noRoom, pair{why: short}
	}
	h.held = size
	s.insert(h, first)
	return waits, pair{}
}

// take takes a half out, with one of the same id that may be its other half:
// one of the same operation or else any. They are being exported then.
func (s *shard) take(h *half, by *call, why reason) pair {
	var partner *half
	for other := s.byKey[h.key]; other != nil; other = other.next {
		if other.stop == h.stop || !other.sameID(h) {
			continue
		}
		same := other.notification.Operation() == h.notification.Operation()
		if partner == nil || same {
			partner = other
		}
		if same {
			break
		}
	}
	s.remove(h)
	s.beginExport(h, by)
	if partner != nil {
		s.remove(partner)
		s.beginExport(partner, by)
	}
	return pair{h, partner, why}
}

// takeOldest takes the oldest half, if it stands before the mark.
func (s *shard) takeOldest(until mark, by *call, why reason) (p pair, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.oldest
	if h == nil || h.order > until.order || h.arrived > until.arrived {
		return pair{}, false
	}
	return s.take(h, by, why), true
}

// forget forgets what is too old to be remembered.
func (s *shard) forget(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done.turn(now)
}

func (s *shard) remembered() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.done.len())
}

// insert puts a half behind all others; first is the oldest of its key.
func (s *shard) insert(h, first *half) {
	h.older, h.newer, h.next = s.newest, nil, nil
	if s.newest == nil {
		s.oldest = h
		s.since.Store(h.order)
	} else {
		s.newest.newer = h
	}
	s.newest = h
	if h.returned {
		s.returned++
	}
	if first == nil {
		s.byKey[h.key] = h
		return
	}
	for first.next != nil {
		first = first.next
	}
	first.next = h
}

func (s *shard) remove(h *half) {
	if h.returned {
		s.returned--
	}
	if h.newer == nil {
		s.newest = h.older
	} else {
		h.newer.older = h.older
	}
	if h.older == nil {
		s.oldest = h.newer
		if s.oldest == nil {
			s.since.Store(none)
		} else {
			s.since.Store(s.oldest.order)
		}
	} else {
		h.older.newer = h.newer
	}
	s.unchain(h)
	h.older, h.newer, h.next = nil, nil, nil
}

func (s *shard) unchain(h *half) {
	first := s.byKey[h.key]
	switch {
	case first != h:
		for first.next != h {
			first = first.next
		}
		first.next = h.next
	case h.next == nil:
		delete(s.byKey, h.key)
	default:
		s.byKey[h.key] = h.next
	}
}
