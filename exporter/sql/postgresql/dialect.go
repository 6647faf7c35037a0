package postgresql

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
)

// dialect is PostgreSQL's, for one database.
type dialect struct {
	host     string
	port     uint16
	database string
	user     string
}

// Name is the database and where it is.
func (d dialect) Name() string {
	return strconv.Quote(d.database) + " at " + d.server()
}

func (d dialect) server() string {
	return net.JoinHostPort(d.host, strconv.Itoa(int(d.port)))
}

// Tables looks where the search path finds the table; no right is needed.
func (dialect) Tables() string {
	return "SELECT CAST(relname AS text) FROM pg_catalog.pg_class WHERE oid = to_regclass('data') UNION ALL " +
		"SELECT CAST(relname AS text) FROM pg_catalog.pg_class JOIN pg_catalog.pg_index ON oid = indexrelid WHERE indrelid = to_regclass('data')"
}

// Schema makes all or, as upstream, nothing: of a table that is there the
// operator may have dropped indexes, and only its owner may make them.
func (dialect) Schema(existing []string) []string {
	if slices.Contains(existing, "data") {
		return nil
	}
	statements := []string{
		// Two that make the same table at once would fail in spite of IF NOT EXISTS.
		"SELECT pg_advisory_xact_lock(6877286011)",
		"CREATE TABLE IF NOT EXISTS data (\n\tid SERIAL NOT NULL, \n\ttimestamp VARCHAR(26), \n\tbase_id VARCHAR(255), \n" +
			"\tparent_id VARCHAR(255), \n\ttrace_id VARCHAR(255), \n\tproject VARCHAR(255), \n\thost VARCHAR(255), \n" +
			"\tservice VARCHAR(255), \n\tname VARCHAR(255), \n\tdata JSON, \n\tPRIMARY KEY (id)\n)",
	}
	for _, column := range table.Columns() {
		statements = append(statements, fmt.Sprintf("CREATE INDEX IF NOT EXISTS ix_data_%[1]s ON data (%[1]s)", column))
	}
	return statements
}

// Alphabet is that of the database.
func (dialect) Alphabet(ctx context.Context, db *sql.DB) (table.Alphabet, error) {
	var encoding string
	if err := db.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return nil, err
	}
	switch encoding {
	case "UTF8", "SQL_ASCII": // the latter keeps what it is sent
		return table.Unicode, nil
	case "LATIN1":
		return table.Latin1, nil
	default:
		return table.ASCII, nil
	}
}

func (dialect) Begin() string { return "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" }

// Bind: the driver gives an interrupted connection up, which ends its transaction.
func (dialect) Bind(ctx context.Context) context.Context { return ctx }

// Rebind numbers the arguments.
func (dialect) Rebind(statement string) string {
	var b strings.Builder
	count := 0
	for i := range len(statement) {
		if statement[i] != '?' {
			b.WriteByte(statement[i])
			continue
		}
		count++
		b.WriteString("$" + strconv.Itoa(count))
	}
	return b.String()
}

// Same: IS NOT DISTINCT FROM would use no index.
func (dialect) Same(a, b string) string {
	return fmt.Sprintf("(%[1]s = %[2]s OR %[1]s IS NULL AND %[2]s IS NULL)", a, b)
}

// Place is where the row lies: a small row goes where an earlier page has room.
func (dialect) Place() (column, argument string) { return "ctid", "CAST(? AS tid)" }

// IDs does not let the planner count the list: of a long one it would make one
// walk through the table.
func (dialect) IDs(list string) string {
	return "id = ANY(ARRAY(SELECT unnest(CAST('{" + list + "}' AS bigint[]))))"
}

// Exact is the column: only collations that are not deterministic take
// different texts for the same, and no database has one by default.
func (dialect) Exact(column string) string     { return column }
func (dialect) Unindexed(column string) string { return column + " || ''" }
func (dialect) Text() string                   { return "CAST(data AS text)" }

// Rows and bytes of a batch that go to the server at once.
const (
	chunkRows  = 2000
	chunkBytes = 8 << 20
)

// Insert sends the rows as one array per column, so that one statement stores
// them and finds what is there.
func (dialect) Insert(ctx context.Context, c *sql.Conn, rows iter.Seq2[table.Row, error]) error {
	chunk, bytes := make([][]*string, len(table.Columns())+1), 0
	met := map[table.Row]bool{} // of equal rows in the statement it would see none
	flush := func() error {
		if len(met) == 0 {
			return nil
		}
		args := make([]any, len(chunk))
		for i := range chunk {
			args[i] = chunk[i]
		}
		_, err := c.ExecContext(ctx, insertion, args...)
		for i := range chunk {
			chunk[i] = chunk[i][:0]
		}
		clear(met)
		bytes = 0
		return err
	}
	var room [16]any
	for r, err := range rows {
		if err != nil {
			return err
		}
		if met[r] {
			continue
		}
		met[r] = true
		for i, value := range r.Args(room[:0]) {
			chunk[i] = append(chunk[i], pointer(value))
			if value != nil {
				bytes += len(value.(string))
			}
		}
		if len(met) == chunkRows || bytes > chunkBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func pointer(value any) *string {
	text, ok := value.(string)
	if !ok {
		return nil
	}
	return &text
}

// insertion inserts the rows for which there is no equal one, in their order.
// The sum keeps the planner from walking through the table by its ids.
var insertion = func() string {
	var arrays, conditions []string
	columns := append(table.Columns(), "data")
	for i, column := range columns {
		arrays = append(arrays, fmt.Sprintf("$%d::text[]", i+1))
		conditions = append(conditions, fmt.Sprintf("latest.%[1]s IS NOT DISTINCT FROM r.%[1]s", column))
	}
	return fmt.Sprintf("INSERT INTO data (%[1]s) SELECT r.%[2]s, CAST(r.data AS json) FROM unnest(%[3]s) WITH ORDINALITY AS r (%[1]s, place) WHERE NOT EXISTS "+
		"(SELECT 1 FROM (SELECT %[4]s, CAST(data AS text) AS data FROM data WHERE trace_id = r.trace_id ORDER BY id + 0 DESC LIMIT %[5]d) AS latest WHERE %[6]s) ORDER BY r.place",
		table.ColumnList, strings.Join(table.Columns(), ", r."), strings.Join(arrays, ", "), strings.Join(table.Columns(), ", "), table.SameTraceID, strings.Join(conditions, " AND "))
}()
