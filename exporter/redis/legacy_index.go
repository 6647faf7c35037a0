package redis

import (
	"hash/maphash"
	"sync"
	"time"
)

// legacyMemory is how long a Store remembers which traces have legacy keys.
// Releases of the Python library after 2.6 do not write such keys.
const legacyMemory = 5 * time.Minute

// A legacyIndex remembers which traces may have legacy keys.
type legacyIndex struct {
	lock sync.Mutex
	last *legacyScan // nil before the first scan
}

// A legacyScan is the result of a scan for legacy keys. For each key, and for
// each "_" in the key, it sets one bit, chosen by the hash of the text in front
// of the "_", because a key does not show where its base id ends. Two texts may
// share a bit. Then legacy keys of a trace are searched for although the trace
// has none.
type legacyScan struct {
	began time.Time
	seed  maphash.Seed
	bits  []uint64 // nil if there is no key
}

// legacyBits is the number of bits of a legacyScan, which take 1 MiB.
const legacyBits = 1 << 23

// lookUp reports whether there was a scan that is not too old, and whether the
// trace with that base id may have had legacy keys then.
func (x *legacyIndex) lookUp(baseID string) (remembered, mayHave bool) {
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.last == nil || time.Since(x.last.began) >= legacyMemory {
		return false, false
	}
	return true, x.last.mayHave(baseID)
}

// none reports whether there was a scan that is not too old and found no legacy
// keys.
func (x *legacyIndex) none() bool {
	x.lock.Lock()
	defer x.lock.Unlock()
	return x.last != nil && time.Since(x.last.began) < legacyMemory && x.last.bits == nil
}

func (x *legacyIndex) begin() *legacyScan {
	return &legacyScan{began: time.Now(), seed: maphash.MakeSeed()}
}

// set remembers a scan that was completed.
func (x *legacyIndex) set(scan *legacyScan) {
	x.lock.Lock()
	defer x.lock.Unlock()
	x.last = scan
}

func (s *legacyScan) add(keys []string) {
	if s.bits == nil && len(keys) > 0 {
		s.bits = make([]uint64, legacyBits/64)
	}
	for _, key := range keys {
		text := key[len(legacyPrefix):]
		for i := range len(text) {
			if text[i] == '_' {
				bit := s.bitOf(text[:i])
				s.bits[bit/64] |= 1 << (bit % 64)
			}
		}
	}
}

func (s *legacyScan) mayHave(baseID string) bool {
	if s.bits == nil {
		return false
	}
	bit := s.bitOf(baseID)
	return s.bits[bit/64]&(1<<(bit%64)) != 0
}

func (s *legacyScan) bitOf(text string) uint64 { return maphash.String(s.seed, text) % legacyBits }
