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

// A deletion that fails leaves the file as it was, and no other file. So does
// one on a file system without locks, because lines that are appended meanwhile
// would be lost.
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
