package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A holder makes commits wait for as long as a test needs.
type holder struct {
	start   func(t *testing.T) (at string)
	hold    []string
	release []string
	waiting string // counts the commits that wait
	probe   string // a transaction that waits as soon as commits wait; empty if hold takes effect at once
}

var holders = map[string]holder{
	// A standby that does not exist must confirm each commit.
	"postgresql": {
		start:   func(t *testing.T) string { return testenv.StartPostgreSQL(t).PostgreSQL() },
		hold:    []string{"ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"},
		release: []string{"ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"},
		waiting: "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
		probe:   "SELECT txid_current()",
	},
	// A backup in progress blocks commits.
	"mariadb": {
		start:   func(t *testing.T) string { return testenv.StartMariaDB(t).MariaDB() },
		hold:    []string{"BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"},
		release: []string{"BACKUP STAGE END"},
		waiting: "SELECT count(*) FROM information_schema.processlist WHERE state = 'Waiting for backup lock'",
	},
}

// If a batch is written again while its first commit is still in progress, the
// batch is in the table twice, and in reports once.
func TestCommittedTwice(t *testing.T) {
	for name, h := range holders {
		t.Run(name, func(t *testing.T) {
			at := h.start(t)
			proxy := testenv.NewProxy(t, parse(t, at).Host)
			cut, s := open(t, strings.Replace(at, parse(t, at).Host, proxy.Addr(), 1)), open(t, at)
			db := foreign(t, at)
			db.SetMaxOpenConns(1) // the session that makes a backup
			batch := []osprofiler.Notification{event("A", "x-start"), event("A", "x-stop")}
			batch[1].TraceID = batch[0].TraceID
			execute(t, db, h.hold...)
			h.awaitHold(t, db, foreign(t, at))
			first, second := make(chan error, 1), make(chan error, 1)
			go func() { first <- cut.Write(t.Context(), batch) }()
			h.await(t, db, 1)
			proxy.Refuse(true) // a driver would come back to cancel the commit
			proxy.Reset()
			var lost *store.WriteError
			if err := <-first; !errors.As(err, &lost) || !lost.Transient {
				t.Errorf("a commit whose answer was lost is the error %v", err)
			}
			go func() { second <- s.Write(t.Context(), batch) }()
			h.await(t, db, 2)
			execute(t, db, h.release...)
			if err := <-second; err != nil {
				t.Fatal(err)
			}
			h.await(t, db, 0)
			if rows := strs(t, db, "SELECT name FROM data"); len(rows) != 4 {
				t.Errorf("the table has %q, want both twice", rows)
			}
			report, err := reader.New(s).Report(t.Context(), "A")
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Children) != 1 || len(report.Children[0].Events) != 2 || len(report.Warnings) != 1 || !strings.HasPrefix(report.Warnings[0], "2 repeated notifications were dropped") {
				t.Errorf("the report is %+v", report)
			}
		})
	}
}

// awaitHold waits until commits wait. PostgreSQL reloads its settings some time
// after the request.
func (h holder) awaitHold(t *testing.T, db, probing *sql.DB) {
	t.Helper()
	for held := h.probe == ""; !held; {
		ctx, cancel := context.WithCancel(t.Context())
		probed := make(chan error, 1)
		go func() {
			_, err := probing.ExecContext(ctx, h.probe)
			probed <- err
		}()
		for done := false; !done && !held; {
			select {
			case err := <-probed:
				if err != nil {
					t.Fatal(err)
				}
				done = true
			case <-time.After(10 * time.Millisecond):
				held = h.count(t, db) == 1
			}
		}
		cancel()
	}
	h.await(t, db, 0)
}

func (h holder) count(t *testing.T, db *sql.DB) (waiting int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), h.waiting).Scan(&waiting); err != nil {
		t.Fatal(err)
	}
	return waiting
}

// await waits until that number of commits wait.
func (h holder) await(t *testing.T, db *sql.DB, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for got := -1; got != want; time.Sleep(10 * time.Millisecond) {
		if err := db.QueryRowContext(ctx, h.waiting).Scan(&got); err != nil {
			t.Fatalf("%d commits wait, want %d: %v", got, want, err)
		}
	}
}

// A trace_id that many rows share does not keep the rows of another trace_id
// from being found.
func TestWrittenTwiceBesideACrowd(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		s := open(t, at)
		batch := []osprofiler.Notification{event("A", "other")}
		for range 2 * 64 * 2 {
			n := event("A", "same")
			n.TraceID = "crowd"
			n.Info = osprofiler.Info(fmt.Sprintf(`{"n": %d, "host": "h"}`, len(batch)))
			batch = append(batch, n)
		}
		for range 2 {
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if rows := strs(t, foreign(t, at), "SELECT name FROM data WHERE name = 'other'"); len(rows) != 1 {
			t.Errorf("the other is there %d times", len(rows))
		}
	})
}
