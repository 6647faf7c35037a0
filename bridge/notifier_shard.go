package bridge

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// shardCount is the number of shards. Each shard has a lock of its own, so that
// goroutines rarely wait for one another.
const shardCount = 32

// A shard has the halves of certain ids, which no other shard has: the waiting halves, those
// that are being exported and, as hashes, the exported ones.
type shard struct {
	mu        sync.Mutex
	waiting   waitingList
	exporting map[uint64]*half // by value
	exported  recentHashes
	// oldestOrder is the waitOrder of the oldest waiting half, or none.
	oldestOrder atomic.Uint64

	_ [64]byte // puts the next shard's lock into another cache line
}

const none = math.MaxUint64

func (s *shard) init(remember int, age time.Duration) {
	s.waiting.byIDs = map[uint64]*half{}
	s.exporting = map[uint64]*half{}
	s.exported = newRecentHashes(remember, age)
	s.oldestOrder.Store(none)
}

// A decision is what a shard does with a half that it is offered.
type decision uint8

const (
	waits              decision = iota // the half waits
	paired                             // the other half waited; both are being exported
	duplicate                          // an equal half waits, was exported, or is being exported by the same call
	equalBeingExported                 // another call exports an equal half; see the outcome
	tooLargeToWait                     // the half is being exported without its other half
	noRoom                             // other halves have to be exported first
	tooManyOfID                        // one half with the same ids is being exported; offer the new half again
)

// maxOfOneID is the largest number of waiting halves with the same ids and different content.
// The bound limits the time for comparing a half with all of them.
const maxOfOneID = 32

// offer decides about a half that a call has brought. If offer returns a pair, that call must
// export its halves.
func (s *shard) offer(n *Notifier, h *half, by *call) (decision, pair) {
	size := h.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exported.advance(h.waitsSince)
	if s.exported.has(h) {
		return duplicate, pair{}
	}
	if other := s.exporting[h.value]; other != nil && other.ids == h.ids {
		return other.await(h, by), pair{}
	}
	equal, partner, count := s.waiting.search(h)
	switch {
	case equal != nil:
		n.inputs.waitsFor(equal, by.input)
		return duplicate, pair{}
	case partner != nil:
		s.remove(partner)
		s.beginExport(partner, by)
		s.beginExport(h, by)
		return paired, pair{partner, h, completed}
	case size > n.budget.maxBytes:
		s.beginExport(h, by)
		return tooLargeToWait, pair{h, nil, tooLarge}
	case count >= maxOfOneID:
		return tooManyOfID, s.take(s.waiting.byIDs[h.ids], by, sameID)
	}
	if short := n.budget.reserve(size); short != completed {
		return noRoom, pair{reason: short}
	}
	h.reserved = size
	n.inputs.waitsFor(h, by.input)
	s.insert(h)
	return waits, pair{}
}

// take removes a waiting half and, if there is one, a half that makes a pair with it. Both
// then count as being exported.
func (s *shard) take(h *half, by *call, why reason) pair {
	partner := s.waiting.partnerOf(h)
	s.remove(h)
	s.beginExport(h, by)
	if partner != nil {
		s.remove(partner)
		s.beginExport(partner, by)
	}
	return pair{h, partner, why}
}

// takeOldest takes the oldest half, if it is within the limit.
func (s *shard) takeOldest(limit waitLimit, by *call, why reason) (p pair, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.waiting.oldest
	if h == nil || h.waitOrder > limit.order || h.waitsSince > limit.since {
		return pair{}, false
	}
	return s.take(h, by, why), true
}

// insert adds a half to the waiting halves, as the newest.
func (s *shard) insert(h *half) {
	s.waiting.insert(h)
	s.storeOldestOrder()
}

// remove removes a half from the waiting halves.
func (s *shard) remove(h *half) {
	s.waiting.remove(h)
	s.storeOldestOrder()
}

func (s *shard) storeOldestOrder() {
	order := uint64(none)
	if s.waiting.oldest != nil {
		order = s.waiting.oldest.waitOrder
	}
	if s.oldestOrder.Load() != order {
		s.oldestOrder.Store(order)
	}
}

// forgetOld forgets the hashes that are too old.
func (s *shard) forgetOld(now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exported.advance(now)
}

func (s *shard) remembered() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.exported.len())
}
