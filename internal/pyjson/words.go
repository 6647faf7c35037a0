package pyjson

import (
	"math/bits"
	"unicode/utf8"
)

// Strings are looked through eight bytes at a time, as one number, whose lowest
// byte comes first.
const ones, highs = 0x0101010101010101, 0x8080808080808080

// eight returns the bytes from s[i] on as one number, which the compiler loads at once.
func eight[T string | []byte](s T, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// special marks, by its highest bit, the first of eight bytes that is not
// plain (bytes behind it may be marked wrongly); 0 if all are. A byte below n
// borrows from its highest bit when n is taken off; the tests for the quote and
// the backslash are the same for n = 1, with the byte looked for made zero.
func special(x uint64) uint64 {
	quotes, slashes := x^(ones*'"'), x^(ones*'\\')
	return ((x-ones*0x20)&^x | (quotes-ones)&^quotes | (slashes-ones)&^slashes) & highs
}

// escaped marks like special the first of eight bytes that is not verbatim: of
// the others, those above U+007E have the highest bit, or get it when one is added.
func escaped(x uint64) uint64 { return special(x) | (x|(x+ones))&highs }

// first is the place of the first byte that is marked.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// equalTo marks those of eight bytes that are c, and no others.
func equalTo(x uint64, c byte) uint64 {
	x ^= ones * uint64(c)
	return ^((x &^ highs) + (highs - ones) | x) & highs
}

// controls marks those of eight bytes that are below U+0020, and no others:
// their three highest bits are not set.
func controls(x uint64) uint64 { return ^(x | x<<1 | x<<2) & highs }

// Printable tells whether the text is of U+0020 to U+007F only, as all is that
// json.dumps writes: then it is UTF-8, and stands on one line.
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
