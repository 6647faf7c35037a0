package sql_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The forms in which SQLAlchemy and libpq name several hosts lead to the host that
// answers. hostaddr needs no name server.
func TestSeveralHosts(t *testing.T) {
	at := testenv.PostgreSQL(t)
	u := parse(t, at)
	address, port := u.Hostname(), u.Port()
	prefix := "postgresql+psycopg2://" + u.User.String() + "@" + u.Path + "?"
	for _, query := range []string{
		"host=127.0.0.1:1&host=" + address + ":" + port,
		"host=[::1]:1&host=" + address + ":" + port,
		"host=/no/such/folder:1&host=" + address + ":" + port,
		"host=127.0.0.1," + address + "&port=1," + port,
		"host=no.host.invalid&hostaddr=" + address + "&port=" + port,
		"hostaddr=" + address + "&port=" + port + "&keepalives=1&keepalives_idle=30&gssencmode=disable",
	} {
		s, err := store.Open(t.Context(), prefix+query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		s.Close()
	}
}
