package sql_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// TLS verifies the server if the connection string asks for that, and is an
// error if it cannot.
func TestTLS(t *testing.T) {
	t.Run("postgresql", func(t *testing.T) {
		c := testenv.NewCertificates(t, "postgres")
		at := testenv.StartPostgreSQL(t, "-c", "ssl=on", "-c", "ssl_cert_file="+c.Server, "-c", "ssl_key_file="+c.Key).PostgreSQL()
		secured(t, at+"?sslmode=verify-full&sslrootcert="+c.Authority)
		refused(t, at+"?sslmode=verify-full", "cannot connect to PostgreSQL at ")
		refused(t, testenv.PostgreSQL(t)+"?sslmode=require", "cannot connect to PostgreSQL at ")
	})
	t.Run("mariadb", func(t *testing.T) {
		c := testenv.NewCertificates(t, "")
		at := testenv.StartMariaDB(t, "--ssl-cert="+c.Server, "--ssl-key="+c.Key).MariaDB()
		for _, options := range []string{"&ssl_ca=" + c.Authority, "&ssl_ca=" + c.Authority + "&ssl_check_hostname=false", "&ssl_mode=required", ""} {
			secured(t, at+options)
		}
		refused(t, at+"&ssl_verify_identity=true", "cannot connect to MySQL at ")
		refused(t, at+"&ssl_mode=VERIFY_IDENTITY", "TLS for MySQL: ssl_mode=VERIFY_IDENTITY needs the authorities to trust")
		refused(t, at+"&ssl_mode=verify_ca", "TLS for MySQL: ssl_mode=verify_ca needs the authorities to trust")
		refused(t, at+"&ssl_mode=sure", "TLS for MySQL: ssl_mode=sure should be DISABLED, ")
		refused(t, at+"&ssl_ca=/none.pem", `TLS for MySQL: cannot read the authorities of option ssl_ca="/none.pem": no such file`)
		refused(t, at+"&ssl_ca=/dev/zero", `TLS for MySQL: cannot read the authorities of option ssl_ca="/dev/zero": it is no regular file`)
		refused(t, testenv.MariaDB(t)+"&ssl_mode=REQUIRED", "the server at ")
	})
}

func secured(t *testing.T, at string) {
	t.Helper()
	s := open(t, at)
	if err := s.Write(t.Context(), []osprofiler.Notification{event("A", "x-start")}); err != nil {
		t.Error(err)
	}
}

func refused(t *testing.T, at, want string) {
	t.Helper()
	s, err := openAt(t.Context(), at)
	if err == nil {
		s.Close()
		t.Fatalf("opened, want: %s", want)
	}
	if got := err.Error(); !strings.HasPrefix(got, want) || strings.Contains(got, testenv.Password) || strings.Contains(got, "\n") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
