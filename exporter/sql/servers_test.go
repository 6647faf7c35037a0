package sql_test

import (
	"testing"

	"go.uber.org/goleak"

	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// servers are where an empty database is to be had.
var servers = map[string]func(testing.TB) string{"postgresql": testenv.PostgreSQL, "mariadb": testenv.MariaDB}

func TestStore(t *testing.T) {
	for name, place := range servers {
		t.Run(name, func(t *testing.T) { storetest.Run(t, storetest.Harness{Place: place}) })
	}
}
