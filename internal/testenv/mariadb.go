package testenv

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MariaDBVariable names the environment variable with the user's own server. The
// user in the URL must be allowed to create databases.
const MariaDBVariable = "OSP_TEST_MARIADB_URL"

const mariaDBForm = "mysql+pymysql://" + User + ":" + Password + "@%s/mysql?charset=utf8"

var mariaDBServer = resource(Resource{
	Name:      "a MariaDB server",
	Variable:  MariaDBVariable,
	Get:       "run scripts/setup.sh, or set " + MariaDBVariable + " to one of your own (mysql+pymysql://user:password@host:3306/mysql?charset=utf8)",
	find:      findMariaDB("--innodb-flush-log-at-trx-commit=0", "--max-connections=300"),
	installed: canStart(mariaDBProgram()),
	fresh:     mariaDBDatabase,
})

// usualMariaDB is a server with the default settings, which waits for the disk.
var usualMariaDB = mariaDBServer.with(findMariaDB())

func findMariaDB(args ...string) func() (location, version string, err error) {
	return func() (location, version string, err error) {
		return server(MariaDBVariable, mariaDBProgram(args...), mariaDBForm, mariaDBVersion)
	}
}

// MariaDB returns the connection string of an empty database. No other test uses
// the database until this test ends.
func MariaDB(t testing.TB) string {
	t.Helper()
	return mariaDBServer.database(t)
}

// NewMariaDB is MariaDB for programs that are not tests. drop drops the database.
// A server that NewMariaDB starts has the default settings.
func NewMariaDB() (url string, drop func() error, err error) {
	return usualMariaDB.newDatabase()
}

func mariaDBDatabase(admin string) (url string, drop func() error, err error) {
	name := "osp_" + strings.ToLower(rand.Text()[:16])
	if url, err = withDatabase(admin, name); err != nil {
		return "", nil, err
	}
	drop = func() error { return mariaDBDo(admin, "DROP DATABASE IF EXISTS "+name) }
	return url, drop, mariaDBDo(admin, "CREATE DATABASE "+name)
}

// StartMariaDB starts a MariaDB server for this test only, with additional
// arguments. [Server.MariaDB] returns its connection string.
func StartMariaDB(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartMariaDBOn(t, Disk{}, args...)
}

// StartMariaDBOn is StartMariaDB for a server with its data on the given disk.
func StartMariaDBOn(t testing.TB, d Disk, args ...string) *Server {
	t.Helper()
	return start(t, mariaDBServer, mariaDBProgram(args...), d)
}

// MariaDB returns the connection string of a server that StartMariaDB started,
// with an account that has all privileges and an empty database.
func (s *Server) MariaDB() string {
	return fmt.Sprintf("mysql+pymysql://%s:%s@%s/%s?charset=utf8", User, Password, s.Addr(), User)
}

// mariaDBAccounts is SQL that the server runs at every start, before it listens.
const mariaDBAccounts = `CREATE USER IF NOT EXISTS '` + User + `'@'127.0.0.1' IDENTIFIED BY '` + Password + `';
GRANT ALL PRIVILEGES ON *.* TO '` + User + `'@'127.0.0.1' WITH GRANT OPTION;
ALTER USER 'root'@'localhost' IDENTIFIED BY '` + Password + `';
CREATE DATABASE IF NOT EXISTS ` + User + `;
`

func mariaDBProgram(args ...string) func() (program, error) {
	return func() (program, error) {
		path, err := mariaDBPath("mariadbd")
		install, err2 := mariaDBPath("mariadb-install-db")
		return program{
			name: "MariaDB",
			// A starting server deletes temporary tables that it finds in its --tmpdir,
			// so that each server needs its own folder.
			signal: "KILL",
			prepare: func(p *process) error {
				if err := os.WriteFile(p.path("accounts.sql"), []byte(mariaDBAccounts), 0o600); err != nil {
					return err
				}
				return p.prepareData(path, func() error {
					return p.run(append([]string{install, "--no-defaults", "--datadir=" + p.data(), "--tmpdir=" + p.dir, "--skip-test-db",
						"--auth-root-authentication-method=normal", "--skip-name-resolve"}, asRoot()...)...)
				})
			},
			command: func(p *process) []string {
				own := append([]string{path, "--no-defaults", "--datadir=" + p.data(), "--tmpdir=" + p.dir, "--bind-address=127.0.0.1",
					"--port=" + strconv.Itoa(p.port), "--socket=" + p.path("socket"), "--pid-file=" + p.path("pid"),
					"--skip-name-resolve", "--init-file=" + p.path("accounts.sql")}, asRoot()...)
				return append(own, args...)
			},
			ready: func(ctx context.Context, addr string) error {
				_, err := mariaDBVersion(ctx, fmt.Sprintf(mariaDBForm, addr))
				return err
			},
		}, errors.Join(err, err2)
	}
}

// mariaDBPath returns the path of a program of the server. It may be in
// /usr/sbin, which is not in the PATH of users.
func mariaDBPath(name string) (string, error) {
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		return path, nil
	}
	return exec.LookPath(name)
}

// asRoot returns the argument without which the server refuses to run as root.
func asRoot() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func mariaDBVersion(ctx context.Context, raw string) (version string, err error) {
	db, err := mariaDBOpen(raw)
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}

func mariaDBDo(raw, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := mariaDBOpen(raw)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func mariaDBOpen(raw string) (*sql.DB, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the URL of MariaDB: %w", errors.Unwrap(err))
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName = "tcp", u.Host, u.User.Username(), strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	c.Logger = &mysql.NopLogger{}
	if u.Port() == "" {
		c.Addr += ":3306"
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}
