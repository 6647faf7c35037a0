package render

import (
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

// timeColumns is the width of the durations.
const timeColumns = 8

// A branch holds the siblings of one level that are not drawn yet.
type branch struct {
	left []*reader.Node // in order
	host string         // of the parent
}

// tree draws the operations, without recursion.
func (t *text) tree(r *reader.Report) {
	labels := t.width - t.ruler.columns - timeColumns - 4
	limit := max(labels/4, 6) // levels that are indented, two columns each
	if !t.narrow() {          // the bars get the columns that no label needs
		longest := 0
		eachOperation(r, func(n *reader.Node, open []branch) {
			longest = max(longest, widthOf(t.label(n, open, limit))+t.excess(n))
		})
		t.ruler.columns += max(labels-longest, 0)
		labels = min(labels, longest)
	}
	t.print(t.paint(dim, strings.Repeat(" ", labels+timeColumns+2)+" "+t.ruler.axis()))
	eachOperation(r, func(n *reader.Node, open []branch) {
		t.operation(n, open, labels, limit)
		if n.Failed { // a status is already on the line itself
			t.failure(n, open, limit)
		}
		if t.verbose {
			t.details(n, open, limit)
		}
	})
}

// eachOperation visits the operations in the order in which they are drawn.
func eachOperation(r *reader.Report, visit func(n *reader.Node, open []branch)) {
	open := []branch{{left: r.Children}}
	for len(open) > 0 {
		depth := len(open) - 1
		level := &open[depth]
		if len(level.left) == 0 {
			open = open[:depth]
			continue
		}
		n := level.left[0]
		level.left = level.left[1:]
		visit(n, open)
		open = append(open, branch{left: n.Children, host: n.Host})
	}
}

// narrow reports whether there is no room for details.
func (t *text) narrow() bool { return t.width < 120 }

// label describes an operation on its line of the tree.
func (t *text) label(n *reader.Node, open []branch, limit int) []piece {
	s := t.serviceOf(n)
	pieces := []piece{{stem(open, limit, true), dim}}
	if describe.Failed(n) {
		pieces = append(pieces, piece{"✗ ", red})
	}
	if s.name != "" {
		pieces = append(pieces, piece{s.name, s.paint}, piece{":", dim})
	}
	pieces = append(pieces, piece{orDash(t.clean(n.Name)), bold})
	if what := t.inASCII(describe.Detail(n, t.narrow())); what != "" {
		pieces = append(pieces, piece{"  " + what, elastic})
	}
	if code := t.clean(describe.HTTPStatus(n)); code != "" {
		pieces = append(pieces, piece{t.inASCII(" → ") + code, plain})
	}
	if host := open[len(open)-1].host; n.Host != host && n.Host != "" && !t.narrow() {
		pieces = append(pieces, piece{"  @" + t.clean(n.Host), dim})
	}
	return pieces
}

// operation draws one line of the tree.
func (t *text) operation(n *reader.Node, open []branch, labels, limit int) {
	pieces := t.label(n, open, limit)
	took, color := t.took(n)
	labels -= t.excess(n)
	bar := t.serviceOf(n).paint
	if describe.Failed(n) {
		bar = red
	}
	frame := t.paint(dim, "│")
	t.print(t.line(t.fit(pieces, labels), labels) + " " + t.paint(color, padLeft(took, timeColumns+t.excess(n))) + " " + frame + t.paint(bar, t.ruler.bar(n)) + frame)
}

// took returns the duration of an operation, or the reason why it is not known.
func (t *text) took(n *reader.Node) (string, paint) {
	d, ok := n.Elapsed()
	switch {
	case n.Incomplete == reader.NoStop && n.Timed && t.ruler.total.Duration > n.Begin:
		return "running for " + duration{t.ruler.total.Duration - n.Begin, n.Exact && t.ruler.total.exact}.String(), yellow
	case !ok:
		return t.clean(string(n.Incomplete)), yellow
	case d < 0:
		return duration{d, n.Exact}.String(), yellow
	}
	return duration{d, n.Exact}.String(), plain
}

// excess returns how many columns of the label the duration takes, because "running for" is
// longer than a duration.
func (t *text) excess(n *reader.Node) int {
	took, _ := t.took(n)
	return max(width(took)-timeColumns, 0)
}

// failure draws the error under its operation, over the whole width.
func (t *text) failure(n *reader.Node, open []branch, limit int) {
	guide := stem(append(open, branch{left: n.Children}), limit, false)
	for _, line := range t.wrap(t.inASCII(describe.Failure(n)), t.width-width(guide)-2, 3) {
		t.print(t.paint(dim, guide) + "  " + t.paint(red, line))
	}
}

// stem draws the lines from the ancestors to an operation. If own is false, it draws the
// lines next to a text below the operation.
func stem(open []branch, limit int, own bool) string {
	depth := len(open) - 1
	var out strings.Builder
	for level := 1; level <= min(depth, limit); level++ {
		more := len(open[level].left) > 0
		switch {
		case own && level == depth && more:
			out.WriteString("├ ")
		case own && level == depth:
			out.WriteString("└ ")
		case more:
			out.WriteString("│ ")
		default:
			out.WriteString("  ")
		}
	}
	if own && depth > limit {
		out.WriteString("┊" + strconv.Itoa(depth) + " ")
	}
	return out.String()
}
