package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	base "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

var resultConstant = regexp.MustCompile(`(?m)^const (SQLITE_(?:OK|ERROR|INTERNAL|PERM|ABORT|BUSY|LOCKED|NOMEM|READONLY|INTERRUPT|IOERR|CORRUPT|NOTFOUND|FULL|CANTOPEN|PROTOCOL|EMPTY|SCHEMA|TOOBIG|CONSTRAINT|MISMATCH|MISUSE|NOLFS|AUTH|FORMAT|RANGE|NOTADB|NOTICE|WARNING|ROW|DONE)(?:_[A-Z_]+)?) = (\d+)$`)

// libraryCodes reads the result codes from the library's source.
func libraryCodes(t *testing.T) map[int]string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "modernc.org/sqlite/lib").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[int]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range resultConstant.FindAllStringSubmatch(string(text), -1) {
			n, err := strconv.Atoi(found[2])
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(found[1], "_BKPT") { // another name for debugging
				codes[n] = found[1]
			}
		}
	}
	return codes
}

func TestStates(t *testing.T) {
	statetest.Check(t, &states, "*_test.go", "../../../docs/stores/states.md")
}

// Every result code of the library is in the table, and the table has no
// other.
func TestEveryState(t *testing.T) {
	codes := libraryCodes(t)
	if len(codes) < 100 {
		t.Fatalf("the library has %d result codes only", len(codes))
	}
	for n := range base.ErrorCodeString {
		if codes[n] == "" {
			codes[n] = base.ErrorCodeString[n]
		}
	}
	for n, name := range codes {
		if s, ok := states.Exactly(strconv.Itoa(n)); !ok || !strings.HasPrefix(s.Name, name) {
			t.Errorf("%s (%d) is not in the table, or under the name %q", name, n, s.Name)
		}
	}
	for _, s := range states.States {
		if n, err := strconv.Atoi(s.Code); err != nil || codes[n] == "" {
			t.Errorf("the table has the code %s, which the library lacks", s.Code)
		}
	}
	for c, want := range map[int]serverstate.Class{
		code.SQLITE_IOERR | 200<<8: serverstate.Unknown, code.SQLITE_BUSY | 200<<8: serverstate.Contended,
		code.SQLITE_FULL: serverstate.Passes, code.SQLITE_CONSTRAINT_CHECK: serverstate.Row, code.SQLITE_READONLY: serverstate.Stays,
	} {
		if got := classOf(c); got != want {
			t.Errorf("%d is of the class %q, want %q", c, got, want)
		}
	}
}

// A row that SQLite refuses because of its content is distinguished from other
// failures.
func TestRefusedRow(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "refuse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	run := func(statement string, args ...any) error {
		_, err := conn.ExecContext(context.Background(), statement, args...)
		return err
	}
	if err := errors.Join(
		run("CREATE TABLE data (id INTEGER PRIMARY KEY, name NOT NULL UNIQUE CHECK (name <> 'checked'), data)"),
		run("CREATE TRIGGER refuse BEFORE INSERT ON data WHEN NEW.name = 'triggered' BEGIN SELECT RAISE(ABORT, 'no'); END"),
		run("INSERT INTO data (name) VALUES ('there')")); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Limit(conn, code.SQLITE_LIMIT_LENGTH, 100_000); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		value any
		code  int
	}{
		"null":       {nil, code.SQLITE_CONSTRAINT_NOTNULL},
		"not unique": {"there", code.SQLITE_CONSTRAINT_UNIQUE},
		"checked":    {"checked", code.SQLITE_CONSTRAINT_CHECK},
		"triggered":  {"triggered", code.SQLITE_CONSTRAINT_TRIGGER},
		"too long":   {strings.Repeat("x", 100_001), code.SQLITE_TOOBIG},
	} {
		err := run("INSERT INTO data (name) VALUES (?)", c.value)
		if got := resultCode(err); got != c.code || !(dialect{}).Refuses(err) || (dialect{}).Transient(err) || (dialect{}).Busy(err) {
			t.Errorf("%s: code %d, want %d; refused %v, transient %v: %v", name, got, c.code, (dialect{}).Refuses(err), (dialect{}).Transient(err), err)
		}
	}
	err = run("INSERT INTO other (name) VALUES (1)")
	if err == nil || (dialect{}).Refuses(err) {
		t.Errorf("a statement that is wrong refuses a row: %v", err)
	}
}

// Each connection waits for the disk, including the folder. Otherwise a journal
// that a COMMIT removed could be there again after a loss of power.
func TestSynchronous(t *testing.T) {
	for sync, want := range map[bool]string{true: "3", false: "0"} {
		k := &connector{config: newConfig([]Option{WithSync(sync)}), path: "p", absolute: filepath.Join(t.TempDir(), "other.db")}
		if err := k.create(); err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(k)
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != want {
			t.Errorf("sync %v: synchronous is %s, want %s (%v)", sync, got, want, err)
		}
		_ = db.Close()
	}
}

// If a file is moved in the middle of a transaction, SQLite reports that by a
// code. Then the path is opened again.
func TestMovedInTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE data (id INTEGER PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO data VALUES (1)")
	d := dialect{connection: &connector{}}
	if resultCode(err) != code.SQLITE_READONLY_DBMOVED || !d.Transient(err) || !d.Replaced(err) || d.connection.age.Load() != 1 {
		t.Errorf("the code is %d, and transient %v: %v", resultCode(err), d.Transient(err), err)
	}
}
