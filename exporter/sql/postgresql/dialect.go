package postgresql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
)

// dialect is PostgreSQL's, for one database.
type dialect struct {
	servers  string // host:port of each
	database string
	user     string
	noCopy   *atomic.Bool // COPY was refused
	opened   bool         // by the program, perhaps with another driver
}

// Name is the database and where it is.
func (d dialect) Name() string {
	return strconv.Quote(d.database) + " at " + d.server()
}

func (d dialect) server() string {
	return d.servers
}

func (dialect) Version() (query, product string) { return "SHOW server_version", "PostgreSQL" }

// Tables looks where the search path finds the table; no right is needed.
func (dialect) Tables() string {
	return "SELECT CAST(relname AS text) FROM pg_catalog.pg_class WHERE oid = to_regclass('data') UNION ALL " +
		"SELECT CAST(relname AS text) FROM pg_catalog.pg_class JOIN pg_catalog.pg_index ON oid = indexrelid WHERE indrelid = to_regclass('data')"
}

// Schema makes all or, like the Python library, nothing: of a table that is there the
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
	var encoding, client string
	if err := db.QueryRowContext(ctx, "SELECT current_setting('server_encoding'), current_setting('client_encoding')").Scan(&encoding, &client); err != nil {
		return nil, err
	}
	if client != "UTF8" {
		return nil, fmt.Errorf("the sessions of the database have the client_encoding %s, which should be UTF8", client)
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

// Begin leaves it to the database whether transactions may write, as Python's
// driver does: an operator may have set default_transaction_read_only.
func (dialect) Begin() string { return "BEGIN ISOLATION LEVEL READ COMMITTED" }

// Commit implements table.Dialect. COMMIT of a transaction that failed before is
// answered by ROLLBACK, and COMMIT outside of a transaction by a warning; both
// would look like a success.
func (dialect) Commit(ctx context.Context, c *sql.Conn) error {
	return c.Raw(func(driver any) error {
		conn, err := connOf(driver)
		if err != nil {
			return err
		}
		if status := conn.PgConn().TxStatus(); status != inTransaction {
			return fmt.Errorf("the transaction ended before COMMIT (status %q)", status)
		}
		tag, err := conn.Exec(ctx, "COMMIT")
		if err == nil && tag.String() != "COMMIT" {
			return fmt.Errorf("PostgreSQL answered COMMIT by %q", tag)
		}
		return err
	})
}

// CheckSession implements table.SessionChecker.
func (d dialect) CheckSession(ctx context.Context, db *sql.DB, _ bool) (err error) {
	if !d.opened {
		return nil
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Raw(func(driver any) error {
		_, err := connOf(driver)
		return err
	})
}

// connOf returns pgx's own connection.
func connOf(driver any) (*pgx.Conn, error) {
	conn, ok := driver.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("the database was opened with another driver (%T); it should be opened with github.com/jackc/pgx/v5/stdlib", driver)
	}
	return conn.Conn(), nil
}

// inTransaction is the status that PostgreSQL tells of a session in a
// transaction that has not failed.
const inTransaction = 'T'

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

// PhysicalOrder returns the column that tells where a row lies. A small row goes
// into an earlier page that has room.
func (dialect) PhysicalOrder() (column, placeholder string) { return "ctid", "CAST(? AS tid)" }

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

func (d dialect) Contains(word string) string { return "strpos(" + d.Text() + ", '" + word + "') > 0" }

// Stamp has a collation that compares bytes, which is the fastest too.
func (dialect) Stamp(timestamp string) string {
	return "(" + timestamp + ` || lpad(CAST(id AS text), 19, '0')) COLLATE "C"`
}

// Absent implements table.Errors: a database that is missing is an error.
func (dialect) Absent(error) bool { return false }

// Replaced reports whether there is no table (undefined_table).
func (dialect) Replaced(err error) bool { return state(err) == "42P01" }
