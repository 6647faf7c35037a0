package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// kernelRefuses reports whether the kernel itself keeps even root from using
// files and links of others in such a folder.
func kernelRefuses(t *testing.T) bool {
	t.Helper()
	links, err := os.ReadFile("/proc/sys/fs/protected_symlinks")
	must(t, err)
	regular, err := os.ReadFile("/proc/sys/fs/protected_regular")
	must(t, err)
	return strings.TrimSpace(string(links))+strings.TrimSpace(string(regular)) != "00"
}

// likeTmp makes a folder in which everybody may make files.
func likeTmp(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(testenv.OpenFolder(t), "tmp")
	must(t, os.Mkdir(dir, 0o700), os.Chmod(dir, os.ModeSticky|0o777))
	return dir
}

// plant makes a file of another account, with a mode.
func plant(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600), os.Chmod(path, mode), os.Chown(path, testenv.Nobody, testenv.Nobody))
}

// A database that another account planted is not written to.
func TestForeignStore(t *testing.T) {
	testenv.Root(t)
	for name, c := range map[string]struct {
		plant func(t *testing.T, path string)
		want  string
	}{
		"an empty file": {func(t *testing.T, path string) { plant(t, path, "", 0o666) }, "everybody may write it"},
		"a database":    {func(t *testing.T, path string) { plant(t, path, string(backupOf(t, "x")), 0o600) }, `it belongs to the user "nobody", in a folder in which`},
		"a link": {func(t *testing.T, path string) {
			must(t, os.Symlink(path+".x", path), os.Lchown(path, testenv.Nobody, 0))
		}, `belongs to the user "nobody", in a folder in which everybody may make links`},
		"a journal":         {func(t *testing.T, path string) { plant(t, path+"-journal", "", 0o600) }, `-journal": it belongs to the user "nobody", in a folder in which`},
		"a write-ahead log": {func(t *testing.T, path string) { plant(t, path+"-wal", "", 0o644) }, `-wal": it belongs to the user "nobody", in a folder in which`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(likeTmp(t), "store.db")
			c.plant(t, path)
			refused(t, path, c.want)
			s, err := store.Open(t.Context(), "sqlite:///"+path+"?osp_allow_shared=yes")
			if err == nil {
				err = errors.Join(s.Write(t.Context(), one("x-start")), s.Close())
			}
			if err != nil && !kernelRefuses(t) {
				t.Errorf("it is refused though it is allowed: %v", err)
			}
		})
		t.Run(name+", under a running store", func(t *testing.T) {
			path := filepath.Join(likeTmp(t), "store.db")
			s, err := openAt(path)
			must(t, err)
			defer func() { must(t, s.Close()) }()
			write(t, s, event("A", "own", ""))
			must(t, os.Rename(path, path+".old"))
			if strings.HasPrefix(name, "a journal") || strings.HasPrefix(name, "a write") {
				must(t, os.Rename(path+".old", path))
			}
			c.plant(t, path)
			if err := s.Write(t.Context(), one("secret")); err == nil || !strings.Contains(err.Error(), c.want) && !kernelRefuses(t) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// A folder to which a link of another account leads is refused as a place for
// the database, whether or not the file exists.
func TestForeignLinkToAFolder(t *testing.T) {
	for _, exists := range []bool{false, true} {
		link, target := filepath.Join(likeTmp(t), "link"), t.TempDir()
		must(t, os.Symlink(target, link), os.Lchown(link, testenv.Nobody, testenv.Nobody))
		if exists {
			must(t, os.WriteFile(filepath.Join(target, "store.db"), backupOf(t, "x"), 0o600))
		}
		refused(t, filepath.Join(link, "store.db"), fmt.Sprintf("the symbolic link %q belongs to the user \"nobody\"", link))
		if entries, err := os.ReadDir(target); err != nil || !exists && len(entries) > 0 {
			t.Errorf("made in the folder: %v, %v", entries, err)
		}
	}
}

func refused(t *testing.T, path, want string) {
	t.Helper()
	s, err := openAt(path)
	if err == nil {
		t.Error("it was opened")
		_ = s.Close()
		return
	}
	if (!strings.HasPrefix(err.Error(), "cannot write notifications into the file ") || !strings.Contains(err.Error(), want)) && !kernelRefuses(t) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A reader can read a database that everybody may write, and services of one
// group may share a database.
func TestSharedStore(t *testing.T) {
	testenv.Root(t)
	path := filepath.Join(likeTmp(t), "store.db")
	plant(t, path, string(backupOf(t, "x")), 0o666)
	readAnew(t, path, "x")
	path = filepath.Join(testenv.OpenFolder(t), "store.db")
	plant(t, path, string(backupOf(t, "x")), 0o660)
	s, err := openAt(path)
	must(t, err)
	must(t, s.Write(t.Context(), one("y")), s.Close())
	own := filepath.Join(likeTmp(t), "store.db")
	must(t, os.WriteFile(own, nil, 0o600), os.Chmod(own, 0o666))
	if got := asNobody(t, own); !strings.Contains(got, fmt.Sprintf("into the file %q: everybody may write it", own)) {
		t.Errorf("got %s", got)
	}
	if info, err := os.Stat(own); err != nil || info.Size() > 0 {
		t.Errorf("it was written: %v (%v)", info, err)
	}
}
