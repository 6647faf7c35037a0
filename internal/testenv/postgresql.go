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

// PostgreSQLVariable names the environment variable with the user's own server;
// the user in it must be allowed to create databases.
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
	// What a crash of the machine would cost does not matter to the shared one.
	find:  findPostgreSQL("-c", "fsync=off", "-c", "max_connections=300"),
	fresh: postgreSQLDatabase,
})

// usualPostgreSQL waits for the disk.
var usualPostgreSQL = postgreSQLServer.with(findPostgreSQL())

func findPostgreSQL(args ...string) func() (at, version string, err error) {
	return func() (at, version string, err error) {
		return server(PostgreSQLVariable, postgreSQLProgram(args...), "postgresql://"+User+":"+Password+"@%s/postgres", postgreSQLVersion)
	}
}

// PostgreSQL returns the connection string of an empty database, which is the
// test's own until it ends.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	return postgreSQLServer.database(t)
}

// NewPostgreSQL is PostgreSQL for programs that are no tests: drop gives the
// database back. A server that is started for it has its maker's settings.
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

// StartPostgreSQL starts a PostgreSQL server of the test's own, with these
// arguments besides ours ("-c", "name=value"). [Server.PostgreSQL] tells how to connect.
func StartPostgreSQL(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartPostgreSQLOn(t, Disk{}, args...)
}

// StartPostgreSQLOn is StartPostgreSQL for a server whose data lies on the disk.
func StartPostgreSQLOn(t testing.TB, d Disk, args ...string) *Server {
	t.Helper()
	return start(t, postgreSQLServer, postgreSQLProgram(args...), d)
}

// PostgreSQL is the connection string of a server that StartPostgreSQL started,
// with the superuser of tests and the database that initdb makes.
func (s *Server) PostgreSQL() string {
	return "postgresql://" + User + ":" + Password + "@" + s.Addr() + "/postgres"
}

// withDatabase puts the name of a database into a URL, and nothing else.
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
			signal:  "QUIT", // at once, its shared memory returned
			prepare: func(p *process) error {
				// The password is in the arguments of no program.
				if err := os.WriteFile(p.path("password"), []byte(Password+"\n"), 0o644); err != nil { //nolint:gosec // it is printed above
					return err
				}
				return p.run(filepath.Join(bin, "initdb"), "-D", p.data(), "-U", User, "--pwfile", p.path("password"),
					"-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync")
			},
			command: postgreSQLCommand(bin, args),
			ready: func(ctx context.Context, addr string) error {
				_, err := postgreSQLVersion(ctx, "postgresql://"+User+":"+Password+"@"+addr+"/postgres")
				return err
			},
		}, err
	}
}

// postgreSQLCommand is the command line of a server, a standby too.
func postgreSQLCommand(bin string, args []string) func(p *process) []string {
	return func(p *process) []string {
		return append([]string{filepath.Join(bin, "postgres"), "-D", p.data(), "-p", strconv.Itoa(p.port),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}, args...)
	}
}

// postgreSQLBin is the folder of the server's programs, which Debian keeps out of PATH.
func postgreSQLBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path) // the others may have no link beside it
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
