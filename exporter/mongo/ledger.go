package mongo

import (
	"encoding/binary"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A ledger says which documents a feed has yielded, by their ObjectIDs. It has a
// bucket for each range of ids, so that ranges in which something changed are
// found without the documents.
type ledger struct {
	buckets []bucket // in the order of their ids; together they cover all ids up to the last one
	exact   int      // how many ids are in memory
	summed  bool     // no id is to be in memory

	others map[uint64]struct{} // the hashes of the _ids of other types; usually none
}

// A bucket has the ids that are larger than the last one of the bucket before, up
// to its own last one.
type bucket struct {
	last  bson.ObjectID // may belong to no document
	count int
	sum   uint64          // of the digests of the ids
	ids   []bson.ObjectID // in order; nil if they are not in memory
}

const (
	// bucketSize is how many ids a bucket has at first, and after it was divided.
	bucketSize = 1024
	// mostExact is how many ids a ledger has in memory, in 12 bytes each.
	mostExact = 2 << 20
	// mostInCursor is how many buckets a cursor has.
	mostInCursor = 256
)

// digestOf returns a digest of an id. A sum of digests says which ids there are.
func digestOf(id bson.ObjectID) uint64 {
	return mix(binary.BigEndian.Uint64(id[4:]) + uint64(binary.BigEndian.Uint32(id[:4]))*0x9e3779b97f4a7c15)
}

// mix mixes the bits of a number, as the generator SplitMix64 does.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// isExact reports whether the ids of the bucket are in memory.
func (b *bucket) isExact() bool { return len(b.ids) == b.count }

// last returns the id up to which documents were yielded. It is zero at first.
func (l *ledger) last() (id bson.ObjectID) {
	if len(l.buckets) > 0 {
		id = l.buckets[len(l.buckets)-1].last
	}
	return id
}

// total returns how many documents were yielded.
func (l *ledger) total() (total int) {
	for i := range l.buckets {
		total += l.buckets[i].count
	}
	return total + len(l.others)
}

// isEmpty reports whether nothing was yielded.
func (l *ledger) isEmpty() bool { return len(l.buckets) == 0 && len(l.others) == 0 }

// append adds an id that is larger than all others.
func (l *ledger) append(id bson.ObjectID) {
	last := len(l.buckets) - 1
	if last < 0 || l.buckets[last].count >= bucketSize || !l.summed && !l.buckets[last].isExact() {
		l.buckets = append(l.buckets, bucket{})
		last++
	}
	b := &l.buckets[last]
	b.last = id
	b.count++
	b.sum += digestOf(id)
	if !l.summed {
		b.ids = append(b.ids, id)
		l.exact++
		l.bound()
	}
}

// bound removes ids from memory if there are too many, those of the oldest
// buckets first.
func (l *ledger) bound() {
	for i := 0; l.exact > mostExact && i < len(l.buckets)-1; i++ {
		l.exact -= len(l.buckets[i].ids)
		l.buckets[i].ids = nil
	}
}

// at returns the index of the bucket with an id.
func (l *ledger) at(id bson.ObjectID) int {
	i, _ := slices.BinarySearchFunc(l.buckets, id, func(b bucket, id bson.ObjectID) int { return compareIDs(b.last, id) })
	return i
}

func compareIDs(a, b bson.ObjectID) int { return slices.Compare(a[:], b[:]) }

// add adds an id to the bucket of its range, which is exact.
func (l *ledger) add(id bson.ObjectID) {
	b := &l.buckets[l.at(id)]
	i, known := slices.BinarySearchFunc(b.ids, id, compareIDs)
	if known {
		return
	}
	b.ids = slices.Insert(b.ids, i, id)
	b.count++
	b.sum += digestOf(id)
	l.exact++
}

// compare compares a bucket with the ids that the server has in its range. It
// removes the ids that the server no longer has, and returns the ids that were not
// yielded. Afterwards the bucket is exact. If the ids of the bucket were not in memory
// and the bucket differs, all ids count as not yielded.
func (l *ledger) compare(i int, found []bson.ObjectID) (unseen []bson.ObjectID) {
	b := &l.buckets[i]
	before := b.ids
	switch {
	case b.isExact():
	case b.count == len(found) && b.sum == sumOf(found):
		before = found
	default:
		before = nil
	}
	kept := make([]bson.ObjectID, 0, len(before))
	for _, id := range found {
		if _, known := slices.BinarySearchFunc(before, id, compareIDs); known {
			kept = append(kept, id)
		} else {
			unseen = append(unseen, id)
		}
	}
	l.exact += len(kept) - len(b.ids)
	b.ids, b.count, b.sum = kept, len(kept), sumOf(kept)
	return unseen
}

func sumOf(ids []bson.ObjectID) (sum uint64) {
	for _, id := range ids {
		sum += digestOf(id)
	}
	return sum
}

// split divides the bucket of an id behind that id.
func (l *ledger) split(i int, id bson.ObjectID) {
	b := l.buckets[i]
	at, found := slices.BinarySearchFunc(b.ids, id, compareIDs)
	if found {
		at++
	}
	first := bucket{last: id, ids: slices.Clone(b.ids[:at])}
	second := bucket{last: b.last, ids: slices.Clone(b.ids[at:])}
	for _, part := range []*bucket{&first, &second} {
		part.count, part.sum = len(part.ids), sumOf(part.ids)
	}
	l.buckets = slices.Replace(l.buckets, i, i+1, first, second)
}

// tidy divides large buckets, and removes empty ones, whose range the next bucket
// takes over.
func (l *ledger) tidy() {
	tidied := make([]bucket, 0, len(l.buckets))
	for i, b := range l.buckets {
		if b.count == 0 && i < len(l.buckets)-1 {
			continue
		}
		for b.isExact() && len(b.ids) > 2*bucketSize {
			part := bucket{last: b.ids[bucketSize-1], ids: b.ids[:bucketSize:bucketSize], count: bucketSize, sum: sumOf(b.ids[:bucketSize])}
			tidied = append(tidied, part)
			b.ids, b.count, b.sum = b.ids[bucketSize:], b.count-bucketSize, b.sum-part.sum
		}
		tidied = append(tidied, b)
	}
	l.buckets = tidied
	l.bound()
}

// summary returns a limited number of buckets without ids, joined from neighbours. For a
// small collection, each of these buckets has few ids.
func (l *ledger) summary(most int) []bucket {
	parts := l.buckets
	if total := l.total(); total <= mostDivided {
		parts = nil
		for i := range l.buckets {
			parts = append(parts, l.buckets[i].divided(max(1, total/most))...)
		}
	}
	step := max(1, (len(parts)+most-1)/most)
	var summed []bucket
	for some := range slices.Chunk(parts, step) {
		one := bucket{last: some[len(some)-1].last}
		for i := range some {
			one.count += some[i].count
			one.sum += some[i].sum
		}
		summed = append(summed, one)
	}
	return summed
}

// mostDivided is how many documents are divided into smaller buckets for a cursor.
const mostDivided = 16 * bucketSize

// divided returns buckets of some ids each, if the ids are in memory.
func (b *bucket) divided(size int) (parts []bucket) {
	if len(b.ids) <= size {
		return []bucket{*b}
	}
	for ids := range slices.Chunk(b.ids, size) {
		parts = append(parts, bucket{last: ids[len(ids)-1], count: len(ids), sum: sumOf(ids)})
	}
	parts[len(parts)-1].last = b.last
	return parts
}
