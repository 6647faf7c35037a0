package reader

import "hash/maphash"

// An idIndex finds operations by their trace_id. It keeps the hashes of the ids
// beside the indexes of the operations, so that it grows without hashing or
// reading the ids again. The zero idIndex is empty.
type idIndex struct {
	seed  maphash.Seed
	slots []idSlot // an open-addressing table, its length a power of two
	count int
}

type idSlot struct {
	hash      uint64
	operation int32 // the index of the operation plus 1; 0 is an empty slot
}

func (x *idIndex) hash(id string) uint64 {
	if x.slots == nil {
		x.seed = maphash.MakeSeed()
		x.slots = make([]idSlot, 16)
	}
	return maphash.String(x.seed, id)
}

// find returns the operation with the hash for which is returns true. is is called for few
// operations, because few share a hash.
func (x *idIndex) find(hash uint64, is func(operation int32) bool) (operation int32, ok bool) {
	mask := uint64(len(x.slots) - 1)
	for i := hash & mask; x.slots[i].operation != 0; i = (i + 1) & mask {
		if s := x.slots[i]; s.hash == hash && is(s.operation-1) {
			return s.operation - 1, true
		}
	}
	return none, false
}

// add adds an operation whose id is not in the index.
func (x *idIndex) add(hash uint64, operation int32) {
	if 2*x.count >= len(x.slots) {
		old := x.slots
		x.slots = make([]idSlot, 2*len(old))
		for _, s := range old {
			if s.operation != 0 {
				x.put(s)
			}
		}
	}
	x.put(idSlot{hash, operation + 1})
	x.count++
}

func (x *idIndex) put(s idSlot) {
	mask := uint64(len(x.slots) - 1)
	i := s.hash & mask
	for x.slots[i].operation != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}
