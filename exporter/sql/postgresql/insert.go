package postgresql

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
)

// latest looks for each trace_id by the index: for all at once the planner might
// read the whole table. The sum keeps it from walking through the table by its ids.
var latest = fmt.Sprintf("SELECT found.* FROM unnest($1::text[]) AS asked (trace_id) CROSS JOIN LATERAL "+
	"(SELECT %s, CAST(data AS text) FROM data WHERE trace_id = asked.trace_id ORDER BY id + 0 DESC LIMIT %d) AS found",
	strings.Join(table.Columns(), ", "), table.SameTraceID)

func (dialect) Latest(ctx context.Context, c *sql.Conn, traceIDs []string) ([]table.Row, error) {
	return table.ReadRows(ctx, c, latest, traceIDs)
}

// Insert sends rows by COPY. Texts and JSON are in its binary format as they are,
// so nothing need be known of the columns; pgx's own CopyFrom asks first.
func (dialect) Insert(ctx context.Context, c *sql.Conn, rows []table.Row) error {
	if len(rows) == 0 {
		return nil
	}
	return c.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().PgConn().CopyFrom(ctx, &copyBinary{rows: rows, text: []byte(copyHeader)}, "COPY data ("+table.ColumnList+") FROM STDIN (FORMAT binary)")
		return err
	})
}

// copyHeader begins COPY's binary format: its signature, no flags, no extension.
const copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyBinary writes rows in COPY's binary format while they are read, so that
// the server is at work meanwhile.
type copyBinary struct {
	rows []table.Row // still to be written
	text []byte      // written, still to be read
	room []byte
	done bool
}

// Read implements io.Reader.
func (t *copyBinary) Read(p []byte) (int, error) {
	if len(t.text) == 0 {
		t.text = t.room[:0]
		var room [16]any
		for len(t.rows) > 0 && len(t.text) < len(p) {
			t.text = appendRow(t.text, t.rows[0].Args(room[:0]))
			t.rows = t.rows[1:]
		}
		if len(t.rows) == 0 && !t.done {
			t.text, t.done = append(t.text, 0xFF, 0xFF), true
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

// appendRow writes the number of values, and each behind its length, NULL as -1.
func appendRow(text []byte, values []any) []byte {
	text = binary.BigEndian.AppendUint16(text, uint16(len(values)))
	for _, value := range values {
		if s, ok := value.(string); ok {
			text = append(binary.BigEndian.AppendUint32(text, uint32(len(s))), s...)
		} else {
			text = binary.BigEndian.AppendUint32(text, 1<<32-1)
		}
	}
	return text
}
