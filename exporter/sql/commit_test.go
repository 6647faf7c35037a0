package sql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// If a COMMIT failed because the transaction was rolled back, Write does not
// repeat only the COMMIT: the next COMMIT, which commits nothing, would
// succeed.
func TestCommitRolledBack(t *testing.T) {
	at := testenv.PostgreSQL(t)
	s := open(t, at)
	db := foreign(t, at)
	execute(t, db,
		`CREATE SEQUENCE once`,
		`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('once') = 1 THEN RAISE EXCEPTION 'conflict' USING ERRCODE='40001'; END IF; RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER conflict AFTER INSERT ON data DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION conflict()`)
	if err := s.Write(t.Context(), []osprofiler.Notification{event("A", "x")}); err != nil {
		t.Fatal(err)
	}
	if got := strs(t, db, "SELECT name FROM data"); len(got) != 1 {
		t.Errorf("Write returned nil; the table holds %q", got)
	}
}

// Rows that a trigger or a rule discards do not count as stored.
func TestDiscardedRows(t *testing.T) {
	for name, statements := range map[string][]string{
		"trigger": {
			`CREATE FUNCTION discard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name = 'y' THEN RETURN NULL; END IF; RETURN NEW; END $$`,
			`CREATE TRIGGER discard BEFORE INSERT ON data FOR EACH ROW EXECUTE FUNCTION discard()`,
		},
		"rule on a view": {
			`ALTER TABLE data RENAME TO kept`,
			`CREATE VIEW data AS SELECT * FROM kept`,
			`CREATE RULE discard AS ON INSERT TO data DO INSTEAD NOTHING`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := testenv.PostgreSQL(t)
			s := open(t, at)
			execute(t, foreign(t, at), statements...)
			err := s.Write(t.Context(), []osprofiler.Notification{event("A", "x"), event("A", "y")})
			if err == nil || !strings.Contains(err.Error(), "discarded") {
				t.Errorf("got %v, want an error that rows were discarded", err)
			}
			var failed *store.WriteError
			if errors.As(err, &failed) && failed.Transient {
				t.Errorf("the error is transient: %v", err)
			}
		})
	}
}

// Rows that a trigger puts into another table, through which the table data
// shows them, count as stored.
func TestRowsOfPartitions(t *testing.T) {
	at := testenv.PostgreSQL(t)
	s := open(t, at)
	execute(t, foreign(t, at),
		`CREATE TABLE part () INHERITS (data)`,
		`CREATE FUNCTION redirect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO part SELECT NEW.*; RETURN NULL; END $$`,
		`CREATE TRIGGER redirect BEFORE INSERT ON data FOR EACH ROW EXECUTE FUNCTION redirect()`)
	batch := []osprofiler.Notification{event("A", "x"), event("A", "y")}
	for range 2 {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, s, "A"); len(got) != 2 {
		t.Errorf("stored are %q", got)
	}
}

// On a server that reads uncommitted rows by default, rows of a transaction
// that may still be rolled back do not count as stored already.
func TestUncommittedRowsAreNotStored(t *testing.T) {
	server := testenv.StartMariaDB(t, "--transaction-isolation=READ-UNCOMMITTED")
	s := open(t, server.MariaDB())
	n := event("A", "x")
	if err := s.Write(t.Context(), []osprofiler.Notification{n}); err != nil {
		t.Fatal(err)
	}
	db := foreign(t, server.MariaDB())
	execute(t, db, "CREATE TABLE copied AS SELECT * FROM data", "DELETE FROM data")
	other, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), "INSERT INTO data SELECT * FROM copied"); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), []osprofiler.Notification{n}); err != nil {
		t.Fatal(err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, s, "A"); len(got) != 1 {
		t.Errorf("Write returned nil; stored are %q", got)
	}
}
