package table

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// PythonAnswers implements driver.PythonAnswerer. The payload consists of the
// contents of the data column. The host of a node is the host beside info if
// there is one. Traces are listed by their first rows. Failed traces are not
// listed.
func (t *Table) PythonAnswers() driver.PythonAnswers {
	return driver.PythonAnswers{Driver: "sqlalchemy", Payload: t.payload, Host: host, Traces: t.firstRows}
}

func (t *Table) payload(n *osprofiler.Notification) string {
	_, inner := t.characters().encodeInner(n)
	return inner
}

// host returns the host as JSON. It returns null, like the column, if the
// notification has no host.
func host(n *osprofiler.Notification) (raw string, ok bool) {
	if raw, ok := n.Member(hostKey); ok {
		return raw, true
	}
	if raw, ok := n.Info.Get(hostKey); ok {
		return raw, true
	}
	return "null", true
}

// allColumns contains the columns in the order of the table, in which the
// Python library returns the fields.
var allColumns = append(append([]string{"id"}, columns[:]...), "data")

// firstRows lists the first row of each trace, in the order in which the Python
// library reads the rows. Any column can be a field. Other fields are left out.
func (t *Table) firstRows(ctx context.Context, fields []string) iter.Seq2[string, error] {
	if len(fields) == 0 {
		fields = []string{columns[colBaseID], columns[colTimestamp]}
	}
	asked := slices.DeleteFunc(slices.Clone(allColumns), func(column string) bool { return !slices.Contains(fields, column) })
	return func(yield func(string, error) bool) {
		behind, pager := "", newPager(firstRows)
		for more := true; more; {
			var page []string
			exists, err := t.reading(ctx, func() (err error) {
				page, behind, more, err = t.firstRowsBehind(ctx, asked, behind, pager.Next())
				return err
			})
			if err != nil {
				yield("", err)
				return
			}
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			more = more && exists
			pager.AddTexts(page...)
		}
	}
}

// firstRowsBehind returns a page of first rows behind a position in the physical
// order, as JSON objects, and the position of its last row.
func (t *Table) firstRowsBehind(ctx context.Context, asked []string, behind string, most int) (page []string, last string, more bool, err error) {
	physicalOrder, placeholder := t.dialect.PhysicalOrder()
	var from, selected string
	var args []any
	if behind != "" {
		from, args = fmt.Sprintf("%s > %s AND ", physicalOrder, placeholder), []any{behind}
	}
	for _, column := range asked {
		if column == "data" {
			column = t.dialect.Text()
		}
		selected += ", " + column
	}
	query := fmt.Sprintf("SELECT %[1]s%[5]s FROM data AS this WHERE %[2]sNOT EXISTS "+
		"(SELECT 1 FROM data AS earlier WHERE %[3]s AND earlier.%[1]s < this.%[1]s) ORDER BY %[1]s LIMIT %[4]d",
		physicalOrder, from, t.dialect.Same("earlier.base_id", "this.base_id"), most, selected)
	last, bytes := behind, 0
	err = t.fetch(ctx, query, args, func(values [][]byte) bool {
		last = string(values[0])
		page = append(page, objectOf(asked, values[1:]))
		bytes += len(page[len(page)-1])
		return bytes <= pageBytes
	})
	return page, last, len(page) == most || bytes > pageBytes, err
}

// objectOf returns the JSON object that the Python library makes from a row.
func objectOf(columns []string, values [][]byte) string {
	var o object
	for i, column := range columns {
		switch value := string(values[i]); {
		case values[i] == nil:
			o.add(column, "null")
		case column == "id":
			o.add(column, value)
		case column == "data":
			o.add(column, dataValue(value))
		default:
			o.add(column, string(pyjson.AppendString(nil, value)))
		}
	}
	return o.text()
}

// dataValue returns the JSON value of the data column, on one line. A text that
// is not JSON, for which the Python library fails, becomes a JSON string.
func dataValue(text string) string {
	raw, err := pyjson.One(text)
	if err != nil {
		return string(pyjson.AppendString(nil, text))
	}
	return strings.ReplaceAll(strings.ReplaceAll(raw, "\n", " "), "\r", " ")
}
