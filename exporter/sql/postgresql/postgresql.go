// Package postgresql is the store in OSProfiler's SQL table in a PostgreSQL
// database. Importing the package registers the schemes postgresql:// and
// postgresql+psycopg2://. See docs/stores/sql.md.
package postgresql

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/internal/table"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"postgresql", "postgresql+psycopg2"}, Open: openConnectionString})
}

type config struct {
	readOnly    bool
	busyTimeout time.Duration
	addresses   map[string]string // the addresses of hosts that hostaddr names
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

// Open opens a store in the database that a connection string names, such as
// postgresql://user:password@host:5432/database, with the environment and the
// files that libpq uses. As with libpq, a key or a password file that others may
// read is an error, and the server is verified as the options say.
// docs/stores/sql.md lists the options. Options in the connection string take
// precedence over opts.
//
// Open does not connect. Write and Ping of a store that is not read-only make the
// table and its indexes if there is no table. Until then the store reads as empty.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	dataSource, own, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	c, err := parseDataSource(dataSource)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second // the same time as for a name that does not answer
	}
	// Nothing is prepared, so that poolers that give each transaction another
	// session cause no trouble.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	c.RuntimeParams["client_encoding"] = "UTF8"
	lookUpIn(c, own.addresses)
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	return table.New(db, dialectOf(c), own.table()), nil
}

// New returns a store in a database that the program opened with pgx
// (github.com/jackc/pgx/v5/stdlib). Closing the store leaves the database open.
func New(db *sql.DB, opts ...Option) *store.Store {
	c := newConfig(opts).table()
	c.KeepOpen = true
	return table.New(db, dialect{servers: "the address of the opened database", database: "opened by the program", noCopy: new(atomic.Bool), opened: true}, c)
}

func (c config) table() table.Config {
	return table.Config{ReadOnly: c.readOnly, Patience: c.busyTimeout, Writers: connections / 2}
}

func dialectOf(c *pgx.ConnConfig) dialect {
	return dialect{servers: serversOf(c), database: cmp.Or(c.Database, c.User), user: c.User, noCopy: new(atomic.Bool)}
}

// parseDataSource reads a data source and the files that it names.
func parseDataSource(dataSource string) (*pgx.ConnConfig, error) {
	settings, err := settingsOf(dataSource)
	if err != nil {
		return nil, err
	}
	dataSource = withEnvironment(dataSource, settings)
	if err := checkFiles(settings); err != nil {
		return nil, err
	}
	c, err := pgx.ParseConfig(dataSource)
	if err != nil {
		return nil, unusable(err)
	}
	if err := checkPasswordFile(c, settings); err != nil {
		return nil, err
	}
	if err := applyLibpqRules(c); err != nil {
		return nil, fmt.Errorf("cannot connect to PostgreSQL at %s: %w", serversOf(c), err)
	}
	return c, nil
}

// serversOf returns the servers, each as host:port.
func serversOf(c *pgx.ConnConfig) string {
	all := []string{net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))}
	for _, other := range c.Fallbacks {
		if one := net.JoinHostPort(other.Host, strconv.Itoa(int(other.Port))); !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return strings.Join(all, ",")
}

// connections is the maximum number of connections of a store. Each batch uses
// one, and each page that is being read uses one.
const connections = 8

// unusable returns the error that says why a data source cannot be used. The
// error does not show the data source.
func unusable(err error) error {
	var wrong *pgconn.ParseConfigError
	if errors.As(err, &wrong) {
		var number *strconv.NumError
		if errors.As(wrong, &number) {
			return fmt.Errorf("%q should be a number: a port or a time of the connection string, of the environment (PGPORT, PGCONNECT_TIMEOUT) or of a service file", number.Num)
		}
		if inner := errors.Unwrap(wrong); inner != nil {
			return fmt.Errorf("the connection string for PostgreSQL cannot be used: %w", inner)
		}
		// If there is no cause, the driver's error only says which value is unknown, behind
		// the data source.
		text := wrong.Error()
		if i := strings.LastIndex(text, "`: unknown "); i >= 0 {
			return fmt.Errorf("the connection string for PostgreSQL cannot be used: %s", text[i+3:])
		}
	}
	return errors.New("the connection string for PostgreSQL cannot be read")
}
