package pyjson

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// Equal reports whether two valid raw values are the same JSON value.
//
// Members may come in any order. The last of several members with one key
// counts. Strings are compared after their escapes are decoded. Integers are
// compared by their exact value, floats as float64. An integer never equals a
// float: 1 and 1.0 have different types in Python. NaN equals NaN.
//
// In values nested deeper than 100 levels the order of members and the digits of
// numbers must be the same as well. No service sends such values, but anybody
// may. This rule keeps the time of a comparison proportional to their length.
func Equal(a, b string) bool {
	if a == b {
		return true
	}
	if isDeep(a) || isDeep(b) {
		return bytes.Equal(Compact.Append(nil, a), Compact.Append(nil, b))
	}
	return equal(a, b)
}

// mostLevels is the nesting depth up to which Equal and Hash compare a value
// member by member.
const mostLevels = 100

// isDeep reports whether a value is nested deeper than mostLevels.
func isDeep(raw string) bool {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			end, err := stringEnd(raw, i)
			if err != nil {
				return false
			}
			i = end - 1
		case '[', '{':
			if depth++; depth > mostLevels {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}

func equal(a, b string) bool {
	if a == b {
		return true
	}
	kind := KindOf(a)
	if kind != KindOf(b) {
		return false
	}
	switch kind {
	case String:
		return Unquote(a) == Unquote(b)
	case Number:
		return equalNumbers(a, b)
	case Array:
		return equalArrays(a, b)
	case Object:
		return equalObjects(a, b)
	default:
		return a == b
	}
}

func equalNumbers(a, b string) bool {
	if isFloat(a) != isFloat(b) {
		return false
	}
	if !isFloat(a) {
		return integer(a) == integer(b)
	}
	x, y := parseFloat(a), parseFloat(b)
	return x == y && math.Signbit(x) == math.Signbit(y) || math.IsNaN(x) && math.IsNaN(y)
}

// integer returns the canonical form of a raw integer. Only zero has two forms,
// because JSON allows neither a plus sign nor leading zeros.
func integer(raw string) string {
	if raw == "-0" {
		return "0"
	}
	return raw
}

func isFloat(number string) bool { return strings.ContainsAny(number, ".eENI") }

// parseFloat reads a raw number as Python does: a number that is too large is
// infinite.
func parseFloat(number string) float64 {
	f, _ := strconv.ParseFloat(number, 64)
	return f
}

func equalArrays(a, b string) bool {
	var elements []string
	for e := range Elements(b) {
		elements = append(elements, e)
	}
	i := 0
	for e := range Elements(a) {
		if i >= len(elements) || !equal(e, elements[i]) {
			return false
		}
		i++
	}
	return i == len(elements)
}

func equalObjects(a, b string) bool {
	x, y := asMap(a), asMap(b)
	if len(x) != len(y) {
		return false
	}
	for key, value := range x {
		other, ok := y[key]
		if !ok || !equal(value, other) {
			return false
		}
	}
	return true
}

func asMap(object string) map[string]string {
	m := map[string]string{}
	for k, v := range Members(object) {
		m[k] = v
	}
	return m
}
