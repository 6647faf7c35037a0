package sql_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Options that only tune the Python library's clients do not keep a store from
// connecting. Options that say from where to connect are honoured.
func TestForeignOptionsOfServers(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Run("postgresql", func(t *testing.T) {
		checkTLS(t, []tlsCase{
			{options: "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=5000", want: "y"},
			{options: "fallback_application_name=osp", want: "y"},
			{options: "load_balance_hosts=random", want: "y"},
			{options: "load_balance_hosts=sure", want: "n"},
			{options: "plugin=dbcounter", want: "y", python: "?"}, // a plugin that need not be installed here
			{options: "hostaddr=127.0.0.1", want: "y"},
		}, []string{testenv.PostgreSQL(t)}, strings.NewReplacer())
	})
	t.Run("mariadb", func(t *testing.T) {
		checkTLS(t, []tlsCase{
			{options: "autocommit=1&program_name=osp&client_flag=2", want: "y"},
			{options: "local_infile=1", want: "y"},
			{options: "compress=true", want: "y", python: "?"}, // an option of mysqlclient
			{options: "plugin=dbcounter", want: "y", python: "?"},
			{options: "bind_address=127.0.0.1", want: "y"},
			{options: "bind_address=192.0.2.1", want: "n"}, // an address that no machine has
			{options: "init_command=SELECT 1", want: "y"},
			{options: "sql_mode=ANSI_QUOTES", want: "y"},
		}, []string{testenv.MariaDB(t)}, strings.NewReplacer())
	})
}
