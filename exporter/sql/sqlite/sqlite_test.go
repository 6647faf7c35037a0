package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// TestMain also runs the test binary as the other process of some tests: see
// process_test.go.
func TestMain(m *testing.M) {
	if job := os.Getenv("OSP_TEST_JOB"); job != "" {
		os.Exit(work(job))
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place:       func(t testing.TB) string { return "sqlite:///" + filepath.Join(t.TempDir(), "store.db") },
		Unreachable: func(t testing.TB) string { return "sqlite:///" + filepath.Join(t.TempDir(), "none", "store.db") },
	})
}

// openNew opens a new database and returns the path of its file.
func openNew(t testing.TB, opts ...sqlite.Option) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := openAt(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

// openAt opens the database and makes its table, like a program that checks its
// stores when it starts.
func openAt(path string, opts ...sqlite.Option) (*store.Store, error) {
	s, err := sqlite.Open("sqlite:///"+path, opts...)
	if err != nil {
		return nil, err
	}
	if err := s.Ping(context.Background()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// foreign opens the file as another program would.
func foreign(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func event(baseID, name, timestamp string) osprofiler.Notification {
	return osprofiler.Notification{Name: name, BaseID: baseID, TraceID: osprofiler.NewID(), ParentID: baseID, Timestamp: timestamp, Info: `{"host": "h"}`, Project: "p", Service: "s"}
}

func write(t testing.TB, s *store.Store, batch ...osprofiler.Notification) {
	t.Helper()
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

// summary returns the names of the notifications and the damages of a sequence
// as text.
func summary(notifications iter.Seq2[osprofiler.Notification, error]) string {
	var all []string
	for n, err := range notifications {
		var damage *store.DamageError
		switch {
		case errors.As(err, &damage):
			at, _, _ := strings.Cut(damage.Entry, " of ")
			all = append(all, "damage at "+at)
		case err != nil:
			all = append(all, err.Error())
		default:
			all = append(all, n.Name)
		}
	}
	return strings.Join(all, ", ")
}

func traces(list iter.Seq2[store.Summary, error]) string {
	var all []string
	for trace, err := range list {
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, trace.BaseID+" "+trace.Timestamp)
	}
	return strings.Join(all, ", ")
}

// The table and its indexes are made by the statements of the Python library.
func TestSchema(t *testing.T) {
	s, path := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := foreign(t, path).QueryContext(t.Context(), "SELECT sql FROM sqlite_master ORDER BY type DESC, name")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	got := map[string]bool{}
	for rows.Next() {
		var statement string
		if err := rows.Scan(&statement); err != nil {
			t.Fatal(err)
		}
		got[statement] = true
	}
	text, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(strings.TrimSpace(string(text)), ";\n")
	for _, want := range wanted {
		if want = strings.TrimSuffix(want, ";"); !got[want] {
			t.Errorf("this is missing:\n%s", want)
		}
	}
	if len(got) != len(wanted) {
		t.Errorf("%d statements, want %d", len(got), len(wanted))
	}
}

// After it is closed, the store is one file.
func TestOneFile(t *testing.T) {
	s, path := openNew(t)
	write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
	only := func(when string) {
		t.Helper()
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 {
			t.Errorf("%s the folder holds %v (%v)", when, files, err)
		}
	}
	only("while it is open")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	only("when it is closed")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("everybody may read the file: %v (%v)", info.Mode(), err)
	}
}

// A table without its indexes, which others may have made, gets the indexes.
func TestMissingIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := foreign(t, path)
	execute(t, db, "CREATE TABLE Data (id INTEGER PRIMARY KEY, timestamp, base_id, parent_id, trace_id, project, host, service, name, data, more)",
		"CREATE INDEX ix_data_name ON data (name)")
	s, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var count int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_master WHERE type = 'index'").Scan(&count); err != nil || count != 8 {
		t.Errorf("%d indexes (%v), want 8", count, err)
	}
	write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
	if got := summary(s.Notifications(t.Context(), "A")); got != "x-start" {
		t.Errorf("got %s", got)
	}
}

// Rows that others wrote are read as far as possible.
func TestForeignRows(t *testing.T) {
	s, path := openNew(t)
	db := foreign(t, path)
	execute(t, db,
		`INSERT INTO data VALUES (1, '2024-05-06T07:08:09.000010', 'A', 'A', 'T', NULL, 'h', NULL, 'string', '"{\"info\": {\"host\": \"h\"}}"')`,
		`INSERT INTO data VALUES (2, '2024-05-06T07:08:09.000010', 'A', 'A', 'T', NULL, 'h', NULL, 'object', '{"info": {"host": "h"}}')`,
		`INSERT INTO data VALUES (3, '2024-05-06T07:08:09.000010', 'A', 'A', 'T', NULL, 'h', NULL, 'null', NULL)`,
		`INSERT INTO data VALUES (4, '2024-05-06T07:08:09.000010', 'A', 'A', 'T', NULL, 'h', NULL, 'garbage', 'etype')`,
		`INSERT INTO data VALUES (5, '2024-05-06T07:08:09.000010', 'A', 'A', 'T', NULL, 'h', NULL, 'bytes', x'7b7d')`,
		`INSERT INTO data VALUES (6, 5, 'A', 6, 'T', NULL, 'h', NULL, 'numbers', '{}')`,
		`INSERT INTO data VALUES (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"info": {"etype": "E"}}')`,
		`INSERT INTO data VALUES (8, NULL, 'B', NULL, NULL, NULL, NULL, NULL, 'damaged', '')`,
	)
	if got, want := summary(s.Notifications(t.Context(), "A")), "string, object, damage at row 3, damage at row 4, bytes, numbers"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := summary(s.Notifications(t.Context(), "B")), "damage at row 8"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := summary(s.Notifications(t.Context(), "")), ""; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got, want := traces(s.Traces(t.Context(), store.Query{})), "A 2024-05-06T07:08:09.000010,  , B "; !strings.Contains(got, "A ") || strings.Count(got, ",") != 2 {
		t.Errorf("got  %s\nwant something like %s", got, want)
	}
	if got, want := traces(failures(t, s)), fmt.Sprintf(`skipped row 4 of the table data in %q: the column data: invalid JSON at byte 0: no JSON value starts so,  `, path); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := summary(changes(t, s, "")); strings.Count(got, "damage") != 3 {
		t.Errorf("got %s", got)
	}
}

// changes polls a new feed once.
func changes(t testing.TB, s *store.Store, from store.Cursor) iter.Seq2[osprofiler.Notification, error] {
	t.Helper()
	f, err := s.Feed(t.Context(), from)
	if err != nil {
		return func(yield func(osprofiler.Notification, error) bool) { yield(osprofiler.Notification{}, err) }
	}
	return f.Poll(t.Context())
}

// failures lists the traces in which something failed.
func failures(t testing.TB, s *store.Store) iter.Seq2[store.Summary, error] {
	t.Helper()
	return func(yield func(store.Summary, error) bool) {
		for summary, err := range s.Traces(t.Context(), store.Query{Failed: true}) {
			summary.Timestamp = summary.FirstFailure
			if !yield(summary, err) {
				return
			}
		}
	}
}

// An equal row is in the table once, unless very many rows share its trace_id.
func TestSameBatchIsStoredOnce(t *testing.T) {
	s, path := openNew(t)
	batch := []osprofiler.Notification{event("A", "x-start", "2024-05-06T07:08:09.000010"), event("A", "y-start", "2024-05-06T07:08:09.000010")}
	batch = append(batch, batch[0])
	changed := batch[0]
	changed.Project = ""
	write(t, s, batch...)
	write(t, s, batch...)
	write(t, s, changed, changed)
	var count int
	if err := foreign(t, path).QueryRowContext(t.Context(), "SELECT count(*) FROM data").Scan(&count); err != nil || count != 3 {
		t.Errorf("%d rows (%v), want 3", count, err)
	}
}

// A row that somebody's constraint refuses does not keep the other rows from
// being stored.
func TestOneRowIsRefused(t *testing.T) {
	s, path := openNew(t)
	execute(t, foreign(t, path), "CREATE TRIGGER refuse BEFORE INSERT ON data WHEN NEW.name LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'bad name'); END")
	err := s.Write(t.Context(), []osprofiler.Notification{event("A", "one", ""), event("A", "bad", ""), event("A", "two", "")})
	var failed *store.WriteError
	if !errors.As(err, &failed) || !slices.Equal(failed.Refused, []int{1}) || !slices.Equal(failed.Missing, []int{1}) || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("the error is %+v: %v", failed, err)
	}
	if got := summary(s.Notifications(t.Context(), "A")); got != "one, two" {
		t.Errorf("the store holds %s", got)
	}
}

// A cursor remains valid when old rows are deleted. The cursor of a table whose
// rows were all replaced is refused.
func TestCursor(t *testing.T) {
	s, path := openNew(t)
	write(t, s, event("A", "a", ""), event("A", "b", ""), event("A", "c", ""))
	var cursors []store.Cursor
	f, err := s.Feed(t.Context(), "")
	must(t, err)
	for _, err := range f.Poll(t.Context()) {
		must(t, err)
		cursors = append(cursors, f.Cursor())
	}
	db := foreign(t, path)
	execute(t, db, "DELETE FROM data WHERE id <= 2")
	if got := summary(changes(t, s, cursors[1])); got != "c" {
		t.Errorf("behind a deleted row comes %s", got)
	}
	execute(t, db, "DELETE FROM data")
	write(t, s, event("A", "d", ""))
	for _, cursor := range cursors[:1] {
		if got := summary(changes(t, s, cursor)); !strings.Contains(got, "deleted or replaced") {
			t.Errorf("from %s of the old table comes %s", cursor, got)
		}
	}
	if got := summary(changes(t, s, cursors[2])); !strings.Contains(got, "deleted or replaced") {
		t.Errorf("from %s, which is not there any more, comes %s", cursors[2], got)
	}
}

// Python's driver lists the first row of each trace, and takes payload and host from
// columns.
func TestPythonAnswers(t *testing.T) {
	s, _ := openNew(t)
	for range 3 {
		write(t, s, event("B", "late", "2024-05-06T07:08:09.000020"), event("A", "x", "2024-05-06T07:08:09.000030"), event("B", "early", "2024-05-06T07:08:09.000010"))
	}
	answers := s.PythonAnswers()
	var got []string
	for row, err := range answers.Traces(t.Context(), nil) {
		must(t, err)
		got = append(got, row)
	}
	want := []string{`{"timestamp": "2024-05-06T07:08:09.000020", "base_id": "B"}`, `{"timestamp": "2024-05-06T07:08:09.000030", "base_id": "A"}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if answers.Driver != "sqlalchemy" || answers.FailedTraces != nil {
		t.Errorf("got the driver %q, and failed traces: %v", answers.Driver, answers.FailedTraces != nil)
	}
	for text, want := range map[string][2]string{
		`{"name": "x", "info": {"host": "h"}, "project": null}`:           {`"h"`, `{"info": {"host": "h"}, "osp_columns": {"name": "x", "project": null}}`},
		`{"name": "x", "host": "k", "info": {"host": "h"}, "extra": [1]}`: {`"k"`, `{"info": {"host": "h"}, "extra": [1], "osp_columns": {"name": "x", "host": "k"}}`},
		event("A", "x-start", "2024-05-06T07:08:09.000010").JSON():        {`"h"`, `{"info": {"host": "h"}}`},
		`{}`: {"null", `{"osp_columns": {}}`},
	} {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		host, ok := answers.Host(&n)
		if payload := answers.Payload(&n); host != want[0] || !ok || payload != want[1] {
			t.Errorf("%s\ngot  %s %s\nwant %s %s", text, host, payload, want[0], want[1])
		}
	}
}

// Python's driver lists the first rows of more traces than fit into a page, by
// their ids.
func TestPythonAnswersOfManyTraces(t *testing.T) {
	s, _ := openNew(t, sqlite.WithSync(false))
	var batch []osprofiler.Notification
	var want []string
	for i := range 1300 {
		n := event(fmt.Sprintf("B%d", i%1201), "x", "2024-05-06T07:08:09.000010")
		if batch = append(batch, n); i < 1201 {
			want = append(want, fmt.Sprintf(`{"base_id": %q}`, n.BaseID))
		}
	}
	write(t, s, batch...)
	var got []string
	for row, err := range s.PythonAnswers().Traces(t.Context(), []string{"base_id"}) {
		must(t, err)
		got = append(got, row)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d traces, want %d in order", len(got), len(want))
	}
}

func TestReadOnly(t *testing.T) {
	s, path := openNew(t)
	write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []func() (*store.Store, error){
		func() (*store.Store, error) {
			return store.Open(t.Context(), "sqlite:///"+path, store.WithReadOnly())
		},
		func() (*store.Store, error) { return store.Open(t.Context(), "sqlite:///"+path+"?osp_read_only=yes") },
	} {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), []osprofiler.Notification{{Name: "x"}}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Write returned %v", err)
		}
		if got := summary(s.Notifications(t.Context(), "A")); got != "x-start" {
			t.Errorf("got %s", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("reading changed the file (%v)", err)
	}
}
