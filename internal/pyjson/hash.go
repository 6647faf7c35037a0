package pyjson

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
)

// Hash returns the hash of a valid raw value. Values that are [Equal] have the
// same hash.
func Hash(seed maphash.Seed, raw string) uint64 {
	sum, _ := Sum(seed, raw)
	return sum
}

// Sum checks a text and hashes it in a single pass. ok reports whether the text is
// exactly one JSON value, without white space around it. Then sum is its [Hash].
func Sum(seed maphash.Seed, text string) (sum uint64, ok bool) {
	h := hasher{seed: seed, text: text}
	sum, end := h.value(0, 0)
	if h.deep {
		if end, err := End(text, 0); err != nil || end != len(text) {
			return 0, false
		}
		return maphash.Bytes(seed, Compact.Append(nil, text)), true
	}
	return sum, !h.failed && end == len(text)
}

// A hasher parses and hashes a text from left to right.
type hasher struct {
	seed   maphash.Seed
	text   string
	deep   bool // the value is nested deeper than mostLevels
	failed bool // the text is not valid JSON
}

// member holds the hashes of an object's member.
type member struct{ key, value uint64 }

// value hashes the value that starts at text[i] inside the given number of
// containers, and returns the index after it. The result is meaningless once
// deep or failed is set.
func (h *hasher) value(i, levels int) (sum uint64, end int) {
	if i >= len(h.text) {
		h.failed = true
		return 0, i
	}
	switch kind := KindOf(h.text[i:]); kind {
	case Object, Array:
		if levels == mostLevels {
			h.deep = true
			return 0, i
		}
		if kind == Object {
			return h.object(i, levels+1)
		}
		return h.array(i, levels+1)
	case String:
		return h.string(i)
	default:
		end, err := scalarEnd(h.text, i)
		if err != nil {
			h.failed = true
			return 0, i
		}
		if kind == Number {
			return hashNumber(h.seed, h.text[i:end]), end
		}
		return mix(uint64(kind), maphash.String(h.seed, h.text[i:end])), end
	}
}

func (h *hasher) string(i int) (sum uint64, end int) {
	end, err := stringEnd(h.text, i)
	if err != nil {
		h.failed = true
		return 0, i
	}
	return mix(uint64(String), maphash.String(h.seed, Unquote(h.text[i:end]))), end
}

func (h *hasher) array(i, levels int) (sum uint64, end int) {
	sum = uint64(Array)
	i = SkipSpace(h.text, i+1)
	if i < len(h.text) && h.text[i] == ']' {
		return sum, i + 1
	}
	for more := true; more; {
		var element uint64
		element, i = h.value(i, levels)
		sum = mix(sum, element)
		i, more = h.next(i, '[')
	}
	return sum, i
}

func (h *hasher) object(i, levels int) (sum uint64, end int) {
	var room [8]member
	members := room[:0]
	i = SkipSpace(h.text, i+1)
	if i < len(h.text) && h.text[i] == '}' {
		return uint64(Object), i + 1
	}
	for more := true; more; {
		var m member
		keyStop, value, err := keyEnd(h.text, i)
		if err != nil {
			h.failed = true
			return 0, i
		}
		m.key = maphash.String(h.seed, Unquote(h.text[i:keyStop]))
		m.value, i = h.value(value, levels)
		members = append(members, m)
		i, more = h.next(i, '{')
	}
	return uint64(Object) + sumOf(members), i
}

// next skips the comma or the closing bracket after a member or an element.
// more is true after a comma.
func (h *hasher) next(i int, open byte) (_ int, more bool) {
	if h.failed || h.deep {
		return i, false
	}
	i = SkipSpace(h.text, i)
	switch {
	case i < len(h.text) && h.text[i] == ',':
		return SkipSpace(h.text, i+1), true
	case i >= len(h.text) || !closes(open, h.text[i]):
		h.failed = true
		return i, false
	}
	return i + 1, false
}

// sumOf adds up the hashes of the members, so that their order does not count.
// Only the last of several members with one key counts.
func sumOf(members []member) (sum uint64) {
	const few = 16
	if len(members) > few {
		slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	}
	for i, m := range members {
		later := members[i+1:]
		if len(members) > few {
			later = later[:min(1, len(later))]
		}
		if !slices.ContainsFunc(later, func(l member) bool { return l.key == m.key }) {
			sum += mix(m.key, m.value)
		}
	}
	return sum
}

func hashNumber(seed maphash.Seed, number string) uint64 {
	if !isFloat(number) {
		return mix(uint64(Number), maphash.String(seed, integer(number)))
	}
	f := parseFloat(number)
	if math.IsNaN(f) {
		return mix(uint64(Number), maphash.String(seed, "NaN"))
	}
	var room [8]byte
	binary.LittleEndian.PutUint64(room[:], math.Float64bits(f))
	return mix(^uint64(Number), maphash.Bytes(seed, room[:]))
}

// mix combines two numbers into one. The order of the numbers counts. They come from
// a seeded hash, so that nobody can choose them to cause collisions.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD1B54A32D192ED03)
	return high ^ low
}
