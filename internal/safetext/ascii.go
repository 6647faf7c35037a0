package safetext

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ASCII writes a text in ASCII. The ellipsis, the arrow and the micro sign have a
// spelling. Any other character is shown as its code.
func ASCII(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			out.WriteRune(r)
		case r == '…':
			out.WriteString("...")
		case r == '→':
			out.WriteString("->")
		case r == 'µ':
			out.WriteByte('u')
		case r < 0x100:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	return out.String()
}
