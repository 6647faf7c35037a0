package render

import (
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// A ruler maps the times of a trace to eighths of columns.
type ruler struct {
	total   duration
	columns int
}

// eighth returns the eighth of a column for a time.
func (u ruler) eighth(at time.Duration) int {
	total := max(u.total.Duration, 1)
	at = min(max(at, 0), total)
	return int(float64(at) / float64(total) * float64(8*u.columns))
}

// bar draws the time of an operation within the trace, in exactly u.columns columns.
func (u ruler) bar(n *reader.Node) string {
	if !n.Timed {
		return strings.Repeat(" ", u.columns)
	}
	from, to := u.eighth(min(n.Begin, n.End)), u.eighth(max(n.Begin, n.End))
	from = min(from, 8*u.columns-1)
	cells := make([]rune, u.columns)
	for i := range cells {
		cells[i] = cell(from-8*i, to-8*i)
	}
	cells[from/8] = first(from%8, to-from/8*8)
	if n.Incomplete == reader.NoStop { // its end is not known
		for i := from/8 + 1; i < u.columns; i++ {
			cells[i] = '╌'
		}
	}
	return string(cells)
}

// partial contains the cells that are filled from the left, by eighths.
var partial = []rune(" ▏▎▍▌▋▊▉█")

// cell draws a cell that the bar fills from one eighth to another.
func cell(from, to int) rune {
	if from > 0 || to <= 0 {
		return ' '
	}
	return partial[min(to, 8)]
}

// first draws the cell in which the bar begins. The cell is never empty.
func first(from, to int) rune {
	to = min(to, 8)
	switch {
	case from >= 6 || from >= 4 && to-from < 3:
		return '▕'
	case from >= 3 && to == 8:
		return '▐'
	case from >= 3:
		return partial[max(to-from, 1)]
	}
	return partial[max(to, 1)]
}

// axis labels the ruler: its begin, its middle if there is room, its end.
func (u ruler) axis() string {
	end := u.total.String()
	if width(end)+2 > u.columns {
		return padLeft(end, u.columns)
	}
	line := pad("0", u.columns-width(end)) + end
	middle := duration{u.total.Duration / 2, u.total.exact}.String()
	at := (u.columns - width(middle)) / 2
	if u.total.Duration < 2*time.Millisecond || at < 3 || at+width(middle)+2 > u.columns-width(end) {
		return line
	}
	return line[:at] + middle + line[at+width(middle):]
}
