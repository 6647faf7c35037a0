//go:build !windows

package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A deletion that fails leaves the file unchanged, and leaves no other file
// behind. A deletion on a file system without locks fails too, because lines
// that are appended meanwhile would be lost.
func TestDeletionFails(t *testing.T) {
	s, path := openTemp(t)
	if err := s.Write(t.Context(), one("a")); err != nil {
		t.Fatal(err)
	}
	fails := func(want error) {
		t.Helper()
		_, err := s.Delete(t.Context(), "B")
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "cannot delete from the file ") {
			t.Errorf("the error is %v, want %v", err, want)
		}
		check(t, path, "a")
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("the folder holds %v (%v)", entries, err)
		}
	}
	syncOf = func(*os.File) error { return syscall.EIO }
	fails(syscall.EIO)
	syncOf = (*os.File).Sync
	lockOf = func(*os.File, lockKind) error { return syscall.ENOSYS }
	fails(errors.ErrUnsupported)
	lockOf = tryLock
	if err := s.Write(t.Context(), one("b")); err != nil {
		t.Error(err)
	}
	check(t, path, "a", "b")
	if count, err := s.Delete(t.Context(), "B"); err != nil || count != 2 {
		t.Errorf("deleted %d (%v)", count, err)
	}
	check(t, path)
}

// Many traces are deleted by writing the file once. If that fails, no trace
// counts as deleted.
func TestManyAreDeletedAtOnce(t *testing.T) {
	s, path := openTemp(t)
	for _, name := range []string{"a", "b", "c"} {
		if err := s.Write(t.Context(), one(name)); err != nil {
			t.Fatal(err)
		}
	}
	synced := 0
	t.Cleanup(func() { syncOf = (*os.File).Sync })
	syncOf = func(*os.File) error { return syscall.EIO }
	if got, err := s.DeleteTraces(t.Context(), []string{"x", "B"}); !errors.Is(err, syscall.EIO) || got[1].Notifications != 0 {
		t.Errorf("got %v and %v", got, err)
	}
	check(t, path, "a", "b", "c")
	syncOf = func(f *os.File) error {
		if strings.HasSuffix(f.Name(), ".tmp") {
			synced++
		}
		return f.Sync()
	}
	got, err := s.DeleteTraces(t.Context(), []string{"x", "B", "y"})
	if err != nil || got[0].Notifications != 0 || got[1].Notifications != 3 || synced != 1 {
		t.Errorf("got %v and %v, and %d new files", got, err, synced)
	}
	check(t, path)
}
