package main

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// An sqlServer describes a kind of SQL server.
type sqlServer struct {
	scheme, product string
	start           func(t *testing.T) *testenv.Server // starts a server with TLS, whose authority no client trusts
	admin           func(s *testenv.Server) string     // returns the administrator's connection string
	plain           func(t testing.TB) string          // returns the connection string of a server without TLS
	driver          func(u *url.URL) (name, dataSource string)
	accounts        []string // statements in the database with the good trace
	needTLS         string   // options that require TLS
	verify          string   // options that verify the certificate
	noTLS           string   // a part of the error if the server has no TLS
}

var postgreSQL = sqlServer{
	scheme: "postgresql", product: "PostgreSQL",
	start: func(t *testing.T) *testenv.Server {
		c := testenv.NewCertificates(t, "postgres")
		return testenv.StartPostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+c.Server, "-c", "ssl_key_file="+c.Key)
	},
	admin:  (*testenv.Server).PostgreSQL,
	plain:  testenv.PostgreSQL,
	driver: func(u *url.URL) (string, string) { return "pgx", u.String() },
	accounts: []string{
		"CREATE USER service PASSWORD 'SERVICE'", "GRANT SELECT, INSERT ON data TO service", "GRANT USAGE ON SEQUENCE data_id_seq TO service",
		"CREATE USER writer PASSWORD 'WRITER'", "GRANT INSERT ON data TO writer", "GRANT USAGE ON SEQUENCE data_id_seq TO writer",
		"CREATE USER reader PASSWORD 'READER'", "GRANT SELECT ON data TO reader",
	},
	needTLS: "?sslmode=require", verify: "?sslmode=verify-full&sslrootcert=system", noTLS: "TLS",
}

var mariaDB = sqlServer{
	scheme: "mysql+pymysql", product: "MySQL",
	start: func(t *testing.T) *testenv.Server {
		c := testenv.NewCertificates(t, "")
		return testenv.StartMariaDB(t, "--ssl-cert="+c.Server, "--ssl-key="+c.Key)
	},
	admin: (*testenv.Server).MariaDB,
	plain: testenv.MariaDB,
	driver: func(u *url.URL) (string, string) {
		c := driver.NewConfig()
		c.Net, c.Addr, c.User, c.DBName = "tcp", u.Host, u.User.Username(), strings.Trim(u.Path, "/")
		c.Passwd, _ = u.User.Password()
		return "mysql", c.FormatDSN()
	},
	accounts: []string{
		"CREATE USER service IDENTIFIED BY 'SERVICE'", "GRANT SELECT, INSERT ON HERE.* TO service",
		"GRANT SELECT, INSERT ON osp_also.* TO service", "GRANT SELECT, INSERT ON osp_other.* TO service", "GRANT SELECT ON osp_none.* TO service",
		"CREATE USER writer IDENTIFIED BY 'WRITER'", "GRANT INSERT ON HERE.data TO writer",
		"CREATE USER reader IDENTIFIED BY 'READER'", "GRANT SELECT ON HERE.data TO reader",
	},
	needTLS: "?ssl_mode=REQUIRED", verify: "?ssl_verify_identity=true", noTLS: "offers no TLS",
}

// do runs statements in a database as the administrator.
func (k *sqlServer) do(t *testing.T, admin *url.URL, database string, statements ...string) {
	t.Helper()
	u := *admin
	u.Path = database
	db, err := sql.Open(k.driver(&u))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	names := strings.NewReplacer("HERE", strings.Trim(admin.Path, "/"),
		"SERVICE", secret("service"), "WRITER", secret("writer"), "READER", secret("reader"))
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), names.Replace(statement)); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// prepare starts a server with three databases: one with the good trace only, one
// that also has rows of other programs, and one with another table of our name.
func (k *sqlServer) prepare(t *testing.T) (server *testenv.Server, admin *url.URL) {
	t.Helper()
	server = k.start(t)
	admin, err := url.Parse(k.admin(server))
	if err != nil {
		t.Fatal(err)
	}
	k.do(t, admin, admin.Path, "CREATE DATABASE osp_also", "CREATE DATABASE osp_other")
	k.do(t, admin, "/osp_other", "CREATE TABLE data (id INTEGER, x INTEGER)")
	for _, database := range []string{admin.Path, "/osp_also"} {
		u := *admin
		u.Path = database
		fill(t, u.String())
	}
	k.do(t, admin, "/osp_also", "INSERT INTO data (base_id, name, timestamp, data) VALUES ('"+goodTrace+"', 'x-start', '2026-11-22T07:15:38.127314', NULL)",
		"INSERT INTO data (base_id, name, timestamp, data) VALUES ('also', 'x-start', '2026-11-22T07:15:38.127314', '[1]')")
	k.do(t, admin, admin.Path, k.accounts...)
	if k.scheme == postgreSQL.scheme {
		k.do(t, admin, "/osp_also", "GRANT SELECT, INSERT ON data TO service", "GRANT USAGE ON SEQUENCE data_id_seq TO service")
		k.do(t, admin, "/osp_other", "GRANT SELECT, INSERT ON data TO service")
	}
	return server, admin
}

func (k *sqlServer) troubles(t *testing.T) ([]trouble, victim) {
	server, admin := k.prepare(t)
	good, pw := admin.Path, secret("service")
	plain, err := url.Parse(k.plain(t))
	if err != nil {
		t.Fatal(err)
	}
	at := func(user, password, database string) string {
		return as(k.scheme, user, password, server.Addr(), database)
	}
	closed := testenv.ClosedPort(t)
	troubles := []trouble{
		{name: "wrong password", at: at("service", secret("wrong"), good), error: k.product + " at " + server.Addr() + ` refuses the user "service"`},
		{name: "unknown user", at: at("nobody", secret("wrong"), good), error: k.product + " at " + server.Addr() + ` refuses the user "nobody"`},
		{name: "unknown host", at: as(k.scheme, "service", pw, "no-such-host.invalid", good), error: "cannot connect to " + k.product + " at no-such-host.invalid:"},
		{name: "refused port", at: as(k.scheme, "service", pw, closed, good), error: "cannot connect to " + k.product + " at " + closed},
		{name: "TLS where the server has none", at: as(k.scheme, "service", pw, plain.Host, plain.Path+k.needTLS), error: k.noTLS},
		{name: "unknown authority", at: at("service", pw, good+k.verify), error: "certificate signed by unknown authority"},
		{name: "no right to read", at: at("writer", secret("writer"), good), error: `the user "writer" lacks a right in the database`},
		{name: "no right to write", at: at("reader", secret("reader"), good), error: `the user "reader" lacks a right in the database`, reads: true},
		{name: "missing database", at: at("service", pw, "/osp_none"), error: k.product + " at " + server.Addr() + ` has no database "osp_none"`},
		{name: "another table under our name", at: at("service", pw, "/osp_other"), error: "is not OSProfiler's, whose columns are id, timestamp, "},
		{name: "foreign rows among ours", at: at("service", pw, "/osp_also"), reads: true, writes: true, damage: "skipped "},
		{name: "nothing", at: at("service", pw, good), reads: true, writes: true},
	}
	return troubles, victim{server: server, at: func(_ *testing.T, addr string) string { return as(k.scheme, "service", pw, addr, good) }}
}
