package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/store"
)

const batches, perBatch = 20, 10

// work does the work of the test binary as another process. It writes, and with
// the job "crash" it writes until it is killed.
func work(job string) int {
	job, path, _ := strings.Cut(job, ":")
	var err error
	switch job {
	case "insert", "crash":
		err = insertMany(path, job == "crash")
	default:
		err = more(job, path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func insertMany(path string, crash bool) error {
	ctx := context.Background()
	s, err := openAt(path, sqlite.WithBusyTimeout(time.Minute))
	if err != nil {
		return err
	}
	for b := 0; b < batches || crash; b++ {
		batch := make([]osprofiler.Notification, perBatch)
		for i := range batch {
			batch[i] = osprofiler.Notification{Name: fmt.Sprintf("x-%d-start", b), BaseID: "B", TraceID: osprofiler.NewID()}
		}
		if err := s.Write(ctx, batch); err != nil {
			return errors.Join(err, s.Close())
		}
		if crash {
			fmt.Println("acknowledged")
		}
	}
	return s.Close()
}

// start starts another process. The returned function waits for its end.
func start(t *testing.T, job, path string) (wait func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), "OSP_TEST_JOB="+job+":"+path)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", job, err, &output)
		}
	}
}

func count(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	for _, err := range s.Notifications(t.Context(), "B") {
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		if err == nil {
			n++
		}
	}
	return n
}

// Several processes write into one database, even while the database is being
// made, and another process reads.
func TestSeveralProcesses(t *testing.T) {
	const processes = 3
	path := t.TempDir() + "/store.db"
	var waits []func()
	for range processes {
		waits = append(waits, start(t, "insert", path))
	}
	s, err := openAt(path, sqlite.WithBusyTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, wait := range waits {
			wait()
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(5 * time.Millisecond):
		}
		if n := count(t, s); n%perBatch != 0 {
			t.Fatalf("a reader saw %d notifications, which is no multiple of %d: a part of a batch", n, perBatch)
		}
	}
	if n := count(t, s); n != processes*batches*perBatch {
		t.Errorf("%d notifications are there, want %d", n, processes*batches*perBatch)
	}
}

// After a process was killed while it wrote, the database has whole batches
// only, among them all that were acknowledged.
func TestCrash(t *testing.T) {
	path := t.TempDir() + "/store.db"
	acknowledged := faults.Killed(t, "OSP_TEST_JOB=crash:"+path, 10)
	s, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if n := count(t, s); n < acknowledged*perBatch || n%perBatch != 0 {
		t.Errorf("%d notifications are there, want a multiple of %d and at least %d", n, perBatch, acknowledged*perBatch)
	}
	write(t, s, event("B", "x-start", ""))
}

// If a process is killed at any moment, even in a COMMIT, the database can
// still be read. It has all acknowledged notifications, in whole batches.
func TestCrashThenRead(t *testing.T) {
	path := t.TempDir() + "/store.db"
	acknowledged := 0
	for round := range 8 {
		acknowledged += faults.Killed(t, "OSP_TEST_JOB=crash:"+path, 3+round)
		s, err := openAt(path, sqlite.WithReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, s); n < acknowledged*perBatch || n%perBatch != 0 {
			t.Errorf("round %d: %d notifications are there, want a multiple of %d and at least %d", round, n, perBatch, acknowledged*perBatch)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
