package sql_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	_ "github.com/osprofiler-otel/osprofiler/exporter/sql"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place: func(t testing.TB) string { return "sqlite:///" + filepath.Join(t.TempDir(), "store.db") },
	})
}
