package pyjson

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Equal tells whether two valid raw values are the same JSON value: members in
// any order (of a repeated key the last counts), strings by what they say.
// Integers are equal by their exact value, floats as float64, and an integer
// is never a float: 1 and 1.0 differ, as they do for whoever reads the type.
// NaN equals itself. Deeper than 500 levels, where Python does not follow any
// more, the order of the members counts.
func Equal(a, b string) bool { return equal(a, b, 500) }

func equal(a, b string, levels int) bool {
	if a == b {
		return true
	}
	kind := KindOf(a)
	if kind != KindOf(b) {
		return false
	}
	if levels == 0 {
		return bytes.Equal(Compact.Append(nil, a), Compact.Append(nil, b))
	}
	switch kind {
	case String:
		return Unquote(a) == Unquote(b)
	case Number:
		return equalNumbers(a, b)
	case Array:
		return equalArrays(a, b, levels-1)
	case Object:
		return equalObjects(a, b, levels-1)
	default:
		return a == b
	}
}

func equalNumbers(a, b string) bool {
	if isFloat(a) != isFloat(b) {
		return false
	}
	if !isFloat(a) {
		x, okX := new(big.Int).SetString(a, 10)
		y, okY := new(big.Int).SetString(b, 10)
		return okX && okY && x.Cmp(y) == 0
	}
	x, y := parseFloat(a), parseFloat(b)
	return x == y && math.Signbit(x) == math.Signbit(y) || math.IsNaN(x) && math.IsNaN(y)
}

func isFloat(number string) bool { return strings.ContainsAny(number, ".eENI") }

// parseFloat reads a raw number as Python does: too large is infinite.
func parseFloat(number string) float64 {
	f, _ := strconv.ParseFloat(number, 64)
	return f
}

func equalArrays(a, b string, levels int) bool {
	var elements []string
	for e := range Elements(b) {
		elements = append(elements, e)
	}
	i := 0
	for e := range Elements(a) {
		if i >= len(elements) || !equal(e, elements[i], levels) {
			return false
		}
		i++
	}
	return i == len(elements)
}

func equalObjects(a, b string, levels int) bool {
	x, y := asMap(a), asMap(b)
	if len(x) != len(y) {
		return false
	}
	for key, value := range x {
		other, ok := y[key]
		if !ok || !equal(value, other, levels) {
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
