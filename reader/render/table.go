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

// mostRows is how many rows a table has at most.
const mostRows = 20

func (t *text) tables(r *reader.Report) {
	t.print("")
	rows := [][]string{{"service", "project", "hosts", "operations", "failed"}}
	for _, s := range firstOf(t.services) {
		rows = append(rows, []string{orDash(s.name), s.project, strings.Join(s.hosts, " "), strconv.Itoa(s.count), zeroless(s.failed)})
	}
	t.table(rows, 3, len(t.services)-mostRows, func(i int) paint { return t.services[i].paint })

	t.print("")
	rows = [][]string{{"operation", "count", "total", "mean", "failed", "incomplete"}}
	sums := t.sums(r)
	for _, s := range firstOf(sums) {
		total, mean := "", ""
		if s.known > 0 {
			total, mean = s.took.String(), duration{s.took.Duration / time.Duration(s.known), s.took.exact}.String()
		}
		rows = append(rows, []string{orDash(t.clean(s.name)), strconv.Itoa(s.count), total, mean, zeroless(s.failed), zeroless(s.incomplete)})
	}
	t.table(rows, 1, len(sums)-mostRows, func(int) paint { return plain })
}

// A sum is a row of the table of operations.
type sum struct {
	name string
	tally
}

// sums lists the operations by name, those with the longest total first. If the report's
// stats count other operations than the tree has, as they may in Python's answer, sums uses
// the stats.
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

func orDash(name string) string {
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

// table writes rows below a head. The columns from index numbers on are aligned to the right.
// Empty columns are left out. The columns before numbers are cut if the line would be too
// long. If there are more rows than mostRows, a last line gives the number of the others.
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
	for i, row := range rows {
		out := ""
		for column, field := range row {
			if widths[column] == 0 {
				continue
			}
			field = t.cut(field, widths[column])
			blanks := strings.Repeat(" ", widths[column]-width(field))
			if field = t.paint(fieldPaint(i, column, rows[0][column], paints), field); column >= numbers {
				out += blanks + field + "  "
			} else {
				out += field + blanks + "  "
			}
		}
		t.print(out)
	}
	if more > 0 {
		t.print(t.paint(dim, fmt.Sprintf("%d of %d", mostRows, mostRows+more)))
	}
}

// fieldPaint returns the paint of a field of a table. Row 0 is the head.
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
