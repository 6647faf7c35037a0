package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// ResolveLinks resolves links to the same path as the system.
func TestResolveLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("to make links needs a privilege on Windows")
	}
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(top)
	err = errors.Join(os.MkdirAll("a/b/c", 0o755), os.WriteFile("a/b/file", nil, 0o644), os.Symlink("a/b", "ab"), os.Symlink(top+"/a", "absolute"),
		os.Symlink("ab/../above", "behind"), os.Symlink("ab/file", "tofile"), os.Symlink("ab/missing", "dangling"), os.Symlink("dangling", "twice"),
		os.Symlink("../../..", "a/b/up"), os.Symlink("loop", "loop"), os.Symlink("nodir/x", "nofolder"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{ // the paths below top
		".": ".", "./": ".", "a": "a", "a/": "a", "a//b/.": "a/b", "a/..": ".", "a/b/../b/file": "a/b/file", "ab": "a/b", "ab/": "a/b", "ab/..": "a",
		"ab/file": "a/b/file", "tofile": "a/b/file", "absolute/b/file": "a/b/file", "absolute/..": ".", "ab/up/a": "", "..": "", "../": "", "new": "new",
		"ab/new": "a/b/new", "dangling": "a/b/missing", "twice": "a/b/missing", "behind": "a/above", "../" + filepath.Base(top) + "/ab/file": "a/b/file",
	} {
		for _, path := range []string{path, top + "/" + path} {
			got, info, err := files.ResolveLinks(path)
			full, errFull := filepath.Abs(got)
			if err != nil || errFull != nil || want != "" && full != filepath.Join(top, want) {
				t.Errorf("%s: %q, %v; want %q", path, got, err, want)
			}
			system, err := os.Stat(path)
			if (info == nil) != errors.Is(err, fs.ErrNotExist) || info != nil && !os.SameFile(info, system) {
				t.Errorf("%s: the file is %v; the system finds %v, %v", path, info, system, err)
			}
		}
	}
	for _, path := range []string{"loop", "loop/x", "nofolder", "nodir/x", "nodir/", "nodir/..", "a/b/file/x", "a/b/file/", "a/b/file/..", "tofile/x", "\x00"} {
		_, system := os.Stat(path)
		got, info, err := files.ResolveLinks(path)
		if err == nil || info != nil || got != "" || files.Reason(err).Error() != files.Reason(system).Error() {
			t.Errorf("%s: %q, %v, %v; the system says %v", path, got, info, err, system)
		}
	}
}

// Reason drops only the operation and the path that package os adds.
func TestReason(t *testing.T) {
	_, missing := os.Stat(filepath.Join(t.TempDir(), "missing"))
	renamed := os.Rename(filepath.Join(t.TempDir(), "missing"), "x")
	for _, err := range []error{missing, renamed, os.NewSyscallError("fsync", files.Reason(missing))} {
		if got := files.Reason(err); !errors.Is(got, fs.ErrNotExist) || strings.ContainsAny(got.Error(), ":/\\") {
			t.Errorf("%v: %v", err, got)
		}
	}
	sentence := errors.Join(missing)
	if got := files.Reason(sentence); got != sentence {
		t.Errorf("an error that wraps another: %v", got)
	}
}
