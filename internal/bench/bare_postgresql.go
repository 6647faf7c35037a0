package main

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
)

// barePostgreSQL uses the native interface of pgx, which is faster than database/sql.
type barePostgreSQL struct{ *pgx.Conn }

func openPostgreSQL(ctx context.Context, url string) (bare, error) {
	conn, err := pgx.Connect(ctx, url)
	return barePostgreSQL{conn}, err
}

func (p barePostgreSQL) close() error { return p.Close(context.Background()) }

func (p barePostgreSQL) query(ctx context.Context, columns int, statement string, args ...any) (sqlRows, error) {
	found, err := p.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all, err := scan(found, columns)
	if err != nil {
		return nil, err
	}
	return all, found.Err()
}

func (p barePostgreSQL) fetch(ctx context.Context, baseID string) (stored, error) {
	return p.query(ctx, columns, selectTrace+"$1", baseID)
}

func (p barePostgreSQL) list(ctx context.Context, traces, limit int) error {
	all, err := p.query(ctx, 2, selectList(limit))
	return errors.Join(err, came(len(all), listedOf(traces, limit)))
}

var copied = strings.Split(columnList, ", ")

func (p barePostgreSQL) write(ctx context.Context, records []record) error {
	return pgx.BeginFunc(ctx, p.Conn, func(tx pgx.Tx) error {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"data"}, copied, pgx.CopyFromSlice(len(records), func(i int) ([]any, error) {
			return records[i], nil
		}))
		return err
	})
}

func (p barePostgreSQL) writeBulk(ctx context.Context, write func() error) error {
	return withoutIndexes(write, "", func(statement string) error {
		_, err := p.Exec(ctx, statement)
		return err
	})
}
