package mysql

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	opts := []Option{}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}

// parse reads a URL in SQLAlchemy's form, with the options that SQLAlchemy passes
// on to PyMySQL and mysqlclient. It changes own by our options.
// filter_error_trace has no effect, because the database finds failed traces in
// the notifications.
func parse(connectionString string, own config) (*driver.Config, config, error) {
	server, options, err := connstr.ParseServer(connectionString)
	if err != nil {
		return nil, own, err
	}
	options.Duration("osp_busy_timeout", &own.busyTimeout)
	options.Bool("osp_read_only", &own.readOnly)
	options.Bool("filter_error_trace", new(bool))
	takeOptionsOfOtherClients(options)
	scheme := store.Scheme(connectionString)
	file, err := readOptionFile(options, scheme)
	if err != nil {
		return nil, own, options.Safe(err)
	}
	file.addTo(options)
	takeServer(&server, options, scheme, file)
	own.missingFiles = file.missing
	own.initCommand, _ = options.Take("init_command")
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName = server.User, server.Password, server.Database
	c.Net, c.Addr = "tcp", net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	if socket := takeSocket(server.Host, options, scheme, file); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	if err := takeBindAddress(options, c); err != nil {
		return nil, own, options.Safe(err)
	}
	options.Duration("connection_timeout", &c.Timeout) // an option of MySQL Connector/Python
	options.Duration("connect_timeout", &c.Timeout)
	options.Duration("read_timeout", &c.ReadTimeout)
	options.Duration("write_timeout", &c.WriteTimeout)
	t := takeTLS(options)
	if err := options.Done(); err != nil {
		return nil, own, err
	}
	if server.Port > 65535 {
		return nil, own, fmt.Errorf("option port=%d of the connection string should be a number from 1 to 65535", server.Port)
	}
	if err := t.configure(c, server.Host); err != nil {
		return nil, own, fmt.Errorf("TLS for MySQL: %w", err)
	}
	return c, own, nil
}

// isPyMySQL reports whether a scheme names PyMySQL, or a client that was derived
// from PyMySQL and reads the same options.
func isPyMySQL(scheme string) bool {
	_, client, _ := strings.Cut(scheme, "+")
	return slices.Contains([]string{"pymysql", "aiomysql", "asyncmy", "cymysql"}, client)
}

// takeSocket returns the path of the unix socket, or "" for a connection by TCP.
// PyMySQL uses the socket of an option file for any host, libmysqlclient only
// for this machine.
func takeSocket(host string, options *connstr.Options, scheme string, file *optionFile) string {
	socket, _ := options.Take("unix_socket")
	if socket == "" && (isPyMySQL(scheme) || host == "localhost") {
		socket = file.values["socket"]
	}
	return socket
}

// takeServer takes from options what the URL says or leaves out about the
// server. In SQLAlchemy, options take precedence over the URL. PyMySQL uses the
// old names passwd and db only if the new ones are missing. In mysqlclient
// (mysql:// and mysql+mysqldb://) the old names take precedence over the new
// ones. Empty options count as missing.
func takeServer(s *connstr.Server, options *connstr.Options, scheme string, file *optionFile) {
	take := func(name string) string {
		text, _ := options.Take(name)
		return text
	}
	s.User = cmp.Or(take("user"), s.User, file.values["user"])
	s.Host = cmp.Or(take("host"), s.Host, file.values["host"])
	if s.Port == 0 {
		options.Default("port", file.values["port"])
	}
	options.Int("port", &s.Port, 1)
	password, passwd := take("password"), take("passwd")
	database, db := take("database"), take("db")
	if !isPyMySQL(scheme) {
		password, passwd = passwd, password
		database, db = db, database
	}
	s.Password = cmp.Or(password, s.Password, passwd, file.values["password"])
	s.Database = cmp.Or(database, s.Database, db, file.values["database"])
	s.Host, s.Port = cmp.Or(s.Host, "localhost"), cmp.Or(s.Port, 3306)
}
