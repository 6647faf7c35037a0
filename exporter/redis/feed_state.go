package redis

import (
	"context"
	"hash/crc32"
	"math"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/paging"
)

// A listState records what was yielded of a list, or of a legacy key, which
// counts as a list of one entry. A map of listStates takes about 25 bytes for
// each trace. Its keys are hashes of 64 bits: among a million traces, the
// chance that two share a hash is 3 in 100 million.
type listState struct {
	length   uint32  // how many entries were yielded; noList for a key that holds no list
	checksum [3]byte // of the newest entry that was yielded; zero if it is not known
	pass     uint8   // the last pass in which the key existed
}

// noList is the length of a key that holds no list.
const noList = math.MaxUint32

// set records what was yielded of a list. A length of 0 removes the list.
func (f *feed) set(hash uint64, state listState) {
	f.sums.replace(hash, f.lists[hash].length, state.length)
	if state.length == 0 {
		delete(f.lists, hash)
		return
	}
	f.lists[hash] = state
}

// forget removes the lists that do not exist any more.
func (f *feed) forget() {
	for hash, state := range f.lists {
		if state.pass != f.pass {
			f.set(hash, listState{})
		}
	}
	f.samples = slices.DeleteFunc(f.samples, func(s sample) bool { return f.lists[keyHash(s.key)].length == 0 })
}

// resume finds out what was yielded before the cursor at which the feed begins.
// If the sum of a bucket equals its sum in the cursor, the feed has yielded the
// lists of that bucket up to their present lengths. The other lists are yielded
// from their beginning.
func (f *feed) resume(ctx context.Context) error {
	if f.from == "" {
		return nil
	}
	before, err := parseCursor(f.from)
	if err != nil {
		return err
	}
	if f.samples, err = f.standing(ctx, f.from, before.samples); err != nil {
		return err
	}
	f.lists, f.sums = map[uint64]listState{}, bucketSums{}
	for step, err := range paging.Ahead(ctx, f.steps) {
		if err != nil {
			return err
		}
		for i, key := range step.lists {
			length := step.lengths[i]
			if length < 0 {
				length = noList
			}
			f.set(keyHash(key), listState{length: uint32(length)})
		}
		for _, key := range step.legacy {
			f.set(keyHash(key), listState{length: 1})
		}
	}
	now := f.sums
	for hash := range f.lists {
		if b := bucketOf(hash); now[b] != before.sums[b] {
			f.set(hash, listState{})
		}
	}
	f.from = ""
	return nil
}

// checksumOf returns the checksum of an entry, which is never zero.
func checksumOf(text string) [3]byte {
	sum := crc32.Checksum([]byte(text), castagnoli)%(1<<24-1) + 1
	return [3]byte{byte(sum >> 16), byte(sum >> 8), byte(sum)}
}
