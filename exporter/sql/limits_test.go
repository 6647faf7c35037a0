package sql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An error of a sequence that lags behind the rows does not refuse a notification.
// A sequence without any more ids refuses all notifications, whatever they
// contain.
func TestIDsOfTheSequence(t *testing.T) {
	t.Run("behind", func(t *testing.T) {
		at := testenv.PostgreSQL(t)
		s := open(t, at)
		execute(t, foreign(t, at), "INSERT INTO data (id, name) SELECT n, 'restored' FROM generate_series(1, 300) AS n")
		batch := numbered(10)
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if got := names(t, s, "A"); len(got) != len(batch) {
			t.Errorf("stored are %q", got)
		}
	})
	t.Run("exhausted", func(t *testing.T) {
		at := testenv.PostgreSQL(t)
		s := open(t, at)
		execute(t, foreign(t, at), "ALTER SEQUENCE data_id_seq MAXVALUE 5")
		err := s.Write(t.Context(), numbered(10))
		var failed *store.WriteError
		if err == nil || errors.As(err, &failed) && (failed.Transient || len(failed.Refused) > 0) {
			t.Errorf("got %v, want an error that stays and refuses no notification", err)
		}
	})
}

// If a batch exceeds a limit of Galera for transactions, none of its
// notifications is lost.
func TestLimitsOfGalera(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"--wsrep-max-ws-rows=20", "--wsrep-max-ws-size=8192"} {
		t.Run(limit, func(t *testing.T) {
			s := open(t, testenv.StartGalera(t, limit).MariaDB())
			batch := numbered(60)
			if err := (store.Retry{Elapsed: time.Minute}).Write(t.Context(), s, batch); err != nil {
				t.Fatal(err)
			}
			if got := names(t, s, "A"); len(got) != len(batch) {
				t.Errorf("%d of %d are stored", len(got), len(batch))
			}
		})
	}
}

// A trigger may refuse a row with an error number of the operator's choice.
func TestErrorsOfTheOperator(t *testing.T) {
	statements := map[string][]string{
		"postgresql": {
			`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE 'bad%' THEN RAISE EXCEPTION 'bad name' USING ERRCODE='U0001'; END IF; RETURN NEW; END $$`,
			`CREATE TRIGGER refuse BEFORE INSERT ON data FOR EACH ROW EXECUTE FUNCTION refuse()`,
		},
		"mariadb": {`CREATE TRIGGER refuse BEFORE INSERT ON data FOR EACH ROW IF NEW.name LIKE 'bad%' THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 5001, MESSAGE_TEXT = 'bad name'; END IF`},
	}
	onServers(t, func(t *testing.T, name, at string) {
		s := open(t, at)
		execute(t, foreign(t, at), statements[name]...)
		batch := numbered(10)
		batch[3].Name = "bad-start"
		checkRefused(t, s, batch, s.Write(t.Context(), batch), 3)
	})
}

// A table that refuses every row causes a bounded number of transactions.
func TestTableThatRefusesAll(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		db := foreign(t, at)
		execute(t, db, "ALTER TABLE data ADD CHECK (name = 'none')")
		err := s.Write(t.Context(), numbered(1000))
		var failed *store.WriteError
		if !errors.As(err, &failed) || failed.Transient || len(failed.Missing) != 1000 || len(failed.Refused) == 0 || len(failed.Refused) > 100 {
			t.Errorf("got %.300v, want an error that names some as refused and all as missing", err)
		}
		if !strings.Contains(err.Error(), "the others were not tried") {
			t.Errorf("the error does not say that the others were not tried: %.3000v", err)
		}
	})
}

// A large row that waits for a lock longer than read_timeout is not refused.
func TestLargeRowWaitsForALock(t *testing.T) {
	t.Parallel()
	server := testenv.StartMariaDB(t)
	s := open(t, server.MariaDB()+"&read_timeout=1")
	db := foreign(t, server.MariaDB())
	db.SetMaxOpenConns(1)
	execute(t, db, "LOCK TABLES data WRITE")
	released := make(chan error, 1)
	time.AfterFunc(5*time.Second, func() {
		_, err := db.Exec("UNLOCK TABLES")
		released <- err
	})
	batch := []osprofiler.Notification{padded("A", "large", 1_200_000)}
	if err := (store.Retry{Elapsed: time.Minute}).Write(t.Context(), s, batch); err != nil {
		t.Error(err)
	}
	if err := <-released; err != nil {
		t.Fatal(err)
	}
	if got := names(t, s, "A"); len(got) != 1 {
		t.Errorf("stored are %q", got)
	}
}

// Rows with one trace_id that a trigger puts into a partition are stored,
// whatever their number is.
func TestManyRowsOfPartitions(t *testing.T) {
	at := testenv.PostgreSQL(t)
	s := open(t, at)
	execute(t, foreign(t, at),
		`CREATE TABLE part () INHERITS (data)`,
		`CREATE FUNCTION redirect() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO part SELECT NEW.*; RETURN NULL; END $$`,
		`CREATE TRIGGER redirect BEFORE INSERT ON data FOR EACH ROW EXECUTE FUNCTION redirect()`)
	batch := numbered(100)
	for i := range batch {
		batch[i].TraceID = "one"
		batch[i].Info = osprofiler.Info(fmt.Sprintf(`{"n": %d, "host": "h"}`, i))
	}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := names(t, s, "A"); len(got) != len(batch) {
		t.Errorf("%d of %d are stored", len(got), len(batch))
	}
}
