package pyjson

import (
	"math/bits"
	"testing"
)

// The first byte that is not plain is found wherever it stands, and whatever
// stands around it.
func TestSpecial(t *testing.T) {
	for c := range 256 {
		for place := range 8 {
			for _, rest := range []byte{'a', ' ', 0x80, 0xFF, '!', '#', '[', ']', '"', '\\', 0x1F} {
				text := []byte{'a', 0x80, '!', '#', 0xFF, '[', ' ', ']'}
				text[place] = byte(c)
				for i := place + 1; i < 8; i++ {
					text[i] = rest
				}
				want := 0
				for want < 8 && plain[text[want]] {
					want++
				}
				if got := bits.TrailingZeros64(special(eight(string(text), 0))) / 8; got != want {
					t.Fatalf("%q: the first is at %d, want %d", text, got, want)
				}
			}
		}
	}
}
