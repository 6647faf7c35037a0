package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
)

// A dialect is the dialect of MySQL and MariaDB, for one database.
type dialect struct {
	address, database, user string
	timeout                 time.Duration // the shorter of read_timeout and write_timeout; 0: no timeout
	missingFiles            string        // option files that the connection string names and that do not exist
	opened                  bool          // whether the program opened the database, so that its sessions have their own settings
}

// Name returns the database and its address.
func (d dialect) Name() string { return strconv.Quote(d.database) + " at " + d.address }

func (dialect) Version() (query, product string) { return "SELECT VERSION()", "MySQL" }

func (dialect) Tables() string {
	return "SELECT 'data' FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'data'"
}

// Schema makes everything in one statement, because the database cannot undo a
// statement that changes the schema. If the table exists, Schema makes nothing,
// like the Python library.
func (dialect) Schema(existing []string) []string {
	if slices.Contains(existing, "data") {
		return nil
	}
	var indexes []string
	for _, column := range table.Columns() {
		indexes = append(indexes, fmt.Sprintf("\tKEY ix_data_%[1]s (%[1]s)", column))
	}
	return []string{"CREATE TABLE IF NOT EXISTS data (\n\tid INTEGER NOT NULL AUTO_INCREMENT, \n\ttimestamp VARCHAR(26), \n\tbase_id VARCHAR(255), \n" +
		"\tparent_id VARCHAR(255), \n\ttrace_id VARCHAR(255), \n\tproject VARCHAR(255), \n\thost VARCHAR(255), \n" +
		"\tservice VARCHAR(255), \n\tname VARCHAR(255), \n\tdata JSON, \n\tPRIMARY KEY (id), \n" + strings.Join(indexes, ", \n") + "\n)"}
}

// Alphabet returns the alphabet of the column with the fewest characters. The
// default character set of the database was applied to the columns when the
// table was made.
func (dialect) Alphabet(ctx context.Context, db *sql.DB) (table.Alphabet, error) {
	sets, err := table.ReadTexts(ctx, db, "SELECT DISTINCT character_set_name FROM information_schema.columns "+
		"WHERE table_schema = DATABASE() AND table_name = 'data' AND column_name <> 'data' AND character_set_name IS NOT NULL")
	return alphabetOf(sets), err
}

func alphabetOf(sets []string) table.Alphabet {
	poorest := 0
	for _, set := range sets {
		switch set {
		case "utf8mb4", "utf16", "utf16le", "utf32":
		case "utf8", "utf8mb3", "ucs2":
			poorest = max(poorest, 1)
		case "latin1":
			poorest = max(poorest, 2)
		default:
			poorest = 3
		}
	}
	return [...]table.Alphabet{table.Unicode, table.BMP, table.Latin1, table.ASCII}[poorest]
}

func (dialect) Begin() string { return "START TRANSACTION" }

// Commit implements table.Dialect.
func (dialect) Commit(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, "COMMIT")
	return err
}

// Bind returns ctx, because the driver closes a connection whose statement is
// interrupted, which ends the transaction.
func (dialect) Bind(ctx context.Context) context.Context { return ctx }
func (dialect) Rebind(statement string) string           { return statement }

// Same compares exactly. Before that, the index finds the values that are equal
// by the collation.
func (d dialect) Same(a, b string) string {
	return fmt.Sprintf("(%s <=> %s AND %s <=> %s)", a, b, d.Exact(a), d.Exact(b))
}

func (dialect) IDs(list string) string { return "id IN (" + list + ")" }

// Fetch uses package database/sql, which passes on the driver's own buffers.
func (dialect) Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) error {
	return table.Fetch(ctx, db, query, args, each)
}

func (dialect) PhysicalOrder() (column, placeholder string) { return "id", "?" }

// Exact compares bytes, because collations treat "a" as equal to "A" and to "a
// ".
func (dialect) Exact(column string) string {
	return "CAST(CONVERT(" + column + " USING utf8mb4) AS BINARY)"
}

func (dialect) Unindexed(column string) string { return "concat(" + column + ")" }
func (dialect) Text() string                   { return "CAST(data AS CHAR CHARACTER SET utf8mb4)" }

func (d dialect) Contains(word string) string { return d.Text() + " LIKE " + table.LikePattern(word) }

// Stamp is binary, so that the database compares it byte by byte.
func (dialect) Stamp(timestamp string) string {
	return "CAST(CONCAT(" + timestamp + ", LPAD(id, 19, '0')) AS BINARY)"
}

// Absent implements table.Errors. It returns false, because a missing database
// is an error.
func (dialect) Absent(error) bool { return false }

// Replaced reports whether the table does not exist (ER_NO_SUCH_TABLE).
func (dialect) Replaced(err error) bool { return number(err) == 1146 }
