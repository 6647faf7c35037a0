package files

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SyncFolder syncs the folder that holds the file itself.
func TestSyncFolder(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "file")
	link := filepath.Join(other, "link")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	defer func() { syncOf = (*os.File).Sync }()
	for _, c := range []struct {
		fails error
		want  bool
	}{{nil, false}, {syscall.EINVAL, false}, {syscall.EIO, true}} {
		var synced []string
		syncOf = func(f *os.File) error {
			synced = append(synced, f.Name())
			return c.fails
		}
		for _, p := range []string{path, link} {
			err := SyncFolder(p)
			if (err != nil) != c.want || c.want && !errors.Is(err, c.fails) {
				t.Errorf("a sync that fails with %v is the error %v", c.fails, err)
			}
		}
		if len(synced) != 2 || synced[0] != dir || synced[1] != dir {
			t.Errorf("synced %q, want %q twice", synced, dir)
		}
	}
}
