package postgresql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// openConnectionString opens a URL of SQLAlchemy's.
func openConnectionString(ctx context.Context, connectionString string, o store.Options) (store.Store, error) {
	dataSource, opts, err := parse(connectionString, o)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	s, err := Open(ctx, dataSource, opts...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// libpq are the options that are handed on to the driver as they are, as
// SQLAlchemy hands them on to libpq.
var libpq = []string{
	"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword",
	"connect_timeout", "application_name", "options", "target_session_attrs", "passfile", "service",
}

// parse makes a data source of libpq's form. filter_error_trace changes
// nothing: the database finds failed traces in the notifications themselves.
func parse(connectionString string, o store.Options) (dataSource string, opts []Option, err error) {
	server, options, err := connstr.ParseServer(connectionString)
	if err != nil {
		return "", nil, err
	}
	c := newConfig(nil)
	options.Duration("osp_busy_timeout", &c.busyTimeout)
	options.Bool("osp_read_only", &o.ReadOnly)
	options.Bool("filter_error_trace", &o.FilterErrorTrace)
	options.Take("client_encoding") // all text is UTF-8 on its way
	values := map[string]string{"host": server.Host, "user": server.User, "password": server.Password, "dbname": server.Database}
	if server.Port != 0 {
		values["port"] = strconv.Itoa(server.Port)
	}
	for _, name := range libpq {
		if text, ok := options.Take(name); ok {
			values[name] = text
		}
	}
	if err := options.Done(); err != nil {
		return "", nil, err
	}
	opts = []Option{WithBusyTimeout(c.busyTimeout)}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return pairs(values), opts, nil
}

// pairs writes the values that are not empty as libpq reads them.
func pairs(values map[string]string) string {
	var all []string
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for name, value := range values {
		if value != "" {
			all = append(all, name+"='"+quoted.Replace(value)+"'")
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
