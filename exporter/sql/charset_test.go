package sql_test

import (
	"database/sql"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

func TestNewRefusesAnotherCharacterSet(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, name, at string) {
		if name == "postgresql" {
			return // its driver uses UTF-8 only
		}
		db, err := sql.Open("mysql", dsn(t, at)+"?charset=latin1")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s := newStore(name, db)
		defer s.Close()
		if err := s.Write(t.Context(), []osprofiler.Notification{event("A", "é€-start")}); err == nil {
			t.Error("sessions with latin1 are accepted")
		}
	})
}
