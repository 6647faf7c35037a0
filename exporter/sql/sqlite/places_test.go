package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/store"
)

func TestBadPlaces(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("text.db", strings.Repeat("this is no database\n", 100))
	file("empty.db", "")
	execute(t, foreign(t, dir+"/other.db"), "CREATE TABLE other (id)")
	execute(t, foreign(t, dir+"/wrong.db"), "CREATE TABLE data (id INTEGER PRIMARY KEY, value)")
	execute(t, foreign(t, dir+"/view.db"), "CREATE VIEW data AS SELECT 1 AS id")
	for _, c := range []struct {
		rest, want string
		is         error
	}{
		{"/", `cannot open the file "DIR": it is a directory, and should be a SQLite database`, nil},
		{"/none/x.db", `cannot create the file "DIR/none/x.db": there is no directory "DIR/none": file does not exist`, fs.ErrNotExist},
		{"/empty.db/x.db", `cannot open the file "DIR/empty.db/x.db": not a directory`, nil},
		{"/none.db?osp_read_only", `cannot read the file "DIR/none.db": file does not exist`, fs.ErrNotExist},
		{"/text.db", `the file "DIR/text.db" is no SQLite database: file is not a database (26)`, nil},
		{"/text.db?osp_read_only", `the file "DIR/text.db" is no SQLite database: file is not a database (26)`, nil},
		{"/empty.db?osp_read_only", `the database "DIR/empty.db" holds no traces: it has no table "data"`, nil},
		{"/other.db?osp_read_only", `the database "DIR/other.db" holds no traces: it has no table "data"`, nil},
		{"/wrong.db", `the table data of the database "DIR/wrong.db" is not OSProfiler's, whose columns are id, timestamp, base_id, parent_id, trace_id, project, host, service, name, data: `, nil},
		{"/wrong.db?osp_read_only", `the table data of the database "DIR/wrong.db" is not OSProfiler's, whose columns are id, timestamp, base_id, parent_id, trace_id, project, host, service, name, data: `, nil},
		{"/view.db", `the SQLite database "DIR/view.db": `, nil},
		{"/x.db?mode=rwc", `unknown option "mode" of the connection string; this back end knows autocommit, cached_statements, check_same_thread, detect_types, filter_error_trace, isolation_level, osp_allow_shared, osp_busy_timeout, osp_read_only, osp_sync, plugin, timeout`, nil},
		{"/x.db?osp_busy_timeout=soon", `option osp_busy_timeout=soon of the connection string should be a time in seconds, like 0.5, or with a unit, like 500ms`, nil},
	} {
		bad(t, "sqlite:///"+dir+c.rest, dir, c.want, c.is)
	}
	for connectionString, want := range map[string]string{
		"sqlite://":          `the connection string "sqlite://" names no file; it should read like sqlite:///relative.db or sqlite:////absolute.db`,
		"sqlite:///":         `the connection string "sqlite:///" names no file; it should read like sqlite:///relative.db or sqlite:////absolute.db`,
		"sqlite:///:memory:": `the connection string "sqlite:///:memory:" names no file; it should read like sqlite:///relative.db or sqlite:////absolute.db`,
		"sqlite://a.db":      `the connection string should have three slashes before a relative path, as in sqlite:///relative.db, and four before an absolute one`,
		"sqlite:///a\x00.db": `the path "a\x00.db" of the connection string holds a NUL, which no path can`,
	} {
		bad(t, connectionString, dir, want, nil)
	}
	for _, name := range []string{"x.db", "none.db"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("a refused connection string made %s", name)
		}
	}
}

func bad(t *testing.T, connectionString, dir, want string, is error) {
	t.Helper()
	s, err := store.Open(t.Context(), connectionString)
	if err == nil {
		if err = s.Ping(t.Context()); err != nil {
			must(t, s.Close())
		}
	}
	if err == nil {
		t.Errorf("%s was opened", connectionString)
		_ = s.Close()
		return
	}
	if got := strings.ReplaceAll(err.Error(), dir, "DIR"); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
		t.Errorf("%s\n got %s\nwant %s", connectionString, got, want)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("%s: %v is no %v", connectionString, err, is)
	}
}

// Characters in a path that have a meaning in a URL are taken literally. The
// current folder may change.
func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for connectionString, want := range map[string]string{
		"sqlite:///relative.db":                  "relative.db",
		"sqlite:///a%20b#c;d&e=f'g\".db":         "a%20b#c;d&e=f'g\".db",
		"sqlite:///question?mark.db?osp_sync=no": "question?mark.db",
		"SQLite:///é 😀.db":                       "é 😀.db",
	} {
		s, err := store.Open(t.Context(), connectionString)
		if err != nil {
			t.Errorf("%s: %v", connectionString, err)
			continue
		}
		write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(want); err != nil || info.Size() == 0 {
			t.Errorf("%s did not make %q: %v", connectionString, want, err)
		}
	}
	s, err := openAt("moved.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	t.Chdir(t.TempDir())
	write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("the new folder holds %v (%v)", files, err)
	}
}
