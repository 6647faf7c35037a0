package sql

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// columns are upstream's, but for id and data, in the order of its inserts.
var columns = [...]string{"timestamp", "base_id", "parent_id", "trace_id", "project", "host", "service", "name"}

// Columns returns the names of the columns that upstream has indexes on.
func Columns() []string { return slices.Clone(columns[:]) }

// Where each of the columns stands.
const (
	colTimestamp = iota
	colBaseID
	colParentID
	colTraceID
	colProject
	colHost
	colService
	colName
)

// ColumnList names all columns but id, in the order of upstream's inserts.
var ColumnList = columnNames + ", data"

var columnNames = strings.Join(columns[:], ", ")

// prepare makes sure of the table, and that it is OSProfiler's.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.makeTable(ctx); err != nil {
		return err
	}
	return s.probe(ctx)
}

// makeTable makes sure of the table and its indexes. It writes only if one is
// missing.
func (s *Store) makeTable(ctx context.Context) error {
	var names []string
	err := s.patiently(ctx, func() (err error) {
		names, err = s.names(ctx)
		return err
	})
	if err != nil {
		return err
	}
	missing := s.dialect.Schema(names)
	switch {
	case len(missing) == 0 || s.ReadOnly && slices.Contains(names, "data"):
	case s.ReadOnly:
		return fmt.Errorf("the database %s holds no traces: it has no table data", s.dialect.Name())
	default:
		return s.patiently(ctx, func() error { return s.transaction(ctx, missing) })
	}
	return nil
}

// names returns which of the table and its indexes exist.
func (s *Store) names(ctx context.Context) ([]string, error) {
	names, err := ReadTexts(ctx, s.db, s.dialect.Tables())
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	return names, err
}

// transaction runs statements without arguments, all or none.
func (s *Store) transaction(ctx context.Context, statements []string) error {
	return s.transact(ctx, func(c *connection) error {
		for _, statement := range statements {
			if _, err := c.ExecContext(s.dialect.Bind(ctx), statement); err != nil {
				return s.notOurs(err)
			}
		}
		return nil
	})
}

// probe makes sure that the table is upstream's, learns its alphabet, and, where it is to be
// written, that it can be.
func (s *Store) probe(ctx context.Context) error {
	return s.patiently(ctx, func() error {
		var err error
		if s.alphabet, err = s.dialect.Alphabet(ctx, s.db); err != nil {
			return err
		}
		_, err = s.db.ExecContext(ctx, "SELECT id, "+ColumnList+" FROM data LIMIT 0")
		if err != nil {
			return s.notOurs(err)
		}
		if s.ReadOnly {
			return nil
		}
		return s.transaction(ctx, []string{fmt.Sprintf("INSERT INTO data (%[1]s) SELECT %[1]s FROM data WHERE 1 = 0", ColumnList)})
	})
}

// notOurs explains that a statement was refused because the table data is
// another one than upstream's. That is all there is to say, so the driver's
// error is not in its chain.
func (s *Store) notOurs(err error) error {
	if s.dialect.WrongTable(err) {
		return fmt.Errorf("the table data of the database %s is not OSProfiler's, whose columns are id, %s: %s", s.dialect.Name(), ColumnList, err.Error())
	}
	return err
}
