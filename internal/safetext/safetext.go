// Package safetext says which characters of outside text may be printed.
//
// A store holds what anybody wrote who can reach it. Printed as it is, such text
// could move the cursor, change the writing direction, hide characters, or make
// one cell of a terminal millions of bytes long.
package safetext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Visible tells whether a reader sees r where it is printed. Control
// characters, changes of the writing direction, characters without a width
// (joiners, tags, variation selectors, fillers), and blanks other than the
// ASCII space are not visible. Combining marks are.
func Visible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol by its category, a blank by its look
	return r >= ' ' && r <= '~' ||
		unicode.IsPrint(r) && r != brailleBlank &&
			!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Escape writes each character that is not visible as Go escapes it, so that
// the text stays on one line and does nothing to a terminal. It also does what
// [Bound] does.
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

// clusterRunes is how many code points a grapheme cluster may have. Those of
// living languages have fewer; Unicode allows any number of combining marks.
const clusterRunes = 8

// Bound shortens each grapheme cluster (a character with all its combining
// marks) to eight code points. An ellipsis stands for the others. Text of
// bounded width is then of bounded length, too.
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

// runesLength returns how many bytes the first n code points take.
func runesLength(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

// Shorten leaves out the middle of a text that has more than so many code
// points. An ellipsis stands for it. Errors name what they are about at their
// begin and the cause at their end.
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
