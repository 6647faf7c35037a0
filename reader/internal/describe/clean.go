package describe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// Clean makes a stored text safe to print on one line. White space of any kind becomes one
// blank. An invisible character (a control character, an escape sequence, a change of the
// writing direction, a character without a width) is shown as its code. The number of
// combining marks of a character is bounded, so that a column of the output has a bounded
// length.
func Clean(text string) string {
	if isSimple(text) {
		return text
	}
	var out strings.Builder
	blank := false
	for i, r := range text {
		if unicode.IsSpace(r) {
			blank = true
			continue
		}
		if blank {
			out.WriteByte(' ')
			blank = false
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			out.WriteRune(utf8.RuneError)
		case safetext.Visible(r):
			out.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	if blank {
		out.WriteByte(' ')
	}
	return safetext.Bound(out.String())
}

// isSimple reports whether a text is printable ASCII without repeated blanks.
func isSimple(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == ' ' && i > 0 && text[i-1] == ' ' {
			return false
		}
	}
	return true
}
