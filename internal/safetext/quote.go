package safetext

import (
	"strconv"
	"unicode/utf8"
)

// Quote quotes the first 80 code points of a text for an error or a warning, as
// Go quotes a string. An ellipsis stands for the others.
func Quote(text string) string {
	const most = 80
	if utf8.RuneCountInString(text) > most {
		text = text[:runesLength(text, most)] + "…"
	}
	return strconv.QuoteToGraphic(text)
}
