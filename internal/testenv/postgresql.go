package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PostgreSQLVariable names the environment variable with the user's own server.
// The user in the URL must be allowed to create databases.
const PostgreSQLVariable = "OSP_TEST_POSTGRESQL_URL"

// The account of tests in the SQL servers that they start.
const (
	User     = "osp"
	Password = "loopback-only-4711"
)

var postgreSQLServer = resource(Resource{
	Name:     "a PostgreSQL server",
	Variable: PostgreSQLVariable,
	Get:      "run scripts/setup.sh, or set " + PostgreSQLVariable + " to one of your own (postgresql://user:password@host:5432/postgres)",
	// The shared server need not survive a crash of the machine.
	find:      findPostgreSQL("-c", "fsync=off", "-c", "max_connections=300"),
	installed: canStart(postgreSQLProgram()),
	fresh:     postgreSQLDatabase,
})

// usualPostgreSQL is a server with the default settings, which waits for the disk.
var usualPostgreSQL = postgreSQLServer.with(findPostgreSQL())

func findPostgreSQL(args ...string) func() (location, version string, err error) {
	return func() (location, version string, err error) {
		return server(PostgreSQLVariable, postgreSQLProgram(args...), "postgresql://"+User+":"+Password+"@%s/postgres", postgreSQLVersion)
	}
}

// PostgreSQL returns the connection string of an empty database. No other test
// uses the database until this test ends.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	return postgreSQLServer.database(t)
}

// NewPostgreSQL is PostgreSQL for programs that are not tests. drop drops the
// database. A server that NewPostgreSQL starts has the default settings.
func NewPostgreSQL() (url string, drop func() error, err error) {
	return usualPostgreSQL.newDatabase()
}

func postgreSQLDatabase(admin string) (url string, drop func() error, err error) {
	name := "osp_" + strings.ToLower(rand.Text()[:16])
	if url, err = withDatabase(admin, name); err != nil {
		return "", nil, err
	}
	drop = func() error { return postgreSQLDo(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") }
	return url, drop, postgreSQLDo(admin, "CREATE DATABASE "+name)
}

// StartPostgreSQL starts a PostgreSQL server for this test only, with additional
// arguments ("-c", "name=value"). [Server.PostgreSQL] returns its connection string.
func StartPostgreSQL(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartPostgreSQLOn(t, Disk{}, args...)
}

// StartPostgreSQLOn is StartPostgreSQL for a server with its data on the given disk.
func StartPostgreSQLOn(t testing.TB, d Disk, args ...string) *Server {
	t.Helper()
	return start(t, postgreSQLServer, postgreSQLProgram(args...), d)
}

// PostgreSQL returns the connection string of a server that StartPostgreSQL
// started, with the superuser of tests and the database that initdb creates.
func (s *Server) PostgreSQL() string {
	return "postgresql://" + User + ":" + Password + "@" + s.Addr() + "/postgres"
}

// withDatabase replaces the name of the database in a URL.
func withDatabase(raw, name string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("the variable with the server of your own: %w", errors.Unwrap(err))
	}
	u.Path = "/" + name
	return u.String(), nil
}

func postgreSQLProgram(args ...string) func() (program, error) {
	return func() (program, error) {
		bin, err := postgreSQLBin()
		return program{
			name:    "PostgreSQL",
			account: "postgres",
			signal:  "QUIT", // ends the server at once and frees its shared memory
			prepare: func(p *process) error {
				// A file keeps the password out of the arguments of programs.
				if err := os.WriteFile(p.path("password"), []byte(Password+"\n"), 0o644); err != nil { //nolint:gosec // it is printed above
					return err
				}
				return p.prepareData(filepath.Join(bin, "postgres"), func() error {
					return p.run(filepath.Join(bin, "initdb"), "-D", p.data(), "-U", User, "--pwfile", p.path("password"),
						"-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync")
				})
			},
			command: postgreSQLCommand(bin, args),
			ready: func(ctx context.Context, addr string) error {
				_, err := postgreSQLVersion(ctx, "postgresql://"+User+":"+Password+"@"+addr+"/postgres")
				return err
			},
		}, err
	}
}

// postgreSQLCommand returns the command line of a primary or a standby.
func postgreSQLCommand(bin string, args []string) func(p *process) []string {
	return func(p *process) []string {
		return append([]string{filepath.Join(bin, "postgres"), "-D", p.data(), "-p", strconv.Itoa(p.port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}, args...)
	}
}

// postgreSQLBin returns the folder of the server's programs. Debian does not add
// this folder to PATH.
func postgreSQLBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path) // the other programs may have no links in that folder
		return filepath.Dir(path), err
	}
	paths, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	newest := func(a, b string) int { return majorOf(a) - majorOf(b) }
	if len(paths) == 0 {
		return "", errors.New("no initdb in PATH or /usr/lib/postgresql/*/bin")
	}
	return filepath.Dir(slices.MaxFunc(paths, newest)), nil
}

func majorOf(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

func postgreSQLVersion(ctx context.Context, url string) (version string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SHOW server_version").Scan(&version)
	return version, err
}

func postgreSQLDo(url, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err = conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
