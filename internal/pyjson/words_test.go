package pyjson

import "testing"

// The first byte that is special, or has to be escaped, is found wherever it
// stands, and whatever stands around it.
func TestWords(t *testing.T) {
	for name, c := range map[string]struct {
		marks func(uint64) uint64
		clear [256]bool
	}{"special": {special, plain}, "escaped": {escaped, verbatim}} {
		for b := range 256 {
			for place := range 8 {
				for _, rest := range []byte{'a', ' ', 0x7E, 0x7F, 0x80, 0xFF, '!', '#', '[', ']', '"', '\\', 0x1F} {
					for _, before := range [][]byte{{'a', 0x80, '!', '#', 0xFF, '[', ' ', ']'}, {'a', ' ', '!', '#', '~', '[', ']', '0'}} {
						text := append(append([]byte{}, before[:place]...), byte(b))
						for len(text) < 8 {
							text = append(text, rest)
						}
						want := 0
						for want < 8 && c.clear[text[want]] {
							want++
						}
						if got := first(c.marks(eight(text, 0))); got != want {
							t.Fatalf("%s in %q: the first is at %d, want %d", name, text, got, want)
						}
					}
				}
			}
		}
	}
}
