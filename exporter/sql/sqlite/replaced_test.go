package sqlite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/store"
)

// backupOf makes a database of one notification and returns its content.
func backupOf(t *testing.T, name string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	s, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, event("A", name, ""))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// replacements are the ways in which a database file is replaced, and the
// contents of the path afterwards.
var replacements = []struct {
	name, holds string
	replace     func(t *testing.T, path string)
}{
	{"renamed", "", func(t *testing.T, path string) { must(t, os.Rename(path, path+".1")) }},
	{"renamed, and an empty file", "", func(t *testing.T, path string) {
		must(t, os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
	}},
	{"removed", "", func(t *testing.T, path string) { must(t, os.Remove(path)) }},
	{"removed with its folder, which is made again", "", func(t *testing.T, path string) {
		must(t, os.RemoveAll(filepath.Dir(path)), os.Mkdir(filepath.Dir(path), 0o700))
	}},
	{"cut", "", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }},
	{"restored by cp", "backup", func(t *testing.T, path string) {
		must(t, os.WriteFile(path, backupOf(t, "backup"), 0o600))
	}},
	{"restored by mv", "backup", func(t *testing.T, path string) {
		must(t, os.WriteFile(path+".new", backupOf(t, "backup"), 0o600), os.Rename(path+".new", path))
	}},
	{"a symbolic link to another", "backup", func(t *testing.T, path string) {
		must(t, os.WriteFile(path+".other", backupOf(t, "backup"), 0o600), os.Remove(path), os.Symlink(path+".other", path))
	}},
	{"a symbolic link to no file yet", "", func(t *testing.T, path string) {
		must(t, os.Remove(path), os.Symlink(path+".other", path))
	}},
}

// A running store continues with the file that the path names, for writing and
// for reading, whatever happened to the file that it had open.
func TestReplaced(t *testing.T) {
	for _, c := range replacements {
		for _, first := range []string{"write", "read"} {
			t.Run(c.name+", "+first, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "folder")
				must(t, os.Mkdir(dir, 0o700))
				path := filepath.Join(dir, "store.db")
				s, err := openAt(path)
				must(t, err)
				defer func() { must(t, s.Close()) }()
				write(t, s, event("A", "before", ""), event("A", "before-2", ""))
				_ = summary(s.Notifications(t.Context(), "A")) // opens a second connection
				c.replace(t, path)
				if first == "read" {
					want := c.holds
					if want == "" {
						want = `no such trace: "A"`
					}
					if got := summary(s.Notifications(t.Context(), "A")); got != want {
						t.Errorf("the store reads %s, want %s", got, want)
					}
				}
				write(t, s, event("A", "after", ""))
				want := strings.TrimPrefix(c.holds+", after", ", ")
				if got := summary(s.Notifications(t.Context(), "A")); got != want {
					t.Errorf("the store holds %s, want %s", got, want)
				}
				readAnew(t, path, want)
			})
		}
	}
}

// readAnew reads the file as another process would.
func readAnew(t *testing.T, path, want string) {
	t.Helper()
	s, err := openAt(path, sqlite.WithReadOnly())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	if got := summary(s.Notifications(t.Context(), "A")); got != want {
		t.Errorf("the file holds %s, want %s", got, want)
	}
}

// A read-only store sees the new file too, and makes no file.
func TestReplacedUnderReader(t *testing.T) {
	for _, c := range replacements {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "folder")
			must(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "store.db")
			w, err := openAt(path)
			must(t, err)
			write(t, w, event("A", "before", ""))
			must(t, w.Close())
			s, err := openAt(path, sqlite.WithReadOnly())
			must(t, err)
			defer func() { must(t, s.Close()) }()
			if got := summary(s.Notifications(t.Context(), "A")); got != "before" {
				t.Fatalf("the store holds %s", got)
			}
			c.replace(t, path)
			got := summary(s.Notifications(t.Context(), "A"))
			if c.holds != "" && got != c.holds || c.holds == "" && !strings.Contains(got, path) {
				t.Errorf("got %s, want %q or an error that names the file", got, c.holds)
			}
			must(t, os.RemoveAll(path), os.WriteFile(path, backupOf(t, "later"), 0o600))
			if got := summary(s.Notifications(t.Context(), "A")); got != "later" {
				t.Errorf("a file that came later holds %s", got)
			}
		})
	}
}

// While the folder is missing, Write returns a transient error. When the folder
// exists again, Write succeeds.
func TestFolderAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "store.db")
	s, err := openAt(path)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, os.Rename(dir, dir+".away"))
	err = s.Write(t.Context(), []osprofiler.Notification{event("A", "away", "")})
	var writeError *store.WriteError
	if !errors.As(err, &writeError) || !writeError.Transient || !strings.Contains(err.Error(), fmt.Sprintf("there is no directory %q", dir)) {
		t.Errorf("a folder that is away is the error %v", err)
	}
	must(t, os.Rename(dir+".away", dir))
	write(t, s, event("A", "back", ""))
	readAnew(t, path, "back")
}

// While a file is renamed again and again, every acknowledged batch is in one
// of the files.
func TestReplacedAgainAndAgain(t *testing.T) {
	s, path := openNew(t, sqlite.WithSync(false))
	const written = 300
	rename := make(chan int, written)
	var group sync.WaitGroup
	group.Go(func() {
		for n := range rename {
			time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond) // anywhere in a batch
			_ = os.Rename(path, fmt.Sprintf("%s.%d", path, n))
		}
	})
	acknowledged := map[string]bool{}
	for i := range written {
		if i%3 == 0 {
			rename <- i
		}
		name := fmt.Sprintf("n%d", i)
		if err := (store.Retry{}).Write(t.Context(), s, []osprofiler.Notification{event("A", name, "")}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		acknowledged[name] = true
	}
	close(rename)
	group.Wait()
	all, err := filepath.Glob(path + "*")
	must(t, err)
	for _, file := range all {
		for name := range namesIn(t, file) {
			delete(acknowledged, name)
		}
	}
	if len(acknowledged) > 0 || len(all) < 3 {
		t.Errorf("%d of %d acknowledged notifications are in none of %d files", len(acknowledged), written, len(all))
	}
}

// namesIn returns the names of the notifications in a file, if it has any.
func namesIn(t *testing.T, path string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	if strings.Contains(path, "-journal") {
		return found
	}
	s, err := openAt(path, sqlite.WithReadOnly())
	if err != nil {
		return found // no table yet
	}
	defer func() { must(t, s.Close()) }()
	for n, err := range s.Notifications(t.Context(), "A") {
		if err == nil {
			found[n.Name] = true
		}
	}
	return found
}

// A cursor does not silently continue in another database.
func TestChangesOfReplaced(t *testing.T) {
	for _, c := range replacements {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "folder")
			must(t, os.Mkdir(dir, 0o700))
			path := filepath.Join(dir, "store.db")
			s, err := openAt(path, sqlite.WithSync(false))
			must(t, err)
			defer func() { must(t, s.Close()) }()
			var batch []osprofiler.Notification
			for i := range 700 { // more than a page
				batch = append(batch, event("A", fmt.Sprintf("n%d", i), ""))
			}
			write(t, s, batch...)
			count := 0
			var last error
			for _, err := range changes(t, s, "") {
				if count++; count == 1 {
					c.replace(t, path)
					// The feed reads ahead. A connection that was opened to the old
					// file may take the journal of the new file for its own and
					// remove it. The batch then fails once and is written again.
					must(t, store.Retry{}.Write(t.Context(), s, []osprofiler.Notification{event("A", "after", "")}))
				}
				last = err
			}
			if last == nil || !strings.Contains(last.Error(), "deleted or replaced") {
				if c.name != "restored by cp" { // not distinguishable from the same file
					t.Errorf("after %d changes the error is %v", count, last)
				}
			}
			checkAnew(t, s)
		})
	}
}

func checkAnew(t *testing.T, s *store.Store) {
	t.Helper()
	if got := summary(changes(t, s, "")); !strings.HasSuffix(got, "after") {
		t.Errorf("from the beginning come %s", got)
	}
}

// While a file is damaged because it is being restored, Write returns a
// transient error. When the file is whole again, Write succeeds.
func TestDamagedForAWhile(t *testing.T) {
	backup := backupOf(t, "backup")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"another file": {[]byte(strings.Repeat("this is no database\n", 1000)), "is no SQLite database: "},
		"zeros behind": {append(slices.Clone(backup[:4096]), make([]byte, len(backup)-4096)...), "is damaged: "},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := openNew(t)
			write(t, s, event("A", "before", ""))
			must(t, os.WriteFile(path, c.content, 0o600))
			err := s.Write(t.Context(), []osprofiler.Notification{event("A", "meanwhile", "")})
			var writeError *store.WriteError
			if !errors.As(err, &writeError) || !writeError.Transient || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that may pass, with %q", err, c.want)
			}
			must(t, os.WriteFile(path, backup, 0o600))
			write(t, s, event("A", "after", ""))
			readAnew(t, path, "backup, after")
		})
	}
}
