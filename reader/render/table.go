package render

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/reader"
)

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
	sums := t.sums(r)
	for _, s := range firstOf(sums) {
		total, mean := "", ""
		if s.known > 0 {
			total, mean = s.took.String(), span{s.took.Duration / time.Duration(s.known), s.took.exact}.String()
		}
		rows = append(rows, []string{named(clean(s.name)), strconv.Itoa(s.count), total, mean, zeroless(s.failed), zeroless(s.incomplete)})
	}
	t.table(rows, 1, len(sums)-mostRows, func(int) paint { return plain })
}

// A sum is a row of the table of operations.
type sum struct {
	name string
	tally
}

// sums lists the operations by name, those that took longest in all first.
// Where the report's stats count other operations than those of the tree, as
// upstream's do, they stand for them.
func (t *text) sums(r *reader.Report) []sum {
	var sums []sum
	for _, s := range r.Stats {
		row := sum{name: s.Name}
		if op := t.operations[s.Name]; op != nil {
			row.tally = *op
		}
		if row.count != int(s.Count) {
			row.count, row.known, row.took = int(s.Count), int(s.Count-s.Incomplete), milliseconds(s.Duration)
		}
		sums = append(sums, row)
	}
	slices.SortStableFunc(sums, func(a, b sum) int { return cmp.Compare(b.took.Duration, a.took.Duration) })
	return sums
}

func firstOf[T any](all []T) []T { return all[:min(len(all), mostRows)] }

func named(name string) string {
	if name == "" {
		return "-"
	}
	return name
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
