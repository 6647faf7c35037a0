package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Opening and reading create nothing. The first Write creates the file and the
// table.
func TestOpenCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	s, err := sqlite.Open("sqlite:///" + path)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if got, want := summary(s.Notifications(t.Context(), "A")), `no such trace: "A"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := traces(s.Traces(t.Context(), store.Query{})); got != "" {
		t.Errorf("the traces are %s", got)
	}
	if got := summary(changes(t, s, "")); got != "" {
		t.Errorf("the changes are %s", got)
	}
	if n, err := s.Delete(t.Context(), "A"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Delete returned %d, %v", n, err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("reading created %d files", len(left))
	}
	write(t, s, event("A", "x", ""))
	if got := summary(s.Notifications(t.Context(), "A")); got != "x" {
		t.Errorf("after a write the store holds %s", got)
	}
}

// A database without the table, and an empty file, read as empty. Both are left
// unchanged.
func TestReadWithoutTable(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "empty.db"), nil, 0o600))
	execute(t, foreign(t, filepath.Join(dir, "other.db")), "CREATE TABLE other (id)")
	before := files(t, dir)
	for _, name := range []string{"empty.db", "other.db"} {
		s, err := sqlite.Open("sqlite:///" + filepath.Join(dir, name))
		must(t, err)
		if got := traces(s.Traces(t.Context(), store.Query{})); got != "" {
			t.Errorf("the traces are %s", got)
		}
		must(t, s.Close())
	}
	if fmt.Sprint(files(t, dir)) != fmt.Sprint(before) {
		t.Error("reading changed a file")
	}
}

// While a folder is missing, Ping, Write and reading return an error. When the
// folder exists, the store need not be opened again.
func TestFolderComesLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	s, err := sqlite.Open("sqlite:///" + filepath.Join(dir, "store.db"))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	want := fmt.Sprintf("there is no directory %q", dir)
	for what, err := range map[string]error{"Ping": s.Ping(t.Context()), "Write": s.Write(t.Context(), one("x"))} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	if got := summary(s.Notifications(t.Context(), "A")); !strings.Contains(got, want) {
		t.Errorf("reading: got %s, want %s", got, want)
	}
	must(t, os.Mkdir(dir, 0o700), s.Ping(t.Context()), s.Write(t.Context(), one("x")))
}

// Many goroutines that use the store for the first time make one table.
func TestFirstUseByMany(t *testing.T) {
	s, err := sqlite.Open("sqlite:///"+filepath.Join(t.TempDir(), "store.db"), sqlite.WithSync(false))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if i%2 == 0 {
				for _, err := range s.Traces(t.Context(), store.Query{}) {
					must(t, err)
				}
			}
			if err := s.Write(t.Context(), one(fmt.Sprint("x", i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := summary(s.Notifications(t.Context(), "A")); strings.Count(got, "x") != 20 {
		t.Errorf("the store holds %s", got)
	}
}

// A call ends soon after its context, whatever SQLite does. A statement that
// reads is interrupted. A transaction that writes ends after a statement.
func TestContexts(t *testing.T) {
	s, _ := openNew(t, sqlite.WithSync(false))
	var batch []osprofiler.Notification
	for i := range 60_000 {
		batch = append(batch, event(fmt.Sprint("B", i%1000), "x-start", fmt.Sprintf("2024-05-06T07:08:09.%06d", i)))
	}
	write(t, s, batch[:20_000]...)
	for name, f := range map[string]func(ctx context.Context) error{
		"write": func(ctx context.Context) error { return s.Write(ctx, batch[20_000:]) },
		"list": func(ctx context.Context) (last error) {
			for {
				for _, err := range s.Traces(ctx, store.Query{}) {
					if last = err; last != nil {
						return last
					}
				}
			}
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan time.Time, 1)
		time.AfterFunc(20*time.Millisecond, func() { ended <- time.Now(); cancel() })
		err := f(ctx)
		if took := time.Since(<-ended); !errors.Is(err, context.Canceled) || took > 30*time.Second {
			t.Errorf("%s: %v, %v after the end of the context", name, err, took)
		}
	}
	if got := len(strings.Split(traces(s.Traces(t.Context(), store.Query{})), ",")); got != 1000 {
		t.Errorf("there are %d traces", got)
	}
}

// A store in a database that the program opened reads and writes the database,
// even with one connection only, and leaves it open.
func TestNew(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	must(t, err)
	defer func() { must(t, db.Close()) }()
	db.SetMaxOpenConns(1)
	s := sqlite.New(db)
	must(t, s.Ping(t.Context()))
	write(t, s, event("A", "x", "2024-05-06T07:08:09.000010"), event("B", "y", ""))
	for n, err := range s.Notifications(t.Context(), "A") {
		must(t, err)
		write(t, s, event("A", n.Name+"-again", "")) // the database is free
	}
	if got := summary(s.Notifications(t.Context(), "A")); got != "x, x-again" {
		t.Errorf("the store holds %s", got)
	}
	must(t, s.Close())
	var count int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM data").Scan(&count); err != nil || count != 3 {
		t.Errorf("after Close the database has %d rows (%v)", count, err)
	}
	r := sqlite.New(db, sqlite.WithReadOnly())
	if err := r.Write(t.Context(), one("z")); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a read-only store writes: %v", err)
	}
	if got := summary(r.Notifications(t.Context(), "B")); got != "y" {
		t.Errorf("the store holds %s", got)
	}
}
