package sql_test

import (
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The meaning of each value is that of libpq 17. See "Parameter Key Words" and
// "SSL Support" in PostgreSQL's manual. With a root certificate, require means
// verify-ca, and allow and prefer verify who signed the certificate, but may do
// without TLS.
var postgreSQLTLS = []tlsCase{
	{options: "", want: "yyyy"},
	{options: "sslmode=disable", want: "yyyy"},
	{options: "sslmode=allow", want: "yyyy"},
	{options: "sslmode=prefer", want: "yyyy"},
	{options: "sslmode=prefer&sslrootcert=CA", want: "yyyy"},
	{options: "sslmode=require", want: "yyyn"},
	{options: "sslmode=require&sslrootcert=CA", want: "ynyn"},
	{options: "sslmode=verify-ca&sslrootcert=CA", want: "ynyn"},
	{options: "sslmode=verify-full&sslrootcert=CA", want: "ynnn"},
	{options: "sslmode=verify-ca", want: "nnnn"},
	{options: "sslmode=verify-full", want: "nnnn"},
	{options: "sslmode=VERIFY-FULL&sslrootcert=CA", want: "nnnn"},
	{options: "sslmode=", want: "nnnn", python: "yyyy"},
	{options: "sslmode=require&sslrootcert=/none", want: "nnnn", python: "yyyn"}, // libpq treats a missing file as if no file were named
	{options: "sslrootcert=system", want: "nnnn"},
	{options: "sslrootcert=system&sslmode=verify-full", want: "nnnn"},
	{options: "sslrootcert=system&sslmode=require", want: "nnnn"},

	{options: "sslmode=require&sslcert=CERT&sslkey=KEY", want: "yyyn"},
	{options: "sslmode=require&sslcert=CERT", want: "nnnn"},
	{options: "sslmode=require&sslcertmode=require&sslcert=CERT&sslkey=KEY", want: "yyyn"},
	{options: "sslmode=require&sslcertmode=require", want: "nnnn"},
	{options: "sslmode=require&sslcertmode=disable&sslcert=CERT&sslkey=KEY", want: "yyyn"},
	{options: "sslmode=require&sslcertmode=allow", want: "yyyn"},
	{options: "sslmode=require&sslcert=CERT&sslkey=OPEN", want: "nnnn"}, // others may read the key
	{options: "sslmode=verify-full&sslrootcert=CA&sslcrl=CA", want: "nnnn", python: "?"},
	{options: "sslmode=verify-full&sslrootcert=CA&sslcrldir=DIR", want: "nnnn", python: "?"},

	{options: "sslmode=require&ssl_min_protocol_version=TLSv1.3", want: "yyyn"},
	{options: "sslmode=require&ssl_min_protocol_version=tlsv1", want: "yyyn"},
	{options: "sslmode=require&ssl_max_protocol_version=TLSv1.2", want: "yyyn"},
	{options: "sslmode=require&ssl_max_protocol_version=TLSv1.1", want: "nnnn"},
	{options: "sslmode=require&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2", want: "nnnn"},
	{options: "sslmode=require&ssl_min_protocol_version=TLSv9", want: "nnnn"},
	{options: "sslnegotiation=postgres", want: "yyyy"},
	{options: "sslnegotiation=direct&sslmode=require", want: "nnnn"}, // servers have it since 17
	{options: "sslnegotiation=direct&sslmode=prefer", want: "nnnn"},
	{options: "sslnegotiation=direct&sslmode=allow", want: "nnnn"},
	{options: "sslnegotiation=direct&sslmode=disable", want: "nnnn"},
	{options: "sslsni=0", want: "yyyy"},
	{options: "sslcompression=0", want: "yyyy"},
	{options: "sslcompression=1", want: "yyyy"},

	{options: "channel_binding=require", want: "yyyn"},
	{options: "channel_binding=require&sslmode=disable", want: "nnnn"},
	{options: "channel_binding=prefer", want: "yyyy"},
	{options: "channel_binding=disable", want: "yyyy"},
	{options: "channel_binding=sure", want: "nnnn"},
	{options: "require_auth=scram-sha-256", want: "yyyy"},
	{options: "require_auth=scram-sha-256,md5", want: "yyyy"},
	{options: "require_auth=!password", want: "yyyy"},
	{options: "require_auth=!password,!md5,!none", want: "yyyy"},
	{options: "require_auth=!scram-sha-256", want: "nnnn"},
	{options: "require_auth=password", want: "nnnn"},
	{options: "require_auth=md5", want: "nnnn"},
	{options: "require_auth=none", want: "nnnn"},
	{options: "require_auth=gss", want: "nnnn"},
	{options: "require_auth=anything", want: "nnnn"},
	{options: "require_auth=md5,!password", want: "nnnn"},
	{options: "requirepeer=nobody", want: "yyyy"}, // applies to unix sockets only
	{options: "gssencmode=disable", want: "yyyy"},
	{options: "gssencmode=prefer", want: "yyyy"},
	{options: "gssencmode=require", want: "nnnn"},
	{options: "krbsrvname=postgres", want: "yyyy"},
	{options: "gssdelegation=0", want: "yyyy"},
}

// startPostgreSQLs starts the servers of the tables.
func startPostgreSQLs(t *testing.T) (own testenv.Certificates, servers []string) {
	t.Helper()
	own, other := testenv.NewCertificates(t, "postgres"), testenv.NewCertificates(t, "postgres")
	for _, c := range []testenv.Certificates{own, other, own.OfOtherHost()} {
		servers = append(servers, testenv.StartPostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+c.Server,
			"-c", "ssl_key_file="+c.Key, "-c", "ssl_ca_file="+own.Authority).PostgreSQL())
	}
	return own, append(servers, testenv.StartPostgreSQL(t).PostgreSQL())
}

// Each value of each TLS and authentication option of PostgreSQL connects to
// the same servers as libpq does. The same is true if the home directory has a
// root certificate, and if the environment has further settings.
func TestPostgreSQLTLSOptions(t *testing.T) {
	own, servers := startPostgreSQLs(t)
	t.Setenv("HOME", t.TempDir())
	files := tlsFiles(t, own)
	checkTLS(t, postgreSQLTLS, servers, files)
	t.Run("environment", func(t *testing.T) {
		for variable, want := range map[string]string{
			"PGSSLMODE=verify-full":           "nnnn",
			"PGREQUIRESSL=1":                  "yyyn",
			"PGREQUIRESSL=0":                  "yyyy",
			"PGCHANNELBINDING=require":        "yyyn",
			"PGREQUIREAUTH=password":          "nnnn",
			"PGGSSENCMODE=require":            "nnnn",
			"PGSSLMAXPROTOCOLVERSION=TLSv1.1": "nnnn",
			"PGSSLNEGOTIATION=direct":         "nnnn",
			"PGREQUIREPEER=nobody":            "yyyy",
		} {
			t.Run(variable, func(t *testing.T) {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
				checkTLS(t, []tlsCase{{options: "", want: want}}, servers, files)
			})
		}
	})
	t.Run("root.crt", func(t *testing.T) {
		home := t.TempDir()
		t.Setenv("HOME", home)
		copyFile(t, own.Authority, filepath.Join(home, ".postgresql", "root.crt"), 0o644)
		checkTLS(t, []tlsCase{
			{options: "sslmode=require", want: "ynyn"},
			{options: "sslmode=verify-ca", want: "ynyn"},
			{options: "sslmode=verify-full", want: "ynnn"},
			{options: "", want: "yyyy"},
		}, servers, files)
		copyFile(t, own.Authority, filepath.Join(home, ".postgresql", "root.crl"), 0o644)
		if err := connects(t, servers[0]+"?sslmode=verify-full"); err == nil || !strings.Contains(err.Error(), "root.crl") {
			t.Errorf("with a list of revoked certificates: %v", err)
		}
	})
}

// If a server requires TLS, allow and prefer verify who signed its certificate,
// provided that there is a root certificate, as libpq does.
func TestPostgreSQLAllowAndPreferVerify(t *testing.T) {
	own, other := testenv.NewCertificates(t, "postgres"), testenv.NewCertificates(t, "postgres")
	t.Setenv("HOME", t.TempDir())
	var servers []string
	for _, c := range []testenv.Certificates{own, other, own.OfOtherHost()} {
		s := testenv.StartPostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+c.Server, "-c", "ssl_key_file="+c.Key)
		if err := os.WriteFile(filepath.Join(s.Dir(), "data", "pg_hba.conf"), []byte("hostssl all all all scram-sha-256\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s.PostgreSQL())
		s.Restart()
	}
	checkTLS(t, []tlsCase{
		{options: "sslmode=disable", want: "nnn"},
		{options: "sslmode=allow", want: "yyy"},
		{options: "sslmode=prefer", want: "yyy"},
		{options: "sslmode=allow&sslrootcert=CA", want: "yny"},
		{options: "sslmode=prefer&sslrootcert=CA", want: "yny"},
		{options: "sslrootcert=CA", want: "yny"},
	}, servers, tlsFiles(t, own))
}

// With SQLAlchemy's forms for several hosts, each host is tried in turn.
func TestPostgreSQLHosts(t *testing.T) {
	at := testenv.PostgreSQL(t)
	u := parse(t, at)
	down := testenv.ClosedPort(t)
	base := "postgresql://" + u.User.String() + "@" + u.Path
	up := u.Host
	_, upPort, _ := net.SplitHostPort(up)
	_, downPort, _ := net.SplitHostPort(down)
	checkTLS(t, []tlsCase{
		{options: "host=" + down + "&host=" + up, want: "y"},
		{options: "host=" + up + "&host=" + down, want: "y"},
		{options: "host=" + down + "&host=" + down, want: "n"},
		{options: "host=127.0.0.1,127.0.0.1&port=" + downPort + "," + upPort, want: "y"},
		{options: "host=127.0.0.1,127.0.0.1&port=" + upPort, want: "y"},
		{options: "host=127.0.0.1&port=" + upPort, want: "y"},
		{options: "host=" + down + "&host=" + up + "&target_session_attrs=read-write", want: "y"},
		{options: "host=" + down + "&host=" + up + "&port=1", want: "n"},
		{options: "host=" + up, want: "y", python: "n"}, // SQLAlchemy 1.4 reads the port as a part of the name
	}, []string{base}, strings.NewReplacer())
	checkTLS(t, []tlsCase{
		{options: "host=" + up + "&host=" + up, want: "y"}, // and not the host of the URL
		{options: "user=" + u.User.Username() + "&host=127.0.0.1&port=" + upPort, want: "y"},
		{options: "user=nobody&host=127.0.0.1&port=" + upPort, want: "n"},
		{options: "password=wrong&host=127.0.0.1&port=" + upPort, want: "n"},
		{options: "dbname=postgres&host=127.0.0.1&port=" + upPort, want: "n"},
		{options: "database=postgres&host=127.0.0.1&port=" + upPort, want: "y"},
	}, []string{"postgresql://" + u.User.String() + "@no.such.example" + u.Path}, strings.NewReplacer())
}

// requirepeer checks which user serves a unix socket. As with libpq, a password
// file that others may read is not used.
func TestPostgreSQLPeerAndPasswordFile(t *testing.T) {
	dir := testenv.OpenFolder(t)
	if err := os.Chmod(dir, 0o777); err != nil { // the server makes its socket in this folder
		t.Fatal(err)
	}
	s := testenv.StartPostgreSQL(t, "-c", "unix_socket_directories="+dir, "-c", "unix_socket_permissions=0777")
	u := parse(t, s.PostgreSQL())
	account := "postgres" // as root, testenv starts the server as this user
	if os.Getuid() != 0 {
		self, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		account = self.Username
	}
	socket := "host=" + dir + "&port=" + u.Port()
	t.Setenv("HOME", t.TempDir())
	checkTLS(t, []tlsCase{
		{options: socket, want: "y"},
		{options: socket + "&requirepeer=" + account, want: "y"},
		{options: socket + "&requirepeer=nobody", want: "n"},
		{options: socket + "&requirepeer=nobody&sslmode=verify-full", want: "n"},
	}, []string{"postgresql://" + u.User.String() + "@/postgres"}, strings.NewReplacer())

	closed, lax := filepath.Join(t.TempDir(), "closed"), filepath.Join(t.TempDir(), "lax")
	line := "*:*:*:*:" + testenv.Password + "\n"
	for path, mode := range map[string]os.FileMode{closed: 0o600, lax: 0o644} {
		if err := os.WriteFile(path, []byte(line), mode); err != nil {
			t.Fatal(err)
		}
	}
	checkTLS(t, []tlsCase{
		{options: "passfile=" + closed, want: "y"},
		{options: "passfile=" + lax, want: "n"},
		{options: "", want: "n"},
	}, []string{"postgresql://" + u.User.Username() + "@" + u.Host + "/postgres"}, strings.NewReplacer())
}
