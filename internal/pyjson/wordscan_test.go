package pyjson

import (
	"strings"
	"testing"
)

// special and escaped mark the first byte of their kind at each index, for each
// byte value, and with many values of the bytes around it.
func TestFirstMark(t *testing.T) {
	for name, c := range map[string]struct {
		marks func(uint64) uint64
		clear [256]bool
	}{"special": {special, plain}, "escaped": {escaped, verbatim}} {
		for b := range 256 {
			for index := range 8 {
				for _, rest := range []byte{'a', ' ', 0x7E, 0x7F, 0x80, 0xFF, '!', '#', '[', ']', '"', '\\', 0x1F} {
					for _, before := range [][]byte{{'a', 0x80, '!', '#', 0xFF, '[', ' ', ']'}, {'a', ' ', '!', '#', '~', '[', ']', '0'}} {
						text := append(append([]byte{}, before[:index]...), byte(b))
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

// equalTo and controls mark every byte of their kind and no other byte.
func TestExactMarks(t *testing.T) {
	for _, c := range []byte{0, 0x1F, 0x20, '"', '\\', 0x7F, 0x80, 0xFF} {
		for before := range 256 {
			for after := range 256 {
				text := string([]byte{byte(before), c, byte(after), c, c, byte(before), byte(after), 'a'})
				var wantEqual, wantControls uint64
				for i := range 8 {
					if text[i] == c {
						wantEqual |= 0x80 << (8 * i)
					}
					if text[i] < 0x20 {
						wantControls |= 0x80 << (8 * i)
					}
				}
				if x := eight(text, 0); equalTo(x, c) != wantEqual || controls(x) != wantControls {
					t.Fatalf("%q: %x and %x, want %x and %x", text, equalTo(x, c), controls(x), wantEqual, wantControls)
				}
			}
		}
	}
}

func TestPrintable(t *testing.T) {
	for length := range 80 {
		for index := range length {
			for _, c := range []string{"a", " ", "\x00", "\x1F", "\n", "\x7F", "\x80", "\xFF", "é"} {
				text := strings.Repeat("x", index) + c + strings.Repeat("x", length-index)
				if want := c[0] >= 0x20 && c[0] < 0x80; Printable(text) != want {
					t.Fatalf("%q is printable: %v", text, !want)
				}
			}
		}
	}
}

// stringEnd agrees with a scan byte by byte on strings with escapes of all kinds
// at all indices.
func TestStringEnd(t *testing.T) {
	pieces := []string{`a`, `\"`, `\\`, `\n`, `\u00e9`, "é", `"`, "\n", `\x`, `\`, "12345678"}
	var walk func(text string, left int)
	walk = func(text string, left int) {
		want := 1
		for want < len(text) && text[want] != '"' && plain[text[want]] || want < len(text) && text[want] == '\\' {
			if text[want] == '\\' {
				end, err := escapeEnd(text, want)
				if err != nil {
					break
				}
				want = end
				continue
			}
			want++
		}
		ends := want < len(text) && text[want] == '"'
		got, err := stringEnd(text, 0)
		if (err == nil) != ends || ends && got != want+1 || !ends && got != want {
			t.Fatalf("%q ends at %d (%v), want %d, %v", text, got, err, want, ends)
		}
		if left == 0 {
			return
		}
		for _, piece := range pieces {
			walk(text+piece, left-1)
		}
	}
	for _, start := range []string{`"`, `"123456`, `"12345\"`} {
		walk(start, 5)
	}
}
