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

	// elastic marks the plain piece that is shortened first.
	elastic paint = "elastic"
)

// servicePaints distinguish services. Red and yellow are not among them, because they have
// their own meaning.
var servicePaints = []paint{"36", "32", "35", "34", "96", "92", "95", "94"}

// A brush writes texts in colour or not, and in ASCII or not.
type brush struct{ isColored, isASCII bool }

func (b brush) paint(p paint, text string) string {
	if !b.isColored || p == plain || p == elastic || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// A piece is a part of a line in one paint.
type piece struct {
	text  string // clean
	paint paint
}

// line joins pieces to exactly the given number of columns.
func (b brush) line(pieces []piece, columns int) string {
	out, left := "", columns
	for i, p := range pieces {
		text := b.cut(p.text, left)
		if text == p.text && width(text) == left && i+1 < len(pieces) && left > 0 {
			text = b.cut(text+" ", left) // there is no room for the next piece
		}
		out += b.paint(p.paint, text)
		if left -= width(text); left <= 0 || text != p.text {
			break
		}
	}
	return out + strings.Repeat(" ", max(0, left))
}

// fit shortens the elastic piece, so that the piece after it (the HTTP status) fits into the
// columns. The elastic piece keeps at least 8 columns.
func (b brush) fit(pieces []piece, columns int) []piece {
	for i, p := range pieces {
		if p.paint != elastic || i+1 == len(pieces) {
			continue
		}
		if over := widthOf(pieces[:i+2]) - columns; over > 0 {
			pieces[i].text = b.cut(p.text, max(width(p.text)-over, 8))
		}
	}
	return pieces
}

// widthOf returns how many columns pieces take.
func widthOf(pieces []piece) (columns int) {
	for _, p := range pieces {
		columns += width(p.text)
	}
	return columns
}
