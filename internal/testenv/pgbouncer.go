package testenv

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PgBouncerVariable names the environment variable with the user's own pooler.
// The pooler must serve all databases of the tests' PostgreSQL server, use another
// session for each transaction, and let the user into its console.
const PgBouncerVariable = "OSP_TEST_PGBOUNCER_URL"

var pgBouncer = resource(Resource{
	Name:     "PgBouncer before PostgreSQL",
	Variable: PgBouncerVariable,
	Get:      "run scripts/setup.sh, or set " + PgBouncerVariable + " to one of your own (postgresql://user:password@host:6432/postgres) before the server of " + PostgreSQLVariable,
	find: func() (string, string, error) {
		at, err := postgreSQLServer.Find()
		if err != nil {
			return "", "", err
		}
		u, err := url.Parse(at)
		if err != nil {
			return "", "", errors.Unwrap(err)
		}
		form := "postgresql://" + strings.ReplaceAll(u.User.String(), "%", "%%") + "@%s/postgres"
		return server(PgBouncerVariable, pgBouncerProgram(u), form, pgBouncerVersion)
	},
	installed: canStart(pgBouncerProgram(nil)),
})

// PgBouncer returns the connection string of an empty PostgreSQL database, as
// [PostgreSQL] does, but through a pooler. The pooler has few sessions, and uses the
// next session for each transaction.
func PgBouncer(t testing.TB) string {
	t.Helper()
	pooler := pgBouncer.need(t)
	u, err := url.Parse(PostgreSQL(t))
	if err != nil {
		t.Fatal(errors.Unwrap(err))
	}
	at, err := withDatabase(pooler, strings.Trim(u.Path, "/"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// StartPgBouncer starts a pooler for this test only, in front of a server that
// StartPostgreSQL started. [Server.PostgreSQL] of the pooler returns its
// connection string.
func StartPgBouncer(t testing.TB, server *Server) *Server {
	t.Helper()
	u, err := url.Parse(server.PostgreSQL())
	if err != nil {
		t.Fatal(errors.Unwrap(err))
	}
	return start(t, pgBouncer, pgBouncerProgram(u), Disk{})
}

// pgBouncerProgram returns the program of a pooler in front of the server of the
// URL. The only user of the pooler is the user of the URL.
func pgBouncerProgram(target *url.URL) func() (program, error) {
	return func() (program, error) {
		path, err := exec.LookPath("/usr/sbin/pgbouncer")
		if err != nil {
			path, err = exec.LookPath("pgbouncer")
		}
		return program{
			name:    "PgBouncer",
			account: "postgres", // PgBouncer refuses to run as root
			signal:  "KILL",
			prepare: func(p *process) error { return p.preparePgBouncer(target) },
			command: func(p *process) []string { return []string{path, p.path("pgbouncer.ini")} },
			ready: func(ctx context.Context, addr string) error {
				_, err := pgBouncerVersion(ctx, "postgresql://"+target.User.String()+"@"+addr+"/postgres")
				return err
			},
		}, err
	}
}

func (p *process) preparePgBouncer(target *url.URL) error {
	password, _ := target.User.Password()
	port := target.Port()
	if port == "" {
		port = "5432"
	}
	quoted := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
	return errors.Join(
		p.write("users", quoted(target.User.Username())+" "+quoted(password)+"\n"),
		p.write("pgbouncer.ini", strings.Join([]string{
			"[databases]",
			"* = host=" + target.Hostname() + " port=" + port,
			"[pgbouncer]",
			"listen_addr = 127.0.0.1", "listen_port = " + strconv.Itoa(p.port), "unix_socket_dir =",
			"auth_type = scram-sha-256", "auth_file = " + p.path("users"), "admin_users = " + target.User.Username(),
			"pool_mode = transaction", "default_pool_size = 4", "server_round_robin = 1", "max_client_conn = 500", "",
		}, "\n")))
}

// write writes a file that only the server's account may read.
func (p *process) write(name, text string) error {
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil { //nolint:gosec // in the folder that we made
		return err
	}
	return ownedBy(p.account, p.path(name))
}

// pgBouncerVersion asks for the version in the console, which only PgBouncer has.
func pgBouncerVersion(ctx context.Context, at string) (version string, err error) {
	c, err := pgx.ParseConfig(at)
	if err != nil {
		return "", err
	}
	c.Database, c.DefaultQueryExecMode = "pgbouncer", pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SHOW VERSION").Scan(&version)
	return strings.TrimPrefix(version, "PgBouncer "), err
}
