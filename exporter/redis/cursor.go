package redis

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/store"
)

// buckets is into how many parts the keys are sorted. What changed is known by
// bucket, so this many traces are followed without repeating quiet ones.
const buckets = 4096

// A state says what keys there are and how long their lists: for each bucket
// the sum of the digests of its keys. Lists only grow at one end, so that the
// length says what is in them.
type state map[uint16]uint64

// add takes a key with the length of its list; a string counts as 1, and what
// should be a list and is none as -1.
func (s state) add(key string, length int64) {
	if length == 0 {
		return
	}
	bucket := bucketOf(key)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(key), uint64(length)))
	s[bucket] += binary.BigEndian.Uint64(sum[:])
}

func bucketOf(key string) uint16 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint16(sum[:]) % buckets
}

// A witness is a key that was there, and the checksum of what stood at its
// end, where nothing is added. One that still stands shows that a cursor is
// this store's.
type witness struct {
	key string
	sum uint32
}

const (
	maxWitnesses  = 8
	maxWitnessKey = 4096
	cursorPrefix  = "redis1:"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func witnessOf(key, last string) witness {
	return witness{key, crc32.Checksum([]byte(last), castagnoli)}
}

// place is what a cursor says: what had been yielded, and in which store.
type place struct {
	state     state
	witnesses []witness
}

// known returns the place with these witnesses before its own.
func (p place) known(w ...witness) place {
	all := slices.Concat(w, p.witnesses)
	return place{p.state, all[:min(len(all), maxWitnesses)]}
}

func (p place) cursor() store.Cursor {
	b := binary.AppendUvarint(nil, uint64(len(p.witnesses)))
	for _, w := range p.witnesses {
		b = binary.AppendUvarint(b, uint64(len(w.key)))
		b = binary.BigEndian.AppendUint32(append(b, w.key...), w.sum)
	}
	for bucket := range uint16(buckets) {
		if sum, ok := p.state[bucket]; ok {
			b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint16(b, bucket), sum)
		}
	}
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return store.Cursor(cursorPrefix + base64.RawURLEncoding.EncodeToString(b))
}

var errNoCursor = errors.New("that is no cursor of Redis")

// parseCursor is the inverse of cursor. The empty one is the beginning.
func parseCursor(c store.Cursor) (p place, err error) {
	p.state = state{}
	if c == "" {
		return p, nil
	}
	text, ok := strings.CutPrefix(string(c), cursorPrefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(b) < 4 {
		return p, notACursor(c)
	}
	b, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(b, castagnoli) != sum {
		return p, notACursor(c)
	}
	count, n := binary.Uvarint(b)
	if n <= 0 || count == 0 || count > maxWitnesses {
		return p, notACursor(c)
	}
	b = b[n:]
	for range count {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) || uint64(len(b)-n)-length < 4 {
			return p, notACursor(c)
		}
		key := string(b[n : n+int(length)])
		b = b[n+int(length):]
		p.witnesses = append(p.witnesses, witness{key, binary.BigEndian.Uint32(b)})
		b = b[4:]
	}
	if len(b)%10 != 0 {
		return p, notACursor(c)
	}
	for ; len(b) > 0; b = b[10:] {
		p.state[binary.BigEndian.Uint16(b)%buckets] = binary.BigEndian.Uint64(b[2:])
	}
	return p, nil
}

func notACursor(c store.Cursor) error {
	text := string(c)
	if len(text) > 60 {
		text = text[:60] + "…"
	}
	return fmt.Errorf("cannot go on from %q: %w", text, errNoCursor)
}
