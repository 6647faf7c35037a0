package table

import (
	"context"
	"strings"
)

// Version implements driver.Versioner.
func (t *Table) Version(ctx context.Context) (string, error) {
	var version string
	query, product := t.dialect.Version()
	if err := t.db.QueryRowContext(ctx, query).Scan(&version); err != nil {
		return "", t.dialect.Explain(err)
	}
	if strings.Contains(version, "MariaDB") {
		product = "MariaDB"
	}
	return product + " " + version, nil
}

// Exists reports whether the table exists. It creates nothing. A program reaches
// this method through driver.As, because no other kind of store needs it.
func (t *Table) Exists(ctx context.Context) (exists bool, err error) {
	return t.reading(ctx, func() error { return nil })
}
