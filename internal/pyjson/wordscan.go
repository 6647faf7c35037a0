package pyjson

import (
	"math/bits"
	"unicode/utf8"
)

// The functions of this file examine eight bytes of a string at a time, as one
// uint64. Its lowest byte is the first byte of the string. The functions return
// marks: a uint64 in which the highest bit of a byte is set if that byte has the
// property in question.
//
// ones has the lowest bit of each byte set, highs the highest bit.
const ones, highs = 0x0101010101010101, 0x8080808080808080

// eight returns s[i:i+8] as one number. The compiler makes a single load of it.
func eight[T string | []byte](s T, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// special marks the first of eight bytes that is not plain. Bytes after the
// first one may be marked wrongly. The result is 0 if all bytes are plain.
//
// Subtracting n from a byte below n borrows from the byte's highest bit, which
// detects bytes below 0x20. The tests for the quote and the backslash first make
// the wanted byte zero by an XOR, and then use the same test with n = 1.
func special(x uint64) uint64 {
	quotes, slashes := x^(ones*'"'), x^(ones*'\\')
	return ((x-ones*0x20)&^x | (quotes-ones)&^quotes | (slashes-ones)&^slashes) & highs
}

// escaped marks the first of eight bytes that is not verbatim, as special does
// for plain. In addition to special it detects bytes above 0x7E: those have the
// highest bit set, or (0x7F) get it when one is added.
func escaped(x uint64) uint64 { return special(x) | (x|(x+ones))&highs }

// first returns the index (0 to 7) of the first marked byte.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// equalTo marks exactly the bytes that are c.
func equalTo(x uint64, c byte) uint64 {
	x ^= ones * uint64(c)
	return ^((x &^ highs) + (highs - ones) | x) & highs
}

// controls marks exactly the bytes below 0x20: their three highest bits are 0.
func controls(x uint64) uint64 { return ^(x | x<<1 | x<<2) & highs }

// Printable reports whether all bytes of the text are from 0x20 to 0x7F, as in
// everything that json.dumps writes. Such a text is valid UTF-8 on one line.
func Printable(s string) bool {
	i := 0
	for ; i+16 <= len(s); i += 16 {
		x, y := eight(s, i), eight(s, i+8)
		if controls(x)|controls(y)|(x|y)&highs != 0 {
			return false
		}
	}
	for ; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
