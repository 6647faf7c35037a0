package mysql

import (
	"context"
	"fmt"
	"net"
	"strconv"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// openConnectionString opens a URL of SQLAlchemy's.
func openConnectionString(ctx context.Context, connectionString string, o store.Options) (store.Store, error) {
	c, opts, err := parse(connectionString, o)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	s, err := Open(ctx, c, opts...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// parse reads the options that SQLAlchemy hands on to PyMySQL and mysqlclient.
// filter_error_trace changes nothing: the database finds failed traces in the
// notifications themselves.
func parse(connectionString string, o store.Options) (*driver.Config, []Option, error) {
	server, options, err := connstr.ParseServer(connectionString)
	if err != nil {
		return nil, nil, err
	}
	own := newConfig(nil)
	options.Duration("osp_busy_timeout", &own.busyTimeout)
	options.Bool("osp_read_only", &o.ReadOnly)
	options.Bool("filter_error_trace", &o.FilterErrorTrace)
	for _, name := range []string{"charset", "use_unicode", "binary_prefix"} {
		options.Take(name) // of Python's texts; ours are UTF-8, and the server converts them
	}
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName = server.User, server.Password, server.Database
	c.Net, c.Addr = "tcp", address(server)
	if socket, ok := options.Take("unix_socket"); ok {
		c.Net, c.Addr = "unix", socket
	}
	options.Duration("connect_timeout", &c.Timeout)
	options.Duration("read_timeout", &c.ReadTimeout)
	options.Duration("write_timeout", &c.WriteTimeout)
	t := takeTLS(options)
	if err := options.Done(); err != nil {
		return nil, nil, err
	}
	if err := t.configure(c, server.Host); err != nil {
		return nil, nil, fmt.Errorf("TLS for MySQL: %w", err)
	}
	opts := []Option{WithBusyTimeout(own.busyTimeout)}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return c, opts, nil
}

func address(server connstr.Server) string {
	host, port := server.Host, server.Port
	if host == "" {
		host = "localhost"
	}
	if port == 0 {
		port = 3306
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}
