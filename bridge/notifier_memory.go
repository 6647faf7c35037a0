package bridge

import "time"

// A memory remembers, of notifications that were handed on, two hashes each. It
// forgets them by generations: when the younger one is full or has its age, the
// older one is emptied and takes its place.
type memory struct {
	young, old map[uint64]uint64 // hash of the value -> hash of the ids
	most       int               // of one generation
	age        time.Duration     // of one generation
	since      time.Duration     // when the younger one began
}

func newMemory(most int, age time.Duration) memory {
	return memory{young: map[uint64]uint64{}, old: map[uint64]uint64{}, most: max(most, 1), age: age / 2}
}

// turn lets generations pass whose time is over.
func (m *memory) turn(now time.Duration) {
	if now-m.since < m.age {
		return
	}
	if now-m.since >= 2*m.age {
		clear(m.young)
	}
	m.next(now)
}

func (m *memory) next(now time.Duration) {
	m.young, m.old = m.old, m.young
	clear(m.young)
	m.since = now
}

func (m *memory) add(h *half, now time.Duration) {
	if len(m.young) >= m.most {
		m.next(now)
	}
	m.young[h.value] = h.key
}

func (m *memory) has(h *half) bool {
	key, ok := m.young[h.value]
	if !ok {
		key, ok = m.old[h.value]
	}
	return ok && key == h.key
}

func (m *memory) len() int { return len(m.young) + len(m.old) }
