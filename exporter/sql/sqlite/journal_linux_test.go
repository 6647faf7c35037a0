package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// more carries out further jobs of the test binary as another process.
func more(job, path string) error {
	switch job {
	case "journal", "wal":
		return interrupted(job, path)
	case "read":
		return read(path)
	case "files":
		return tooManyFiles(path)
	case "large":
		return tooLarge(path)
	case "attempt":
		return attempt(path)
	}
	return fmt.Errorf("unknown job %q", job)
}

// interrupted does the work of a writer that will be killed. With "journal", it
// stops in the middle of a transaction, part of which is already in the
// database file. With "wal", it stops after a transaction that is only in the
// write-ahead log.
func interrupted(job, path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=cache_size(1)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		return err
	}
	statements := []string{"PRAGMA journal_mode = WAL", `INSERT INTO data (base_id, trace_id, name, data) VALUES ('A', 'T', 'logged-start', '"{}"')`}
	if job == "journal" {
		const double = `INSERT INTO data (base_id, trace_id, name, data) SELECT 'A', 'T', 'uncommitted-start', '"' || hex(randomblob(2000)) || '"' FROM data`
		statements = []string{"BEGIN IMMEDIATE", double, double, double, double, double, double}
	}
	conn, err := db.Conn(context.Background())
	for _, statement := range statements {
		if err == nil {
			_, err = conn.ExecContext(context.Background(), statement)
		}
	}
	if err != nil {
		return err
	}
	fmt.Println("ready")
	select {} // until the process is killed
}

// killedWriter makes a database with two notifications, and kills another
// process while that process writes to the database.
func killedWriter(t *testing.T, job, path string) {
	t.Helper()
	s, err := openAt(path)
	must(t, err)
	write(t, s, event("A", "one-start", ""), event("A", "two-start", ""))
	must(t, s.Close())
	killWriter(t, job, path)
}

func killWriter(t *testing.T, job, path string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "OSP_TEST_JOB="+job+":"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the writer said %q: %v", line, err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
}

// files returns the content of the files in a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		all[e.Name()] = string(content)
	}
	return all
}

// read does the work of a reader: it opens the store for reading, twice, and prints
// what it finds.
func read(path string) error {
	for range 2 {
		s, err := openAt(path, sqlite.WithReadOnly())
		if err != nil {
			return err
		}
		fmt.Println(summary(s.Notifications(context.Background(), "A")))
		fmt.Println(len(strings.Split(traces(s.Traces(context.Background(), store.Query{})), ",")))
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// readAsNobody reads as an account that may read the files, but not write them.
// Nothing may be left behind.
func readAsNobody(t *testing.T, path, want string) {
	t.Helper()
	dir := filepath.Dir(path)
	before := files(t, dir)
	temp := testenv.OpenFolder(t)
	must(t, os.Chown(temp, testenv.Nobody, testenv.Nobody))
	got := testenv.AsNobody(t, "OSP_TEST_JOB=read:"+path, temp)
	if line := want + "\n1\n"; got != line+line {
		t.Errorf("nobody reads %q, want %q twice", got, line)
	}
	if left := files(t, temp); len(left) > 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
	if !maps.Equal(files(t, dir), before) {
		t.Error("the files were changed")
	}
}

const committed = "one-start, two-start"

// A journal of a writer that was killed does not keep anybody from reading what
// was committed. Only accounts that may write the files roll it back.
func TestHotJournal(t *testing.T) {
	testenv.Root(t)
	dir := testenv.OpenFolder(t)
	path := filepath.Join(dir, "store.db")
	killedWriter(t, "journal", path)
	must(t, os.Chmod(path, 0o644), os.Chmod(path+"-journal", 0o644))
	if before := files(t, dir); len(before) != 2 || len(before["store.db-journal"]) < 512 {
		t.Fatalf("there is no journal: %d files", len(before))
	}
	python := filepath.Join(t.TempDir(), "python.db")
	for name, content := range files(t, dir) {
		must(t, os.WriteFile(strings.Replace(filepath.Join(dir, name), path, python, 1), []byte(content), 0o600))
	}
	t.Run("without the right to write", func(t *testing.T) { readAsNobody(t, path, committed) })
	t.Run("of another account", func(t *testing.T) {
		before := files(t, dir)
		must(t, os.Chown(path, testenv.Nobody, testenv.Nobody))
		readAnew(t, path, committed)
		must(t, os.Chown(path, 0, 0))
		if !maps.Equal(files(t, dir), before) {
			t.Error("a journal of another account was rolled back by root")
		}
	})
	t.Run("with the right to write", func(t *testing.T) {
		readAnew(t, path, committed)
		if left := files(t, dir); len(left) != 1 {
			t.Errorf("%d files are there, want the database only", len(left))
		}
	})
	t.Run("python", func(t *testing.T) {
		theirs := rows(t, python) // Python rolls the journal back itself
		if ours := rows(t, path); fmt.Sprint(ours) != fmt.Sprint(theirs) || len(ours) != 2 {
			t.Errorf("Python's driver reads %d rows where it rolled back itself, and %d where we did", len(theirs), len(ours))
		}
	})
}

// The writer may be killed while a reader has the database open.
func TestHotJournalUnderReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	w, err := openAt(path)
	must(t, err)
	defer func() { must(t, w.Close()) }()
	write(t, w, event("A", "one-start", ""), event("A", "two-start", ""))
	s, err := openAt(path, sqlite.WithReadOnly())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	for range 2 {
		if got := summary(s.Notifications(t.Context(), "A")); got != committed {
			t.Errorf("got %s", got)
		}
		killWriter(t, "journal", path)
	}
	if got := summary(changes(t, s, "")); got != committed {
		t.Errorf("the changes are %s", got)
	}
	write(t, w, event("A", "three-start", ""))
	if got := summary(s.Notifications(t.Context(), "A")); got != committed+", three-start" {
		t.Errorf("got %s", got)
	}
}

// On a file system that is mounted read-only, root reads a copy, too.
func TestHotJournalOnReadOnlyMount(t *testing.T) {
	disk := testenv.NewDisk(t, "64m")
	path := filepath.Join(disk.Dir, "store.db")
	killedWriter(t, "journal", path)
	disk.SetReadOnly()
	readAnew(t, path, committed)
}

// A journal that names another one would make SQLite remove that file. Only the
// owner's own journals of this kind are rolled back.
func TestJournalThatNamesOthers(t *testing.T) {
	testenv.Root(t)
	disk := testenv.NewDisk(t, "64m")
	path := filepath.Join(disk.Dir, "store.db")
	killedWriter(t, "journal", path)
	journal, err := os.ReadFile(path + "-journal")
	must(t, err)
	magic := []byte{0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7}
	if !bytes.HasPrefix(journal, magic) {
		t.Fatal("the journal does not begin as journals do")
	}
	must(t, os.WriteFile(path+"-journal", append(journal, magic...), 0o600))
	disk.SetReadOnly()
	_, err = openAt(path, sqlite.WithReadOnly())
	if want := fmt.Sprintf("the journal of the SQLite database %q names other databases: only an account that owns the file can recover it", path); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A database that somebody switched to a write-ahead log can be read with and without
// the right to write, even if a process that was killed left the log.
func TestWriteAheadLog(t *testing.T) {
	testenv.Root(t)
	const logged = committed + ", logged-start"
	dir := testenv.OpenFolder(t)
	path := filepath.Join(dir, "store.db")
	killedWriter(t, "wal", path)
	for name := range files(t, dir) {
		must(t, os.Chmod(filepath.Join(dir, name), 0o644))
	}
	if n := len(files(t, dir)); n != 3 {
		t.Fatalf("%d files, want the database, its log and the log's index", n)
	}
	t.Run("log and index", func(t *testing.T) { readAsNobody(t, path, logged) })
	must(t, os.Remove(path+"-shm"))
	t.Run("log without index", func(t *testing.T) { readAsNobody(t, path, logged) })
	t.Run("with the right to write", func(t *testing.T) { readAnew(t, path, logged) })
	must(t, foreign(t, path).PingContext(t.Context()))
	execute(t, foreign(t, path), "PRAGMA wal_checkpoint(TRUNCATE)")
	for _, suffix := range []string{"-wal", "-shm"} {
		must(t, os.RemoveAll(path+suffix))
	}
	t.Run("no log", func(t *testing.T) { readAsNobody(t, path, logged) })
	t.Run("written", func(t *testing.T) {
		s, err := openAt(path)
		must(t, err)
		write(t, s, event("A", "more-start", ""))
		must(t, s.Close())
		readAnew(t, path, logged+", more-start")
	})
}
