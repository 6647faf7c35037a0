package render

import (
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// glyphs maps the characters of the drawing to ASCII. Each replacement takes as many columns
// as the original.
var glyphs = strings.NewReplacer(
	"│", "|", "├ ", "|-", "└ ", "`-", "┊", ":", "✗", "x", "·", "-", "µ", "u",
	"▏", "#", "▎", "#", "▍", "#", "▌", "#", "▋", "#", "▊", "#", "▉", "#", "█", "#", "▕", "#", "▐", "#", "╌", "-",
)

// glyphs returns a line in ASCII if the brush writes ASCII. All characters of stored texts
// have been converted before.
func (b brush) glyphs(line string) string {
	if !b.isASCII {
		return line
	}
	return glyphs.Replace(line)
}

// clean makes a stored text safe to print on one line ([clean]).
func (b brush) clean(text string) string { return b.inASCII(clean(text)) }

// inASCII returns a clean text in ASCII, if the brush writes ASCII ([safetext.ASCII]).
func (b brush) inASCII(text string) string {
	if !b.isASCII {
		return text
	}
	return safetext.ASCII(text)
}
