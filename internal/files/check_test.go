package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path      string
		mustExist bool
		want      string // "" for no error
		class     serverstate.Class
	}{
		{file, true, "", 0},
		{file, false, "", 0},
		{filepath.Join(dir, "new"), false, "", 0},
		{filepath.Join(dir, "new"), true, "cannot read the file", serverstate.Passes},
		{filepath.Join(dir, "folder", "new"), false, "there is no directory", serverstate.Passes},
		{dir, false, "it is a directory, and should be a SQLite database", serverstate.Stays},
		{filepath.Join(file, "new"), false, "not a directory", serverstate.Stays},
		{os.DevNull, false, "it is not a regular file, and should be a SQLite database", serverstate.Stays},
	} {
		err := files.Check(c.path, c.mustExist, "a SQLite database")
		switch {
		case (err == nil) != (c.want == ""):
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		case err == nil:
		case !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) || files.ClassOf(err) != c.class:
			t.Errorf("%s: %v (%v), want %q (%v)", c.path, err, files.ClassOf(err), c.want, c.class)
		}
	}
	if err := files.Check(filepath.Join(dir, "new"), true, "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file is the error %v", err)
	}
}
