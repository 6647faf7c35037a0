package html

import (
	"encoding/hex"
	"slices"
	"time"
)

// Numbers that grow from one operation to the next are written as differences, and ids are
// written as bytes, because a page with many operations consists mostly of them.

// ticks is the number of units of time in a microsecond of a page: 1, or 1000 if some times
// are not whole microseconds.
type ticks int

// mostNanoseconds is the longest time for which nanoseconds are used, so that a browser can
// add up the differences exactly.
const mostNanoseconds = 1 << 52

// ticksOf returns the ticks that represent the given times.
func ticksOf(lists ...[]time.Duration) ticks {
	unit := ticks(1)
	for _, times := range lists {
		for _, t := range times {
			if t > mostNanoseconds || t < -mostNanoseconds {
				return 1
			}
			if t%time.Microsecond != 0 {
				unit = 1000
			}
		}
	}
	return unit
}

// of returns a time in ticks.
func (unit ticks) of(t time.Duration) int64 {
	return int64(t) / (int64(time.Microsecond) / int64(unit))
}

// differences returns each time minus the one before, in ticks.
func (unit ticks) differences(times []time.Duration) []int64 {
	all := make([]int64, len(times))
	before := int64(0)
	for i, t := range times {
		all[i] = unit.of(t) - before
		before = unit.of(t)
	}
	return all
}

// lengths returns the time from each begin to its end, in ticks.
func (unit ticks) lengths(begin, end []time.Duration) []int64 {
	all := make([]int64, len(begin))
	for i := range begin {
		all[i] = unit.of(end[i]) - unit.of(begin[i])
	}
	return all
}

// differences returns each number minus the one before.
func differences[N int | int32](numbers []N) []N {
	all := slices.Clone(numbers)
	for i := len(all) - 1; i > 0; i-- {
		all[i] -= all[i-1]
	}
	return all
}

// packedUUID returns the bytes of a UUID in the usual form: in lower case with hyphens.
func packedUUID(text string) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	var digits [32]byte
	n := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '-' && (i == 8 || i == 13 || i == 18 || i == 23):
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
			digits[n] = c
			n++
		default:
			return id, false
		}
	}
	_, err := hex.Decode(id[:], digits[:])
	return id, err == nil
}
