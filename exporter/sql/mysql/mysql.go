// Package mysql is the store in upstream's SQL table in a MySQL or MariaDB
// database. Importing it registers the schemes mysql://, mysql+pymysql:// and
// mysql+mysqldb://. See docs/stores/sql.md.
package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"

	table "github.com/osprofiler-otel/osprofiler/exporter/sql"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"mysql", "mysql+pymysql", "mysql+mysqldb"}, OpenStore: openConnectionString})
}

type config struct {
	readOnly    bool
	busyTimeout time.Duration
}

// An Option changes how a database is opened.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly opens a database for reading only. No table is made, and no
// right to write is needed.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithBusyTimeout says how long a transaction that the database gave up in
// favor of others is tried again; by default ten seconds.
func WithBusyTimeout(d time.Duration) Option {
	return optionFunc(func(c *config) { c.busyTimeout = d })
}

func newConfig(opts []Option) config {
	c := config{busyTimeout: 10 * time.Second}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

var likeThis = connstr.Own("should read like mysql+pymysql://user:password@host/database")

// Open opens the database that the driver's configuration names. The table and
// its indexes are made if there is no table, unless the database is to be read
// only. The error says in one sentence why it cannot be used, and shows no
// password.
func Open(ctx context.Context, c *driver.Config, opts ...Option) (*table.Store, error) {
	c = c.Clone()
	if c.DBName == "" {
		return nil, store.BadConnectionString(errors.New("the connection string names no database; it " + likeThis))
	}
	if err := c.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("the configuration for MySQL cannot be used: %w", err)
	}
	c.ParseTime = false
	c.InterpolateParams = true // one round trip a statement; utf8mb4 is safe for it
	c.Logger = &driver.NopLogger{}
	c.MaxAllowedPacket = 0 // the server's own limit, which each connection asks for
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if _, err := driver.NewConnector(c); err != nil {
		return nil, fmt.Errorf("the configuration for MySQL cannot be used: %w", err)
	}
	own := newConfig(opts)
	db := sql.OpenDB(connector{c, own.readOnly})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	return table.Open(ctx, db, dialect{address: c.Addr, database: c.DBName, user: c.User, timeout: shorter(c.ReadTimeout, c.WriteTimeout)},
		table.Config{ReadOnly: own.readOnly, Patience: own.busyTimeout, Writers: connections / 2})
}

// connections is how many a store has at most; one is held by a batch, one by
// a page that is read.
const connections = 8

// shorter returns the shorter one of two timeouts, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
