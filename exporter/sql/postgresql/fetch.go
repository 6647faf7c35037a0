package postgresql

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"
)

// Fetch uses pgx's own interface: by database/sql's, each value would be copied
// before it is looked at.
func (dialect) Fetch(ctx context.Context, db *sql.DB, query string, args []any, each func(values [][]byte) (more bool)) (err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Raw(func(driver any) error {
		found, err := driver.(*stdlib.Conn).Conn().Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			if !each(found.RawValues()) {
				return nil
			}
		}
		return found.Err()
	})
}
