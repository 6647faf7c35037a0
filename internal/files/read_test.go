package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// ReadSmall reads a file of the largest size, also through a symbolic link, such as
// those of secrets in Kubernetes.
func TestLargestFileIsRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if text, err := files.ReadSmall(filepath.Join(dir, "link")); err != nil || len(text) != 1<<20 {
		t.Errorf("read %d bytes: %v", len(text), err)
	}
}
