package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteToIsAtomic(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "trace.json"), filepath.Join(dir, "link.json")
	writeFile(t, path, "old")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken off")
	err := writeTo(t.Context(), link, nil, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || err.Error() != "broken off" || readFile(t, path) != "old" {
		t.Errorf("error %v, file %q; want the writer's own error, and the old file", err, readFile(t, path))
	}
	if err := writeTo(t.Context(), link, nil, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || readFile(t, path) != "new" {
		t.Errorf("mode %v, text %q, error %v; want the old mode and the new text", info.Mode(), readFile(t, path), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left in the folder: %v, %v; want the file and the link", entries, err)
	}
}
