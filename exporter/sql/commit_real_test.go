package sql_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// atCommit returns statements that make PostgreSQL call a function for each new
// row when the transaction is committed.
func atCommit(body string) []string {
	return []string{
		"CREATE SEQUENCE commits",
		"CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + " RETURN NULL; END $$",
		"CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON data DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit()",
	}
}

// A real COMMIT to which PostgreSQL answers with an error has rolled back.
func TestCommitFailsInPostgreSQL(t *testing.T) {
	const once = "IF nextval('commits') = 1 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '%s'; END IF;"
	for name, c := range map[string]struct {
		body   string
		stored bool // stored by a retry at the latest
	}{
		"serialization failure once": {fmt.Sprintf(once, "40001"), true},
		"deadlock once":              {fmt.Sprintf(once, "40P01"), true},
		"lock not available once":    {fmt.Sprintf(once, "55P03"), true},
		"a check for good":           {"RAISE EXCEPTION 'not this one' USING ERRCODE = '23514';", false},
		"an error for good":          {"RAISE EXCEPTION 'never' USING ERRCODE = 'P0001';", false},
	} {
		t.Run(name, func(t *testing.T) {
			at := testenv.PostgreSQL(t)
			s, db := open(t, at), foreign(t, at)
			execute(t, db, atCommit(c.body)...)
			batch := []osprofiler.Notification{event("A", "x-start"), event("A", "x-stop")}
			err := store.Retry{Elapsed: 20 * time.Second}.Write(t.Context(), s, batch)
			want := 0
			if c.stored {
				want = len(batch)
			}
			if rows := strs(t, db, "SELECT name FROM data"); (err == nil) != c.stored || len(rows) != want {
				t.Errorf("Write returned %v, and the table has %q", err, rows)
			}
		})
	}
}

// If two nodes of a Galera cluster assign the same ids, some transactions fail
// at COMMIT, because the other node was first. All notifications that are
// written to both nodes at the same time are stored, each once.
func TestCommitConflictsInGalera(t *testing.T) {
	t.Parallel()
	first := testenv.StartGalera(t)
	second := testenv.StartGaleraNode(t, first)
	for _, server := range []*testenv.Server{first, second} {
		execute(t, foreign(t, server.MariaDB()), "SET GLOBAL wsrep_auto_increment_control = OFF",
			"SET GLOBAL auto_increment_increment = 1, auto_increment_offset = 1")
	}
	const batches, each = 60, 5
	var group sync.WaitGroup
	for node, server := range []*testenv.Server{first, second} {
		s := open(t, server.MariaDB())
		for writer := range 2 {
			group.Go(func() {
				for b := range batches {
					if err := (store.Retry{}).Write(t.Context(), s, conflicting(node, writer, b, each)); err != nil {
						t.Errorf("node %d, batch %d: %v", node, b, err)
					}
				}
			})
		}
	}
	group.Wait()
	db := foreign(t, first.MariaDB())
	db.SetMaxOpenConns(1) // the session that waits for the other node
	const failures = "SELECT variable_value FROM information_schema.global_status WHERE variable_name IN ('wsrep_local_cert_failures', 'wsrep_local_bf_aborts')"
	conflicts := append(strs(t, db, failures), strs(t, foreign(t, second.MariaDB()), failures)...)
	t.Logf("certification failures and aborts of both nodes: %q", conflicts)
	if strings.Trim(strings.Join(conflicts, ""), "0") == "" {
		t.Error("no transaction met another, so that nothing is tested")
	}
	execute(t, db, "SET SESSION wsrep_sync_wait = 1") // the rows of the other node are applied
	if rows := strs(t, db, "SELECT CONCAT(COUNT(*), ' rows, ', COUNT(DISTINCT name), ' names') FROM data"); rows[0] != fmt.Sprintf("%d rows, %[1]d names", 2*2*batches*each) {
		t.Errorf("the table has %s, want %d of each", rows[0], 2*2*batches*each)
	}
}

func conflicting(node, writer, b, each int) []osprofiler.Notification {
	batch := make([]osprofiler.Notification, each)
	for i := range batch {
		batch[i] = event("A", fmt.Sprintf("%d-%d-%d-%d", node, writer, b, i))
	}
	return batch
}
