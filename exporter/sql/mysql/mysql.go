// Package mysql is the store in OSProfiler's SQL table in a MySQL or MariaDB
// database. Importing the package registers the schemes mysql://, mysql+pymysql:// and
// mysql+mysqldb://. See docs/stores/sql.md.
package mysql

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"mysql", "mysql+pymysql", "mysql+mysqldb"}, Open: openConnectionString})
}

type config struct {
	readOnly    bool
	busyTimeout time.Duration

	initCommand  string   // runs at the beginning of each connection
	missingFiles []string // option files that the connection string names and that do not exist
}

// An Option changes how a database is opened.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithReadOnly opens a database for reading only. No table is made, and no
// right to write is needed.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

// WithBusyTimeout sets how long a transaction is retried that the database gave
// up in favor of others. The default is ten seconds.
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

// Open opens a store in the database that a connection string names, such as
// mysql://user:password@host:3306/database. Options in the connection string take
// precedence over opts.
//
// Open does not connect. Write and Ping of a store that is not read-only make the
// table and its indexes if there is no table. Until then the store reads as empty.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	c, own, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	if c.DBName == "" {
		return nil, store.BadConnectionString(errors.New("the connection string names no database; it " + likeThis))
	}
	if err := configure(c); err != nil {
		return nil, fmt.Errorf("the configuration for MySQL cannot be used: %w", err)
	}
	db := sql.OpenDB(connector{c, own.readOnly, own.initCommand})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	d := dialect{address: c.Addr, database: c.DBName, user: c.User, timeout: shorter(c.ReadTimeout, c.WriteTimeout), missingFiles: quotedList(own.missingFiles)}
	return table.New(db, d, own.table()), nil
}

// New returns a store in a database that the program opened with
// github.com/go-sql-driver/mysql. Closing the store leaves the database open. For
// writing, the sessions must be strict (sql_mode), as they are by default.
// Otherwise MySQL cuts texts and reports success. A ReadTimeout or WriteTimeout of
// the program's configuration should be longer than a batch may take.
func New(db *sql.DB, opts ...Option) *store.Store {
	c := newConfig(opts).table()
	c.KeepOpen = true
	return table.New(db, dialect{address: "the address of the opened database", database: "opened by the program", opened: true}, c)
}

func (c config) table() table.Config {
	return table.Config{ReadOnly: c.readOnly, Patience: c.busyTimeout, Writers: connections / 2}
}

// configure sets what the store needs in the configuration of a connection.
func configure(c *driver.Config) error {
	if err := c.Apply(driver.Charset("utf8mb4", "")); err != nil {
		return err
	}
	c.ParseTime = false
	c.InterpolateParams = true // one round trip per statement; with utf8mb4 this is safe
	c.Logger = &driver.NopLogger{}
	c.MaxAllowedPacket = 0 // use the server's own limit, for which each connection asks
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	_, err := driver.NewConnector(c)
	return err
}

// connections is the maximum number of connections of a store. Each batch uses
// one, and each page that is being read uses one.
const connections = 8

// shorter returns the shorter of two timeouts, where 0 means no timeout.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
