package sql

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// Fetch is what Dialect.Fetch is, by database/sql.
func Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) (err error) {
	found, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	names, err := found.Columns()
	if err != nil {
		return err
	}
	values, into := make([][]byte, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = (*sql.RawBytes)(&values[i])
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return err
		}
		if !each(values) {
			return nil
		}
	}
	return found.Err()
}

// A Querier is a database, or a connection to it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ReadRows reads the columns of ColumnList, data as text.
func ReadRows(ctx context.Context, q Querier, query string, args ...any) (rows []Row, err error) {
	err = eachFound(ctx, q, query, args, func(found *sql.Rows) error {
		var r row
		err := found.Scan(r.into()...)
		rows = append(rows, Row{r})
		return err
	})
	return rows, err
}

// ReadTexts reads one column, which has no NULLs.
func ReadTexts(ctx context.Context, q Querier, query string, args ...any) (texts []string, err error) {
	err = eachFound(ctx, q, query, args, func(found *sql.Rows) error {
		var s string
		err := found.Scan(&s)
		texts = append(texts, s)
		return err
	})
	return texts, err
}

func eachFound(ctx context.Context, q Querier, query string, args []any, read func(*sql.Rows) error) (err error) {
	found, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		if err := read(found); err != nil {
			return err
		}
	}
	return found.Err()
}

// fetch takes a query with ? for its arguments.
func (s *Store) fetch(ctx context.Context, query string, args []any, each func(values [][]byte) (more bool)) error {
	return s.dialect.Fetch(ctx, s.db, s.dialect.Rebind(query), args, each)
}

// set takes the values of the column id and those of ColumnList over. Of what a
// row has in common with the one before, it keeps the text: that is most.
func (r *row) set(values [][]byte) error {
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
