package sql_test

import (
	"context"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An administrator interrupts a COMMIT that waits for a synchronous standby of
// PostgreSQL. The server has committed, but no standby has, and the client gets
// no answer about that. A retry finds the rows, and still waits for the standby
// before it reports the rows as stored.
func TestCommitEndedBeforeItIsReplicated(t *testing.T) {
	t.Parallel()
	h := holders["postgresql"]
	at := testenv.StartPostgreSQL(t).PostgreSQL()
	s, db := open(t, at), foreign(t, at)
	db.SetMaxOpenConns(1)
	batch := []osprofiler.Notification{event("A", "x-start"), event("A", "x-stop")}
	execute(t, db, h.hold...)
	h.awaitHold(t, db, foreign(t, at))
	first := make(chan error, 1)
	go func() { first <- s.Write(t.Context(), batch) }()
	h.await(t, db, 1)
	execute(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if err := <-first; err == nil {
		t.Error("a COMMIT that was ended is reported as a success")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := (store.Retry{}).Write(ctx, s, batch); err == nil {
		t.Error("a retry reports success, though no standby has confirmed the rows")
	}
	execute(t, db, h.release...)
	if err := (store.Retry{}).Write(t.Context(), s, batch); err != nil {
		t.Error(err)
	}
	if rows := strs(t, db, "SELECT name FROM data"); len(rows) != len(batch) {
		t.Errorf("the table has %q, want each once", rows)
	}
}
