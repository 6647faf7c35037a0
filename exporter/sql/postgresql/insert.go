package postgresql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// latest looks up each trace_id with the index. If one condition named all
// trace_ids, the planner might read the whole table. `id + 0` stops the planner
// from using the primary key instead of the index on trace_id.
var latest = fmt.Sprintf("SELECT stored.* FROM unnest($1::text[]) AS asked (trace_id) CROSS JOIN LATERAL "+
	"(SELECT %s, CAST(data AS text) FROM data WHERE trace_id = asked.trace_id ORDER BY id + 0 DESC LIMIT %d) AS stored",
	strings.Join(table.Columns(), ", "), table.SameTraceID)

func (dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.ReadRows(ctx, c, latest, traceIDs)
}

// Insert sends rows with COPY, as text. Text can be copied into columns of any
// type, such as a data column that somebody changed to jsonb. pgx's own CopyFrom
// asks for the types first. COPY is refused if data is a view, and under
// row-level security. From the first refusal on, rows are sent with a statement.
func (d dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	if len(rows) == 0 {
		_, err := c.ExecContext(ctx, confirm)
		return 0, err
	}
	if d.noCopy.Load() {
		return insert(ctx, c, rows)
	}
	err = c.Raw(func(driver any) error {
		conn, err := connOf(driver)
		if err != nil {
			return err
		}
		tag, err := conn.PgConn().CopyFrom(ctx, &copyText{rows: rows}, "COPY data ("+table.ColumnList+") FROM STDIN")
		inserted = tag.RowsAffected()
		return err
	})
	if class, _ := classOf(err); class == serverstate.Stays && (state(err) == wrongKind || state(err) == notSupported) {
		d.noCopy.Store(true)
		return 0, errNoCopy
	}
	return inserted, err
}

// confirm writes an empty record to the write-ahead log if there are synchronous
// standbys, so that COMMIT waits for them. The record is needed if all rows were
// stored already, because a COMMIT without a record does not wait, and the COMMIT
// that stored the rows may have been interrupted while it waited.
const confirm = "SELECT CASE WHEN current_setting('synchronous_standby_names', true) <> '' THEN pg_logical_emit_message(true, 'osprofiler', '') END"

// The SQLSTATEs with which PostgreSQL refuses COPY.
const (
	wrongKind    = "42809"
	notSupported = "0A000"
)

// errNoCopy makes the caller repeat the transaction.
var errNoCopy = errors.New("the table data does not accept COPY")

// insert sends rows as one array for each column.
func insert(ctx context.Context, c *sql.Conn, rows []table.Row) (inserted int64, err error) {
	chunk := make([][]*string, len(table.Columns())+1)
	var room [16]any
	for i := range rows {
		for column, value := range rows[i].Args(room[:0]) {
			var text *string
			if s, ok := value.(string); ok {
				text = &s
			}
			chunk[column] = append(chunk[column], text)
		}
	}
	args := make([]any, len(chunk))
	for i := range chunk {
		args[i] = chunk[i]
	}
	result, err := c.ExecContext(ctx, insertion, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

var insertion = func() string {
	var arrays []string
	for i := range len(table.Columns()) + 1 {
		arrays = append(arrays, fmt.Sprintf("$%d::text[]", i+1))
	}
	return fmt.Sprintf("INSERT INTO data (%[1]s) SELECT r.%[2]s, CAST(r.data AS json) FROM unnest(%[3]s) WITH ORDINALITY AS r (%[1]s, place) ORDER BY r.place",
		table.ColumnList, strings.Join(table.Columns(), ", r."), strings.Join(arrays, ", "))
}()

// copyText encodes rows in COPY's text format while they are read, so that the
// server works in the meantime.
type copyText struct {
	rows []table.Row // still to be written
	text []byte      // written, still to be read
	room []byte
}

// Read implements io.Reader.
func (t *copyText) Read(p []byte) (int, error) {
	if len(t.text) == 0 {
		t.text = t.room[:0]
		var room [16]any
		for len(t.rows) > 0 && len(t.text) < len(p) {
			t.text = appendRow(t.text, t.rows[0].Args(room[:0]))
			t.rows = t.rows[1:]
		}
		t.room = t.text
	}
	if len(t.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.text)
	t.text = t.text[n:]
	return n, nil
}

// appendRow appends a line: the values separated by tabs, NULL as \N.
func appendRow(text []byte, values []any) []byte {
	for i, value := range values {
		if i > 0 {
			text = append(text, '\t')
		}
		if s, ok := value.(string); ok {
			text = appendEscaped(text, s)
		} else {
			text = append(text, `\N`...)
		}
	}
	return append(text, '\n')
}

// escapes contains the letters that stand, behind a backslash, for characters
// that would end a value or a line, or begin an escape.
var escapes = [256]byte{'\t': 't', '\n': 'n', '\r': 'r', '\\': '\\'}

func appendEscaped(text []byte, value string) []byte {
	start := 0
	for i := range len(value) {
		if letter := escapes[value[i]]; letter != 0 {
			text = append(append(text, value[start:i]...), '\\', letter)
			start = i + 1
		}
	}
	return append(text, value[start:]...)
}
