package pyjson

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
)

// Hash returns a number that is the same for all raw values that are [Equal]
// (and, by chance, for others).
func Hash(seed maphash.Seed, raw string) uint64 {
	sum, _ := Sum(seed, raw)
	return sum
}

// Sum is [Hash] of a text of which it is not known whether it is one JSON
// value, from its first byte to its last; ok tells. It reads the text once.
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

// A hasher goes through a text from left to right.
type hasher struct {
	seed   maphash.Seed
	text   string
	deep   bool // nested too deep to be looked at level by level
	failed bool // no JSON
}

// member is what counts of an object's member.
type member struct{ key, value uint64 }

// value hashes the value that starts at text[i], inside so many containers,
// and returns the index behind it. After deep or failed the result means nothing.
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

// next steps over what stands behind a member or an element: a comma, or the
// bracket that closes the container.
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

// sumOf adds the members up, in any order, of a repeated key the last.
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

// mix makes one number of two, whose order counts. What it is given was hashed
// with a seed, so nobody can choose it.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD1B54A32D192ED03)
	return high ^ low
}
