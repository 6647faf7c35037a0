package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// Text draws a report for people: the operations as a tree, beside each its
// duration and a bar that shows when in the trace it ran; then what the trace
// consists of by service and by operation, and the warnings. Failed
// operations are marked and show their error, incomplete ones say which half
// is missing. Very deep trees are drawn with a bounded indent, behind which a
// number tells the depth. Nothing that was stored reaches the output as a
// control character. The error is w's.
func Text(w io.Writer, r *reader.Report, opts ...TextOption) error {
	c := textConfig{width: defaultWidth}
	for _, opt := range opts {
		opt.apply(&c)
	}
	t := &text{Writer: bufio.NewWriterSize(w, 1<<16), brush: brush(c.color), width: c.width}
	t.survey(r)
	t.header(r)
	t.tree(r)
	t.tables(r)
	t.warnings(r.Warnings)
	return t.Flush()
}

// text is one drawing.
type text struct {
	*bufio.Writer
	brush
	width int
	ruler ruler

	services   []*service
	byService  map[[2]string]*service
	operations map[string]*tally
	all        tally
}

// A tally counts operations.
type tally struct{ count, failed, incomplete int }

func (t *tally) add(n *reader.Node) {
	t.count++
	if n.Failed {
		t.failed++
	}
	if n.Incomplete != reader.Complete {
		t.incomplete++
	}
}

// A service is who ran operations.
type service struct {
	tally
	project, name string // clean
	hosts         []string
	paint         paint
}

// survey counts what the report consists of.
func (t *text) survey(r *reader.Report) {
	t.byService, t.operations = map[[2]string]*service{}, map[string]*tally{}
	total := int64(1)
	for _, n := range r.Nodes() {
		t.all.add(n)
		t.serviceOf(n).add(n)
		op := t.operations[n.Name]
		if op == nil {
			op = &tally{}
			t.operations[n.Name] = op
		}
		op.add(n)
		total = max(total, n.Started, n.Finished)
	}
	if r.Finished != nil {
		total = max(total, *r.Finished)
	}
	columns := min(max(t.width/4, 10), 60)
	t.ruler = ruler{total: total, columns: columns}
}

func (t *text) serviceOf(n *reader.Node) *service {
	key := [2]string{n.Project, n.Service}
	s := t.byService[key]
	if s == nil {
		s = &service{project: clean(n.Project), name: clean(n.Service)}
		s.paint = servicePaints[len(t.services)%len(servicePaints)]
		t.byService[key] = s
		t.services = append(t.services, s)
	}
	const most = 8 // hosts are listed to recognise a place, not to count it
	if host := clean(n.Host); host != "" && len(s.hosts) < most && !slices.Contains(s.hosts, host) {
		s.hosts = append(s.hosts, host)
	}
	return s
}

func (t *text) header(r *reader.Report) {
	if r.BaseID != "" {
		t.print(t.paint(bold, cut("Trace "+clean(r.BaseID), t.width)))
	}
	var parts []piece
	if !r.Began.IsZero() {
		parts = append(parts, piece{r.Began.Format("2006-01-02 15:04:05.000 UTC"), plain})
	}
	if r.Finished != nil {
		parts = append(parts, piece{duration(*r.Finished), plain})
	}
	parts = append(parts, piece{counted(t.all.count, "operation", "operations"), plain})
	if t.all.failed > 0 {
		parts = append(parts, piece{strconv.Itoa(t.all.failed) + " failed", red})
	}
	if t.all.incomplete > 0 {
		parts = append(parts, piece{strconv.Itoa(t.all.incomplete) + " incomplete", yellow})
	}
	t.flow(parts, " · ")
	t.print("")
}

// flow writes pieces one behind the other, on as many lines as it takes.
func (t *text) flow(parts []piece, between string) {
	line, columns := "", 0
	for _, p := range parts {
		if columns > 0 && columns+width(between)+width(p.text) > t.width {
			t.print(line)
			line, columns = "", 0
		}
		if columns > 0 {
			line, columns = line+between, columns+width(between)
		}
		line, columns = line+t.paint(p.paint, p.text), columns+width(p.text)
	}
	t.print(line)
}

// print writes a line without the blanks at its end.
func (t *text) print(line string) {
	_, _ = t.WriteString(strings.TrimRight(line, " ")) // Flush returns the error
	_ = t.WriteByte('\n')
}

// mostRows is how long a table gets.
const mostRows = 20

func (t *text) tables(r *reader.Report) {
	t.print("")
	rows := [][]string{{"service", "project", "hosts", "operations", "failed"}}
	for _, s := range firstOf(t.services) {
		rows = append(rows, []string{named(s.name), s.project, strings.Join(s.hosts, " "), strconv.Itoa(s.count), zeroless(s.failed)})
	}
	t.table(rows, 3, len(t.services)-mostRows, func(i int) paint { return t.services[i].paint })

	t.print("")
	rows = [][]string{{"operation", "count", "total", "mean", "failed", "incomplete"}}
	stats := slices.SortedStableFunc(slices.Values(r.Stats), func(a, b reader.Stat) int { return cmp.Compare(b.Duration, a.Duration) })
	for _, s := range firstOf(stats) {
		known, total := s.Count-s.Incomplete, ""
		if known > 0 {
			total = sum(s.Duration)
		}
		op := tally{}
		if found := t.operations[s.Name]; found != nil {
			op = *found
		}
		rows = append(rows, []string{named(clean(s.Name)), strconv.FormatInt(s.Count, 10), total, mean(s.Duration, known),
			zeroless(op.failed), zeroless(op.incomplete)})
	}
	t.table(rows, 1, len(stats)-mostRows, func(int) paint { return plain })
}

func firstOf[T any](all []T) []T { return all[:min(len(all), mostRows)] }

func named(name string) string {
	if name == "" {
		return "-"
	}
	return name
}

func sum(ms int64) string {
	if ms == 0 {
		return "0 ms"
	}
	return duration(ms)
}

func zeroless(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// table writes rows under a head. From the column numbers on, all is aligned
// right; columns with nothing in them are left out. The first ones are cut
// where the line would grow too long.
func (t *text) table(rows [][]string, numbers, more int, paints func(int) paint) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows[1:] {
		for i, field := range row {
			widths[i] = max(widths[i], width(field))
		}
	}
	line := 0
	for i, head := range rows[0] {
		if widths[i] > 0 {
			widths[i] = max(widths[i], len(head))
			line += widths[i] + 2
		}
	}
	for i := numbers - 1; i >= 0 && line-2 > t.width; i-- {
		less := min(line-2-t.width, max(0, widths[i]-len(rows[0][i])))
		widths[i] -= less
		line -= less
	}
	for place, row := range rows {
		out := ""
		for i, field := range row {
			if widths[i] == 0 {
				continue
			}
			field = cut(field, widths[i])
			blanks := strings.Repeat(" ", widths[i]-width(field))
			if field = t.paint(fieldPaint(place, i, rows[0][i], paints), field); i >= numbers {
				out += blanks + field + "  "
			} else {
				out += field + blanks + "  "
			}
		}
		t.print(out)
	}
	if more > 0 {
		t.print(t.paint(dim, fmt.Sprintf("and %d more", more)))
	}
}

// fieldPaint says how a field of a table is painted. Row 0 is the head.
func fieldPaint(row, column int, head string, paints func(int) paint) paint {
	switch {
	case row == 0:
		return dim
	case head == "failed":
		return red
	case head == "incomplete":
		return yellow
	case column == 0:
		return paints(row - 1)
	}
	return plain
}

func (t *text) warnings(warnings []string) {
	if len(warnings) > 0 {
		t.print("")
	}
	for _, warning := range warnings {
		for i, line := range wrap(clean(warning), t.width-2, 4) {
			mark := "  "
			if i == 0 {
				mark = t.paint(yellow, "! ")
			}
			t.print(mark + line)
		}
	}
}
