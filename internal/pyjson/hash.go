package pyjson

import (
	"encoding/binary"
	"hash/maphash"
	"math"
)

// Hash returns a number that is the same for all raw values that are [Equal]
// (and, by chance, for others).
func Hash(seed maphash.Seed, raw string) uint64 {
	if isDeep(raw) {
		return maphash.Bytes(seed, Compact.Append(nil, raw))
	}
	return hash(seed, raw)
}

func hash(seed maphash.Seed, raw string) uint64 {
	kind := KindOf(raw)
	switch kind {
	case String:
		return maphash.String(seed, Unquote(raw))
	case Number:
		return hashNumber(seed, raw)
	case Array:
		sum := uint64(kind)
		for e := range Elements(raw) {
			sum = pair(seed, sum, hash(seed, e))
		}
		return sum
	case Object:
		sum := uint64(kind)
		for k, v := range asMap(raw) { // in any order
			sum += pair(seed, maphash.String(seed, k), hash(seed, v))
		}
		return sum
	default:
		return maphash.String(seed, raw)
	}
}

func hashNumber(seed maphash.Seed, number string) uint64 {
	if !isFloat(number) {
		return maphash.String(seed, integer(number))
	}
	f := parseFloat(number)
	if math.IsNaN(f) {
		return maphash.String(seed, "NaN")
	}
	return pair(seed, uint64(Number), math.Float64bits(f))
}

func pair(seed maphash.Seed, a, b uint64) uint64 {
	var room [16]byte
	binary.LittleEndian.PutUint64(room[:8], a)
	binary.LittleEndian.PutUint64(room[8:], b)
	return maphash.Bytes(seed, room[:])
}
