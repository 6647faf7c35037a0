package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// transient returns an error unless err is transient.
func transient(err error) error {
	var writeError *store.WriteError
	if !errors.As(err, &writeError) || !writeError.Transient {
		return fmt.Errorf("the error may not pass: %w", err)
	}
	return nil
}

func one(name string) []osprofiler.Notification {
	return []osprofiler.Notification{event("A", name, "")}
}

// tooManyFiles limits the open files of the process so that there is none for a
// journal, and then lifts the limit.
func tooManyFiles(path string) error {
	ctx := context.Background()
	s, err := openAt(path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Write(ctx, one("before")); err != nil {
		return err
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: before.Max}); err != nil {
		return err
	}
	refused := s.Write(ctx, one("meanwhile"))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	if err := transient(refused); err != nil {
		return err
	}
	if err := s.Write(ctx, one("after")); err != nil {
		return err
	}
	if got := summary(s.Notifications(ctx, "A")); got != "before, after" {
		return fmt.Errorf("the store holds %s", got)
	}
	return nil
}

func TestTooManyOpenFiles(t *testing.T) { start(t, "files", filepath.Join(t.TempDir(), "store.db"))() }

// tooLarge limits the size of the files of the process. The kernel would end
// the process with a signal if it wrote beyond the limit.
func tooLarge(path string) error {
	ctx := context.Background()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 200_000, Max: 200_000}); err != nil {
		return err
	}
	s, err := openAt(path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	big := one("big")
	big[0].Info = osprofiler.Info(`{"text": "` + strings.Repeat("a", 400_000) + `"}`)
	err = s.Write(ctx, slices.Concat(one("first"), big, one("last")))
	var failed *store.WriteError
	if !errors.As(err, &failed) || failed.Transient || !slices.Equal(failed.Refused, []int{1}) || !slices.Equal(failed.Missing, []int{1}) {
		return fmt.Errorf("a notification that is larger than the file may become is the error: %w", err)
	}
	if got := summary(s.Notifications(ctx, "A")); got != "first, last" {
		return fmt.Errorf("the store holds %s", got)
	}
	// If a batch has no room, the store takes the part that has room.
	var many []osprofiler.Notification
	for i := range 60 {
		n := one(fmt.Sprintf("n%02d", i))
		n[0].Info = osprofiler.Info(`{"text": "` + strings.Repeat("a", 4000) + `"}`)
		many = append(many, n...)
	}
	err = s.Write(ctx, many)
	if err := transient(err); err != nil {
		return err
	}
	if !strings.Contains(err.Error(), "cannot grow: ") {
		return fmt.Errorf("a database that may not grow is the error: %w", err)
	}
	if !errors.As(err, &failed) || len(failed.Missing) == 0 || len(failed.Missing) == len(many) || len(failed.Refused) > 0 {
		return fmt.Errorf("the error names %d of %d as missing: %w", len(failed.Missing), len(many), err)
	}
	return nil
}

func TestFileTooLarge(t *testing.T) { start(t, "large", filepath.Join(t.TempDir(), "store.db"))() }

// attempt prints the reason why the store cannot be opened and written.
func attempt(path string) error {
	s, err := openAt(path)
	if err == nil {
		err = errors.Join(s.Write(context.Background(), one("x")), s.Close())
	}
	fmt.Print(err)
	return nil
}

// asNobody opens the file for writing as an account without rights. It returns
// the output.
func asNobody(t *testing.T, path string) string {
	t.Helper()
	temp := testenv.OpenFolder(t)
	must(t, os.Chown(temp, testenv.Nobody, testenv.Nobody))
	return testenv.AsNobody(t, "OSP_TEST_JOB=attempt:"+path, temp)
}

// The error says that no journal can be made in the folder.
func TestReadOnlyFolder(t *testing.T) {
	path := filepath.Join(testenv.OpenFolder(t), "store.db")
	must(t, os.WriteFile(path, backupOf(t, "x"), 0o644), os.Chown(path, testenv.Nobody, testenv.Nobody))
	got := asNobody(t, path)
	if want := fmt.Sprintf("the SQLite database %q cannot be written, because no journal can be made in its folder (osp_read_only opens it for reading): ", path); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
