package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.RegisterSink("testsink", "testsink+tls")
	store.Register(store.Backend{Schemes: []string{"testbad"}, Open: func(context.Context, string, store.Options) (*store.Store, error) {
		return nil, store.BadConnectionString(errors.New("no host"))
	}})
}

func TestSchemes(t *testing.T) {
	got := store.Schemes()
	if !slices.Contains(got, "testsink") || !slices.Contains(got, "testsink+tls") || !slices.IsSorted(got) {
		t.Errorf("Schemes() = %q; want what is registered, sorted", got)
	}
}

func TestOpenErrors(t *testing.T) {
	tests := []struct {
		connectionString, want string
		is                     error
	}{
		{"", "the connection string is empty", store.ErrConnectionString},
		{"traces.db", "this is no connection string", store.ErrConnectionString},
		{"bogus://user:geheim@host", `unknown scheme "bogus"; a connection string should start with one of `, store.ErrConnectionString},
		{"sqlite:///x.db", "is not linked into this program", store.ErrConnectionString},
		{"TestSink://host", "takes spans but cannot be read", errors.ErrUnsupported},
	}
	for _, tt := range tests {
		_, err := store.Open(t.Context(), tt.connectionString)
		if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("Open(%q): %v; want %q, which is %v", tt.connectionString, err, tt.want, tt.is)
		}
	}
	_, err := store.Open(t.Context(), "testbad://")
	if !errors.Is(err, store.ErrConnectionString) || err.Error() != "no host" {
		t.Errorf("Open: %v; want what the back end says, which is ErrConnectionString", err)
	}
	if store.BadConnectionString(nil) != nil {
		t.Error("BadConnectionString(nil) should be nil")
	}
}

// The schemes of further drivers of SQLAlchemy lead to the package of their
// database.
func TestOtherDriversOfSQLAlchemy(t *testing.T) {
	for scheme, want := range map[string]string{
		"postgresql+psycopg": "exporter/sql/postgresql", "postgresql+asyncpg": "exporter/sql/postgresql",
		"mysql+asyncmy": "exporter/sql/mysql", "mysql+mysqlconnector": "exporter/sql/mysql", "mariadb+pymysql": "exporter/sql/mysql", "MariaDB": "exporter/sql/mysql",
	} {
		if _, err := store.Lookup(scheme + "://u@h/db"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that names %s", scheme, err, want)
		}
	}
	if _, err := store.Lookup("mysql+nosuch://u@h/db"); err == nil || !strings.Contains(err.Error(), "unknown scheme") {
		t.Error(err)
	}
}
