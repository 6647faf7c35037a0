package render

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// glyphs maps the characters of the drawing to ASCII. Each takes as many columns as
// before.
var glyphs = strings.NewReplacer(
	"│", "|", "├ ", "|-", "└ ", "`-", "┊", ":", "✗", "x", "·", "-", "µ", "u",
	"▏", "#", "▎", "#", "▍", "#", "▌", "#", "▋", "#", "▊", "#", "▉", "#", "█", "#", "▕", "#", "▐", "#", "╌", "-",
)

// glyphs returns a line in ASCII, if the brush writes ASCII. All characters of
// stored texts are in ASCII by then.
func (b brush) glyphs(line string) string {
	if !b.isASCII {
		return line
	}
	return glyphs.Replace(line)
}

// clean makes a stored text safe to print on one line ([clean]).
func (b brush) clean(text string) string { return b.inASCII(clean(text)) }

// inASCII returns a clean text in ASCII, if the brush writes ASCII. The ellipsis,
// the arrow and the micro sign have a spelling. Any other character is shown as its
// code.
func (b brush) inASCII(text string) string {
	if !b.isASCII {
		return text
	}
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
