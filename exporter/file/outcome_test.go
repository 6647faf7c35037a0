package file

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/store"
)

func openTemp(t *testing.T, opts ...Option) (*store.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.jsonl")
	s, err := Open("file://"+path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, path
}

func one(name string) []osprofiler.Notification {
	return []osprofiler.Notification{{Name: name, BaseID: "B"}}
}

// namesIn returns the names of the notifications in a file.
func namesIn(t *testing.T, path string) (names []string) {
	t.Helper()
	s, err := Open("file://"+path, WithReadOnly())
	if err != nil {
		return nil
	}
	defer func() { _ = s.Close() }()
	for n, err := range s.Notifications(t.Context(), "B") {
		if err == nil {
			names = append(names, n.Name)
		}
	}
	return names
}

func check(t *testing.T, path string, want ...string) {
	t.Helper()
	if got := namesIn(t, path); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", filepath.Base(path), got, want)
	}
}

func transientError(t *testing.T, err, is error) {
	t.Helper()
	var failed *store.WriteError
	if !errors.As(err, &failed) || !failed.Transient || !errors.Is(err, is) {
		t.Errorf("the error is %v, want one that may pass, with %v", err, is)
	}
}

// After a sync that failed, the system drops what it could not write, and the
// next sync of the same open file succeeds. So Write removes the batch and
// opens the file again.
func TestSyncFails(t *testing.T) {
	for _, c := range []struct {
		errno     syscall.Errno
		transient bool
	}{{syscall.EIO, true}, {syscall.ENOSPC, true}, {syscall.EDQUOT, true}} {
		s, path := openTemp(t)
		if err := s.Write(t.Context(), one("before")); err != nil {
			t.Fatal(err)
		}
		var synced []*os.File
		syncOf = func(f *os.File) error {
			if synced = append(synced, f); len(synced) == 1 {
				return &os.PathError{Op: "sync", Path: f.Name(), Err: c.errno}
			}
			return f.Sync()
		}
		t.Cleanup(func() { syncOf = (*os.File).Sync })
		transientError(t, s.Write(t.Context(), one("again")), c.errno)
		check(t, path, "before")
		if err := s.Write(t.Context(), one("again")); err != nil {
			t.Fatal(err)
		}
		check(t, path, "before", "again")
		if len(synced) != 2 || synced[0] == synced[1] {
			t.Error("the file was not opened anew")
		}
	}
}

// The file may be removed, cut or renamed between the write and its
// acknowledgement. Then the batch is in the file that the path names, or in the
// renamed file.
func TestGoneBeforeReturn(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		here   []string
		there  []string // in the renamed file
	}{
		"removed":              {os.Remove, []string{"new"}, nil},
		"removed and replaced": {func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) }, []string{"new"}, nil},
		"cut":                  {func(path string) error { return os.Truncate(path, 0) }, []string{"new"}, nil},
		"renamed":              {func(path string) error { return os.Rename(path, path+".1") }, nil, []string{"old", "new"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sync := range []bool{true, false} {
				s, path := openTemp(t, WithSync(sync))
				if err := s.Write(t.Context(), one("old")); err != nil {
					t.Fatal(err)
				}
				var done atomic.Bool
				appended = func() {
					if !done.Swap(true) {
						if err := c.change(path); err != nil {
							t.Error(err)
						}
					}
				}
				err := s.Write(t.Context(), one("new"))
				appended = func() {}
				if err != nil {
					t.Error(err)
				}
				check(t, path, c.here...)
				check(t, path+".1", c.there...)
			}
		})
	}
}

// The name of a new file is on the disk before anything in the file is
// acknowledged. The same is true of the next file after a rotation.
func TestFolderIsSynced(t *testing.T) {
	var synced []string
	var fails error
	syncFolder = func(path string) error {
		synced = append(synced, path)
		return fails
	}
	defer func() { syncFolder = files.SyncFolder }()
	s, path := openTemp(t)
	if len(synced) != 0 {
		t.Fatalf("opening synced the folders of %q", synced)
	}
	if err := s.Write(t.Context(), one("first")); err != nil || len(synced) != 1 || synced[0] != path {
		t.Fatalf("synced the folders of %q (%v)", synced, err)
	}
	if err := errors.Join(s.Write(t.Context(), one("a")), s.Write(t.Context(), one("b"))); err != nil || len(synced) != 1 {
		t.Errorf("synced the folders of %q (%v)", synced, err)
	}
	if err := errors.Join(os.Rename(path, path+".1"), s.Write(t.Context(), one("c"))); err != nil || len(synced) != 2 {
		t.Errorf("after a rotation, synced the folders of %q (%v)", synced, err)
	}
	fails = syscall.EIO
	if err := os.Rename(path, path+".2"); err != nil {
		t.Fatal(err)
	}
	transientError(t, s.Write(t.Context(), one("d")), syscall.EIO)
	fails = nil
	if err := s.Write(t.Context(), one("d")); err != nil || len(synced) != 4 {
		t.Errorf("after a failure, synced the folders of %q (%v)", synced, err)
	}
	s, _ = openTemp(t, WithSync(false))
	if err := s.Write(t.Context(), one("a")); err != nil || len(synced) != 4 {
		t.Errorf("without sync, synced the folders of %q", synced)
	}
}

// If a lock cannot be taken, Write returns an error, because on a network file
// system appends without a lock may overwrite each other. A file system that
// has no locks at all is not an error.
func TestLockFails(t *testing.T) {
	s, path := openTemp(t)
	defer func() { lockOf = tryLock }()
	for _, errno := range []syscall.Errno{syscall.ENOLCK, syscall.EIO} {
		lockOf = func(*os.File, lockKind) error { return errno }
		err := s.Write(t.Context(), one("unlocked"))
		transientError(t, err, errno)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot lock the file ") {
			t.Errorf("the error is %v", err)
		}
	}
	check(t, path)
	lockOf = func(*os.File, lockKind) error { return syscall.ENOSYS }
	if err := s.Write(t.Context(), one("without locks")); err != nil {
		t.Error(err)
	}
	check(t, path, "without locks")
}

// A notification whose line readers would skip as too long is refused. The
// others of its batch are written.
func TestLineTooLong(t *testing.T) {
	s, path := openTemp(t)
	s.Driver().(*fileDriver).longest = 1000
	batch := slices.Concat(one("a"), one(strings.Repeat("n", 1000)), one("b"))
	fits := 1000 - len(one("")[0].JSON())
	batch = append(batch, one(strings.Repeat("m", fits))...)
	err := s.Write(t.Context(), batch)
	var failed *store.WriteError
	if !errors.As(err, &failed) || !slices.Equal(failed.Missing, []int{1}) || !slices.Equal(failed.Refused, []int{1}) || failed.Transient {
		t.Errorf("a line that is too long is the error %+v: %v", failed, err)
	}
	check(t, path, "a", "b", batch[3].Name)
}
