package bridge

import "time"

// recentHashes remembers two hashes of each exported notification. It has two generations.
// When the newer one is full or old enough, the older one is dropped and the newer one becomes
// the older one.
type recentHashes struct {
	newer, older map[uint64]uint64 // hash of the value -> hash of the ids
	maxCount     int               // of one generation
	maxAge       time.Duration     // of one generation
	since        time.Duration     // when the newer generation began
}

func newRecentHashes(maxCount int, age time.Duration) recentHashes {
	return recentHashes{newer: map[uint64]uint64{}, older: map[uint64]uint64{}, maxCount: max(maxCount, 1), maxAge: age / 2}
}

// advance drops the generations that are too old.
func (r *recentHashes) advance(now time.Duration) {
	if now-r.since < r.maxAge {
		return
	}
	if now-r.since >= 2*r.maxAge {
		clear(r.newer)
	}
	r.begin(now)
}

// begin begins a new generation.
func (r *recentHashes) begin(now time.Duration) {
	r.newer, r.older = r.older, r.newer
	clear(r.newer)
	r.since = now
}

func (r *recentHashes) add(h *half, now time.Duration) {
	if len(r.newer) >= r.maxCount {
		r.begin(now)
	}
	r.newer[h.value] = h.ids
}

func (r *recentHashes) has(h *half) bool {
	ids, ok := r.newer[h.value]
	if !ok {
		ids, ok = r.older[h.value]
	}
	return ok && ids == h.ids
}

func (r *recentHashes) len() int { return len(r.newer) + len(r.older) }
