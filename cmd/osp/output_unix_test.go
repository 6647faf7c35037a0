//go:build unix

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// nobody is the id of a user who is neither root nor the user that runs the tests.
const nobody = 65534

func writeText(t *testing.T, path, text string) error {
	t.Helper()
	return writeTo(t.Context(), path, nil, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// asRoot skips the test if this process is not root and cannot change owners.
func asRoot(t *testing.T) {
	t.Helper()
	const why = "this gives a file to another user, which only root can: run it as root"
	if os.Geteuid() != 0 {
		testenv.Missing(t, why)
	}
}

// withUmask sets a umask until the test ends. This is safe, because no parallel test
// creates files.
func withUmask(t *testing.T, mask int) {
	t.Helper()
	old := syscall.Umask(mask)
	t.Cleanup(func() { syscall.Umask(old) })
}

// No other user can read a file while osp writes it. Afterwards the file has the mode of
// the old file, or 0600 if there was none.
func TestWriteToIsPrivate(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		withUmask(t, mask)
		for _, old := range []fs.FileMode{0, 0o600, 0o640, 0o644, 0o666} {
			dir := t.TempDir()
			path, want := filepath.Join(dir, "trace.json"), fs.FileMode(newFileMode)
			if old != 0 {
				writeFile(t, path, "old")
				if err := os.Chmod(path, old); err != nil {
					t.Fatal(err)
				}
				want = old
			}
			err := writeTo(t.Context(), path, nil, func(w io.Writer) error {
				for range 3 {
					if _, err := io.WriteString(w, strings.Repeat("secret", 50_000)); err != nil {
						return err
					}
					checkPrivate(t, dir)
				}
				return nil
			})
			if err != nil || modeOf(t, path) != want {
				t.Errorf("umask %#o, old mode %#o: mode %#o, error %v; want %#o", mask, old, modeOf(t, path), err, want)
			}
		}
	}
}

// checkPrivate checks the temporary files of a folder.
func checkPrivate(t *testing.T, dir string) {
	t.Helper()
	temporary, err := filepath.Glob(filepath.Join(dir, ".osp-*"))
	if err != nil || len(temporary) != 1 {
		t.Fatalf("temporary files: %q, %v; want one", temporary, err)
	}
	if mode := modeOf(t, temporary[0]); mode&0o077 != 0 {
		t.Errorf("a temporary file has the mode %#o", mode)
	}
}

func TestWriteToKeepsTheOwner(t *testing.T) {
	asRoot(t)
	path := filepath.Join(t.TempDir(), "trace.json")
	writeFile(t, path, "old")
	if err := errors.Join(os.Chmod(path, 0o640), os.Chown(path, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	if err := writeText(t, path, "new"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if uid, gid, _ := files.Owner(info); uid != nobody || gid != nobody || info.Mode().Perm() != 0o640 || readFile(t, path) != "new" {
		t.Errorf("owner %d, group %d, mode %v, text %q", uid, gid, info.Mode(), readFile(t, path))
	}
}

// Another user's file stays unchanged if its owner could not be preserved, and in a
// world-writable folder, where its owner may have created it to redirect the output.
func TestWriteToRefusesFilesOfOthers(t *testing.T) {
	asRoot(t)
	shared := filepath.Join(t.TempDir(), "shared")
	if err := errors.Join(os.Mkdir(shared, 0o777), os.Chmod(shared, 0o777|fs.ModeSticky)); err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(t.TempDir(), "victim")
	writeFile(t, victim, "old")
	file, link, fifo := filepath.Join(shared, "file"), filepath.Join(shared, "link"), filepath.Join(shared, "fifo")
	writeFile(t, file, "old")
	err := errors.Join(os.Symlink(victim, link), syscall.Mkfifo(fifo, 0o666))
	for _, name := range []string{file, link, fifo} {
		err = errors.Join(err, os.Lchown(name, nobody, nobody))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, link, fifo} {
		if err := writeText(t, name, "new"); err == nil || !strings.Contains(err.Error(), "belongs to another user and is in a world-writable folder; use another path") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if readFile(t, file) != "old" || readFile(t, victim) != "old" {
		t.Error("a file was written")
	}
	// osp follows our own link.
	if err := errors.Join(os.Lchown(link, 0, 0), writeText(t, link, "new")); err != nil || readFile(t, victim) != "new" {
		t.Errorf("our own link: %v, %q", err, readFile(t, victim))
	}
}

// A user who is not root cannot replace another user's file and keep its owner.
func TestOutOverAnotherUsersFile(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	path, report := filepath.Join(dir, "trace.json"), savedTrace(t)
	writeFile(t, path, "old")
	err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(path, 0o666), os.Chmod(report, 0o644), openAbove(dir), openAbove(report))
	if err != nil {
		t.Fatal(err)
	}
	r := runAs(t, nobody, dir, ospCopy(t), "trace", "show", report, "--out", path)
	if r.code != exitFailed || !strings.Contains(r.stderr, "belongs to another user (uid 0)") || readFile(t, path) != "old" {
		t.Errorf("%+v, text %q", r, readFile(t, path))
	}
	checkSentence(t, r)
}

// osp follows links, whether or not their target exists.
func TestWriteToFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	folder, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir+"/a/b", 0o755), os.Symlink("a/b", dir+"/ab"))
	must(os.Symlink("missing", dir+"/dangling"), os.Symlink("dangling", dir+"/twice"), os.Symlink(dir+"/a/absolute", dir+"/absolute"))
	must(os.Symlink("ab/../above", dir+"/behind")) // the kernel resolves it to a/above
	must(os.Symlink("loop", dir+"/loop"), os.Symlink("nowhere/file", dir+"/nofolder"))
	for name, target := range map[string]string{
		"dangling": "missing", "twice": "missing", "absolute": "a/absolute", "behind": "a/above", "ab/new": "a/b/new", "plain": "plain",
	} {
		if err := writeText(t, filepath.Join(dir, name), name); err != nil || readFile(t, filepath.Join(folder, target)) != name {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || name != target && name != "ab/new" && info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", name, info, err)
		}
	}
	for name, want := range map[string]error{
		"loop": syscall.ELOOP, "nofolder": fs.ErrNotExist, "a": syscall.EISDIR, "a/": syscall.EISDIR, "ab": syscall.EISDIR, "a/..": syscall.EISDIR, "plain/x": syscall.ENOTDIR,
	} {
		if err := writeText(t, dir+"/"+name, "x"); !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %v", name, err, want)
		}
	}
}

// The other names of a replaced file (hard links) keep the old content.
func TestWriteToKeepsHardLinks(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "trace.json"), filepath.Join(dir, "snapshot.json")
	writeFile(t, path, "old")
	if err := errors.Join(os.Link(path, other), writeText(t, path, "new")); err != nil {
		t.Fatal(err)
	}
	if readFile(t, path) != "new" || readFile(t, other) != "old" {
		t.Errorf("%q and %q", readFile(t, path), readFile(t, other))
	}
}

// osp writes to the paths of open descriptors directly, and never replaces or
// overwrites the files behind them.
func TestOutToADescriptor(t *testing.T) {
	dir := t.TempDir()
	report := savedTrace(t)
	want := osp(t, dir, "trace", "show", report).succeeded(t)
	for _, name := range []string{"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"} {
		if _, err := os.Stat(name); err != nil {
			continue // not on this system
		}
		log := filepath.Join(dir, "log")
		writeFile(t, log, "before\n")
		runCommand(t, dir, nil, "sh", "-c", `"$1" trace show "$2" --out "$3" >>log; echo after >>log`, "sh", ospBinary, report, name)
		if got := readFile(t, log); got != "before\n"+want+"after\n" {
			t.Errorf("%s: %q", name, got)
		}
		r := runCommand(t, dir, nil, "sh", "-c", `"$1" trace show "$2" --out "$3" | cat`, "sh", ospBinary, report, name)
		if r.succeeded(t) != want {
			t.Errorf("%s to a pipe: %+v", name, r)
		}
	}
	if entries, err := filepath.Glob(filepath.Join(dir, ".osp-*")); err != nil || len(entries) > 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
	r := osp(t, dir, "trace", "show", report, "--out", "/dev/fd/77")
	if r.code != exitFailed {
		t.Errorf("a descriptor that is not open: %+v", r)
	}
	checkSentence(t, r)
}
