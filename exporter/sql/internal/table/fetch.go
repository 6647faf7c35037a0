package table

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// Fetch implements Dialect.Fetch with package database/sql.
func Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) (err error) {
	result, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	names, err := result.Columns()
	if err != nil {
		return err
	}
	values, into := make([][]byte, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = (*sql.RawBytes)(&values[i])
	}
	for result.Next() {
		if err := result.Scan(into...); err != nil {
			return err
		}
		if !each(values) {
			return nil
		}
	}
	return result.Err()
}

// A Querier is a database, or a connection to it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ReadRows reads the columns of ColumnList, data as text.
func ReadRows(ctx context.Context, q Querier, query string, args ...any) (rows []Row, err error) {
	err = eachRow(ctx, q, query, args, func(result *sql.Rows) error {
		var r Row
		err := result.Scan(r.into()...)
		rows = append(rows, r)
		return err
	})
	return rows, err
}

// ReadTexts reads one column, which has no NULLs.
func ReadTexts(ctx context.Context, q Querier, query string, args ...any) (texts []string, err error) {
	err = eachRow(ctx, q, query, args, func(result *sql.Rows) error {
		var s string
		err := result.Scan(&s)
		texts = append(texts, s)
		return err
	})
	return texts, err
}

func eachRow(ctx context.Context, q Querier, query string, args []any, read func(*sql.Rows) error) (err error) {
	result, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	for result.Next() {
		if err := read(result); err != nil {
			return err
		}
	}
	return result.Err()
}

// fetch runs a query with ? for its arguments.
func (t *Table) fetch(ctx context.Context, query string, args []any, each func(values [][]byte) (more bool)) error {
	return t.dialect.Fetch(ctx, t.db, t.dialect.Rebind(query), args, each)
}

// set sets the row to the values of the column id and of ColumnList. It keeps
// the text of the previous row if that text is the same, as it is for most
// columns.
func (r *Row) set(values [][]byte) error {
	id, err := strconv.ParseInt(string(values[0]), 10, 64)
	if err != nil {
		return err
	}
	r.id = id
	for i := range r.columns {
		setText(&r.columns[i], values[i+1])
	}
	setText(&r.data, values[len(columns)+1])
	return nil
}

func setText(text *sql.NullString, value []byte) {
	if value == nil || !text.Valid || text.String != string(value) {
		*text = sql.NullString{String: string(value), Valid: value != nil}
	}
}
