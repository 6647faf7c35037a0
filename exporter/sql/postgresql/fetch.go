package postgresql

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Fetch uses pgx's own interface. Through database/sql's interface, each value
// would be copied before it is read.
func (dialect) Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) (err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Raw(func(driver any) error {
		conn, err := connOf(driver)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, query, append([]any{pgx.QueryExecModeExec}, args...)...) // this mode returns values as text
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if !each(rows.RawValues()) {
				return nil
			}
		}
		return rows.Err()
	})
}
