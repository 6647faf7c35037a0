// Package safetext makes text from outside safe to print.
//
// Anybody who can reach a store can write any text into it. Printed unchanged,
// such a text could move the cursor, change the writing direction, hide
// characters, or make one cell of a terminal millions of bytes long.
package safetext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Visible reports whether a reader can see r. These characters are not visible:
// control characters, changes of the writing direction, characters without a
// width (joiners, tags, variation selectors, fillers), and blanks other than the
// ASCII space. Combining marks are visible.
func Visible(r rune) bool {
	const brailleBlank = '\u2800' // its category is symbol, but it looks like a blank
	return r >= ' ' && r <= '~' ||
		unicode.IsPrint(r) && r != brailleBlank &&
			!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Escape replaces each character that is not visible by its Go escape sequence.
// The result is one line that cannot control a terminal. Escape also shortens
// grapheme clusters as [Bound] does.
func Escape(text string) string {
	if isVisibleASCII(text) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			out.WriteString(`\x` + strconv.FormatUint(uint64(text[i]), 16))
		case Visible(r):
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return Bound(out.String())
}

func isVisibleASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// clusterRunes is the number of code points that Bound leaves of a grapheme
// cluster. Living languages need fewer, but Unicode allows any number of
// combining marks.
const clusterRunes = 8

// Bound shortens each grapheme cluster (a character with all its combining
// marks) to eight code points and an ellipsis. A text of bounded width then also
// has a bounded length.
func Bound(text string) string {
	var out strings.Builder
	copied := 0
	for rest, state := text, -1; rest != ""; {
		var cluster string
		begin := len(text) - len(rest)
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if len(cluster) <= clusterRunes || utf8.RuneCountInString(cluster) <= clusterRunes {
			continue
		}
		out.WriteString(text[copied : begin+runesLength(cluster, clusterRunes)])
		out.WriteString("…")
		copied = begin + len(cluster)
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

// runesLength returns the length in bytes of the first n code points.
func runesLength(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

// Shorten replaces the middle of a text by an ellipsis if the text has more than
// most code points. It keeps both ends, because an error names its subject at the
// beginning and its cause at the end.
func Shorten(text string, most int) string {
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	head := runesLength(text, most/2)
	tail := len(text)
	for range most - most/2 {
		_, size := utf8.DecodeLastRuneInString(text[:tail])
		tail -= size
	}
	return text[:head] + "…" + text[tail:]
}
