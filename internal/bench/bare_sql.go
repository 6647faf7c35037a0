package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// columnList names the columns of a row.
var columnList = strings.Join(append(table.Columns(), "data"), ", ")

// Statements for all databases, which differ only in their arguments.
var (
	insertRows  = "INSERT INTO data (" + columnList + ") VALUES "
	selectTrace = "SELECT " + columnList + " FROM data WHERE base_id = "
)

// selectList returns the statement for the newest traces. A limit of 0 is none.
func selectList(limit int) string {
	const all = "SELECT base_id, min(timestamp) FROM data GROUP BY base_id"
	if limit == 0 {
		return all
	}
	return all + " ORDER BY 2 DESC LIMIT " + strconv.Itoa(limit)
}

// insertedAtOnce is the fastest number of rows in a statement.
const insertedAtOnce = 100

// columns is the number of columns of a row.
var columns = len(table.Columns()) + 1

// bareSQL uses a database with a driver for database/sql.
type bareSQL struct {
	*sql.DB
	onTable string // the end of DROP INDEX, for databases that need the table there
}

// openSQLite opens the database with the settings of our store.
func openSQLite(_ context.Context, url string) (bare, error) {
	path := strings.TrimPrefix(url, "sqlite:///")
	db, err := sql.Open("sqlite", "file://"+path+"?_pragma=synchronous(full)&_pragma=cache_size(-16000)")
	return bareSQL{DB: db}, err
}

func openMariaDB(_ context.Context, url string) (bare, error) {
	server, _, err := connstr.ParseServer(url)
	if err != nil {
		return nil, err
	}
	c := driver.NewConfig()
	c.Net, c.Addr = "tcp", fmt.Sprintf("%s:%d", server.Host, cmp.Or(server.Port, 3306))
	c.User, c.Passwd, c.DBName = server.User, server.Password, server.Database
	c.InterpolateParams = true // one round trip per statement
	connector, err := driver.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return bareSQL{DB: sql.OpenDB(connector), onTable: " ON data"}, nil
}

func (d bareSQL) close() error { return d.Close() }

// sqlRows are the rows of a trace, as text.
type sqlRows [][]sql.NullString

func (r sqlRows) notifications() int { return len(r) }

func (r sqlRows) records() (all []record) {
	for _, columns := range r {
		var row record
		for _, c := range columns {
			if c.Valid {
				row = append(row, c.String)
			} else {
				row = append(row, nil)
			}
		}
		all = append(all, row)
	}
	return all
}

// cursor has the common methods of sql.Rows and pgx.Rows.
type cursor interface {
	Next() bool
	Scan(into ...any) error
}

// scan reads all rows of n columns as text. The caller must check whether the rows ended
// because of an error.
func scan(from cursor, columns int) (all sqlRows, err error) {
	into := make([]any, columns)
	for from.Next() {
		row := make([]sql.NullString, columns)
		for i := range row {
			into[i] = &row[i]
		}
		if err := from.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

func (d bareSQL) query(ctx context.Context, columns int, statement string, args ...any) (all sqlRows, err error) {
	found, err := d.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	if all, err = scan(found, columns); err != nil {
		return nil, err
	}
	return all, found.Err()
}

func (d bareSQL) fetch(ctx context.Context, baseID string) (stored, error) {
	return d.query(ctx, columns, selectTrace+"?", baseID)
}

func (d bareSQL) list(ctx context.Context, traces, limit int) error {
	all, err := d.query(ctx, 2, selectList(limit))
	return errors.Join(err, came(len(all), listedOf(traces, limit)))
}

func (d bareSQL) write(ctx context.Context, records []record) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for len(records) > 0 {
		count := min(insertedAtOnce, len(records))
		args := make([]any, 0, count*columns)
		for _, row := range records[:count] {
			args = append(args, row...)
		}
		one := "(?" + strings.Repeat(", ?", columns-1) + ")"
		if _, err := tx.ExecContext(ctx, insertRows+one+strings.Repeat(", "+one, count-1), args...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		records = records[count:]
	}
	return tx.Commit()
}

func (d bareSQL) writeBulk(ctx context.Context, write func() error) error {
	return withoutIndexes(write, d.onTable, func(statement string) error {
		_, err := d.ExecContext(ctx, statement)
		return err
	})
}

// withoutIndexes drops the indexes of the table, and creates them again after all
// rows are written. This is much faster than updating them for each row.
func withoutIndexes(write func() error, onTable string, execute func(statement string) error) error {
	for _, column := range table.Columns() {
		if err := execute("DROP INDEX ix_data_" + column + onTable); err != nil {
			return err
		}
	}
	if err := write(); err != nil {
		return err
	}
	for _, column := range table.Columns() {
		if err := execute(fmt.Sprintf("CREATE INDEX ix_data_%[1]s ON data (%[1]s)", column)); err != nil {
			return err
		}
	}
	return nil
}
