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

// A dialect is PostgreSQL's dialect, for one database.
type dialect struct {
	servers  string // host:port of each
	database string
	user     string
	noCopy   *atomic.Bool // set once COPY was refused
	opened   bool         // whether the program opened the database, perhaps with another driver
}

// Name returns the database and its address.
func (d dialect) Name() string {
	return strconv.Quote(d.database) + " at " + d.server()
}

func (d dialect) server() string {
	return d.servers
}

func (dialect) Version() (query, product string) { return "SHOW server_version", "PostgreSQL" }

// Tables looks for the table where the search path finds it. The query needs no
// right.
func (dialect) Tables() string {
	return "SELECT CAST(relname AS text) FROM pg_catalog.pg_class WHERE oid = to_regclass('data') UNION ALL " +
		"SELECT CAST(relname AS text) FROM pg_catalog.pg_class JOIN pg_catalog.pg_index ON oid = indexrelid WHERE indrelid = to_regclass('data')"
}

// Schema makes everything or, like the Python library, nothing. If the table exists,
// the operator may have dropped indexes on purpose, and only the owner of the table
// may make them.
func (dialect) Schema(existing []string) []string {
	if slices.Contains(existing, "data") {
		return nil
	}
	statements := []string{
		// Without the lock, two sessions that make the same table at the same time
		// would fail in spite of IF NOT EXISTS.
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

// Alphabet returns the alphabet of the database.
func (dialect) Alphabet(ctx context.Context, db *sql.DB) (table.Alphabet, error) {
	var encoding, client string
	if err := db.QueryRowContext(ctx, "SELECT current_setting('server_encoding'), current_setting('client_encoding')").Scan(&encoding, &client); err != nil {
		return nil, err
	}
	if client != "UTF8" {
		return nil, fmt.Errorf("the sessions of the database have the client_encoding %s, which should be UTF8", client)
	}
	switch encoding {
	case "UTF8", "SQL_ASCII": // SQL_ASCII stores the bytes that it receives
		return table.Unicode, nil
	case "LATIN1":
		return table.Latin1, nil
	default:
		return table.ASCII, nil
	}
}

// Begin lets the database decide whether transactions may write, as Python's
// driver does, because an operator may have set default_transaction_read_only.
func (dialect) Begin() string { return "BEGIN ISOLATION LEVEL READ COMMITTED" }

// Commit implements table.Dialect. The server answers COMMIT of a transaction
// that failed before by ROLLBACK, and COMMIT outside of a transaction by a
// warning. Both answers would look like a success.
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

// connOf returns pgx's own connection behind a database/sql connection.
func connOf(driver any) (*pgx.Conn, error) {
	conn, ok := driver.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("the database was opened with another driver (%T); it should be opened with github.com/jackc/pgx/v5/stdlib", driver)
	}
	return conn.Conn(), nil
}

// inTransaction is the status that PostgreSQL reports for a session in a
// transaction that has not failed.
const inTransaction = 'T'

// Bind returns ctx, because the driver closes a connection whose statement is
// interrupted, which ends the transaction.
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

// Same does not use IS NOT DISTINCT FROM, because that would use no index.
func (dialect) Same(a, b string) string {
	return fmt.Sprintf("(%[1]s = %[2]s OR %[1]s IS NULL AND %[2]s IS NULL)", a, b)
}

// PhysicalOrder returns the column with the physical position of a row. A small
// row is stored in an earlier page that has room.
func (dialect) PhysicalOrder() (column, placeholder string) { return "ctid", "CAST(? AS tid)" }

// IDs hides the length of the list from the planner. For a long list, the
// planner would otherwise read the whole table.
func (dialect) IDs(list string) string {
	return "id = ANY(ARRAY(SELECT unnest(CAST('{" + list + "}' AS bigint[]))))"
}

// Exact returns the column. Only nondeterministic collations treat different
// texts as equal, and no database has such a collation by default.
func (dialect) Exact(column string) string     { return column }
func (dialect) Unindexed(column string) string { return column + " || ''" }
func (dialect) Text() string                   { return "CAST(data AS text)" }

func (d dialect) Contains(word string) string { return "strpos(" + d.Text() + ", '" + word + "') > 0" }

// Stamp has a collation that compares bytes, which is also the fastest one.
func (dialect) Stamp(timestamp string) string {
	return "(" + timestamp + ` || lpad(CAST(id AS text), 19, '0')) COLLATE "C"`
}

// Absent implements table.Errors. It returns false, because a missing database
// is an error.
func (dialect) Absent(error) bool { return false }

// Replaced reports whether the table does not exist (undefined_table).
func (dialect) Replaced(err error) bool { return state(err) == "42P01" }
