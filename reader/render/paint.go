package render

import "strings"

// A paint is the SGR code of a colour or weight; the zero paint is none.
type paint string

const (
	plain  paint = ""
	bold   paint = "1"
	dim    paint = "2"
	red    paint = "1;31"
	yellow paint = "33"
)

// servicePaints tell services apart. Red and yellow have their own meaning.
var servicePaints = []paint{"36", "32", "35", "34", "96", "92", "95", "94"}

// A brush paints texts if it is on.
type brush bool

func (on brush) paint(p paint, text string) string {
	if !bool(on) || p == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// A piece is a part of a line in one paint.
type piece struct {
	text  string // clean
	paint paint
}

// line joins pieces to exactly so many columns.
func (on brush) line(pieces []piece, columns int) string {
	out, left := "", columns
	for i, p := range pieces {
		text := cut(p.text, left)
		if text == p.text && width(text) == left && i+1 < len(pieces) && left > 0 {
			text = head(text, left-1) + ellipsis // there is no room for the next piece
		}
		out += on.paint(p.paint, text)
		if left -= width(text); left <= 0 || text != p.text {
			break
		}
	}
	return out + strings.Repeat(" ", max(0, left))
}

// widthOf returns how many columns pieces take.
func widthOf(pieces []piece) (columns int) {
	for _, p := range pieces {
		columns += width(p.text)
	}
	return columns
}
