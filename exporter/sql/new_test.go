package sql_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql"
	"github.com/osprofiler-otel/osprofiler/store"
)

// newStore returns a store in a database that the test opened.
func newStore(name string, db *sql.DB) *store.Store {
	if name == "postgresql" {
		return postgresql.New(db)
	}
	return mysql.New(db)
}

// A store in a database that the program opened, with the settings of its driver,
// writes, reads, lists, follows and deletes. Closing the store leaves the database
// open.
func TestNew(t *testing.T) {
	onServers(t, func(t *testing.T, name, at string) {
		db := foreign(t, at)
		s := newStore(name, db)
		batch := []osprofiler.Notification{event("A", "x"), event(strings.Repeat("b", 300), "y")}
		for range 2 {
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if got := names(t, s, "A"); len(got) != 1 {
			t.Errorf("read %q", got)
		}
		if got := everything(t, s); len(got) != 2 {
			t.Errorf("listed %v", got)
		}
		for row, err := range s.PythonAnswers().Traces(t.Context(), []string{"name", "data"}) {
			if err != nil || !strings.HasPrefix(row, `{"name": "`) {
				t.Errorf("got %s (%v)", row, err)
			}
		}
		f, err := s.Feed(t.Context(), "")
		if err != nil || polled(t, f) != 2 || polled(t, f) != 0 {
			t.Errorf("the feed does not yield two notifications (%v)", err)
		}
		if n, err := s.Delete(t.Context(), batch[1].BaseID); n != 1 || err != nil {
			t.Errorf("%d rows were deleted (%v)", n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if rows := strs(t, db, "SELECT name FROM data"); len(rows) != 1 {
			t.Errorf("after Close the database has %q", rows)
		}
	})
}

// Session settings with which texts would be lost are an error. A driver other
// than the one that the package needs is an error, too.
func TestNewRefuses(t *testing.T) {
	onServers(t, func(t *testing.T, name, at string) {
		var db *sql.DB
		var err error
		want := "are not strict (sql_mode=)"
		if name == "postgresql" {
			db, err = sql.Open("sqlite", ":memory:")
			want = "it should be opened with github.com/jackc/pgx/v5/stdlib"
		} else {
			db, err = sql.Open("mysql", dsn(t, at)+"?sql_mode=''")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s := newStore(name, db)
		if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
