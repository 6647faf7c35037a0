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
			codes[n] = found[1]
		}
	}
	return codes
}

// Every result code of the library stands in the table, with a source, and
// the table has no other.
func TestEveryCode(t *testing.T) {
	codes := libraryCodes(t)
	if len(codes) < 100 {
		t.Fatalf("the library has %d result codes only", len(codes))
	}
	for n, name := range codes {
		m, ok := meanings[n]
		if !ok {
			t.Errorf("%s (%d) is not in the table", name, n)
		}
		if !strings.HasPrefix(m.source, "ran: ") && !strings.HasPrefix(m.source, "read: ") {
			t.Errorf("%s (%d) has the source %q", name, n, m.source)
		}
	}
	for n := range meanings {
		if codes[n] == "" {
			t.Errorf("the table has the code %d, which the library lacks", n)
		}
	}
	for n := range base.ErrorCodeString {
		if _, ok := meanings[n]; !ok {
			t.Errorf("%s is not in the table", base.ErrorCodeString[n])
		}
	}
	if m := meaningOf(code.SQLITE_IOERR | 200<<8); m != meanings[code.SQLITE_IOERR] {
		t.Errorf("an extended code of a newer SQLite means %+v", m)
	}
}

// Each test that the table names exists.
func TestSourcesOfCodes(t *testing.T) {
	var all []byte
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	for n, m := range meanings {
		ran, ok := strings.CutPrefix(m.source, "ran: ")
		if !ok {
			continue
		}
		names, _, _ := strings.Cut(ran, ":")
		for name := range strings.SplitSeq(names, ", ") {
			if !strings.Contains(string(all), "func "+name+"(t *testing.T)") {
				t.Errorf("code %d: there is no test %s", n, name)
			}
		}
	}
}

// A row that SQLite refuses for its own sake is told from other failures.
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

// Each connection waits for the disk, the folder included: else a journal that
// was removed by a COMMIT could come back after a loss of power.
func TestSynchronous(t *testing.T) {
	for sync, want := range map[bool]string{true: "3", false: "0"} {
		k := &connector{config: newConfig([]Option{WithSync(sync)}), path: "p", absolute: filepath.Join(t.TempDir(), "other.db")}
		db := sql.OpenDB(k)
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != want {
			t.Errorf("sync %v: synchronous is %s, want %s (%v)", sync, got, want, err)
		}
		_ = db.Close()
	}
}
