package sqlite_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

// While somebody holds the lock, Write waits. After the waiting time it returns
// a transient error. The end of the context stops the waiting.
func TestLocked(t *testing.T) {
	s, path := openNew(t, sqlite.WithBusyTimeout(300*time.Millisecond))
	patient, err := openAt(path, sqlite.WithBusyTimeout(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { must(t, patient.Close()) }()
	conn, err := foreign(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	lock := func(statement string) {
		t.Helper()
		if _, err := conn.ExecContext(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	lock("BEGIN EXCLUSIVE")
	batch := []osprofiler.Notification{event("A", "x-start", "2024-05-06T07:08:09.000010")}
	err = s.Write(t.Context(), batch)
	var writeError *store.WriteError
	if !errors.As(err, &writeError) || !writeError.Transient || !strings.Contains(err.Error(), "has been locked by others for 300ms") {
		t.Errorf("a locked database is the error %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := patient.Write(ctx, batch); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when the context ended, the error was %v", err)
	}
	if got := summary(s.Notifications(t.Context(), "A")); !strings.Contains(got, "has been locked by others") {
		t.Errorf("reading gave %s", got)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		lock("ROLLBACK")
	}()
	write(t, patient, batch...)
	if got := summary(s.Notifications(t.Context(), "A")); got != "x-start" {
		t.Errorf("after the lock was given up the store holds %s", got)
	}
}
