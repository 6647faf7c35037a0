package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// likeTmp makes a folder in which everybody may create files, like /tmp.
func likeTmp(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		if testenv.Required() {
			t.Fatal("this test needs root, to give files away")
		}
		testenv.Missing(t, "this test needs root, to give files away")
	}
	dir := filepath.Join(testenv.OpenFolder(t), "tmp")
	must(t, os.Mkdir(dir, 0o700), os.Chmod(dir, os.ModeSticky|0o777))
	return dir
}

// plants are the ways in which another account could get at the notifications.
var plants = map[string]struct {
	plant func(path string) error
	want  string
}{
	"a file that everybody may write": {func(path string) error {
		return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o666), os.Chown(path, testenv.Nobody, testenv.Nobody))
	}, "everybody may write it"},
	"a file": {func(path string) error {
		return errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, testenv.Nobody, testenv.Nobody))
	}, `it belongs to the user "nobody", in a folder in which everybody may make files`},
	"a link": {func(path string) error {
		return errors.Join(os.WriteFile(path+".target", nil, 0o600), os.Symlink(path+".target", path), os.Lchown(path, testenv.Nobody, testenv.Nobody))
	}, `belongs to the user "nobody", in a folder in which everybody may make links`},
}

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

// A file that another account planted is not used, whether it existed from the
// beginning or replaced the service's own file.
func TestForeignStore(t *testing.T) {
	testenv.Root(t)
	for name, c := range plants {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(likeTmp(t), "store.jsonl")
			must(t, c.plant(path))
			s, err := file.Open("file://" + path)
			must(t, err)
			for _, err := range []error{s.Ping(t.Context()), s.Write(t.Context(), named("secret"))} {
				if err == nil || !strings.Contains(err.Error(), c.want) && !kernelRefuses(t) {
					t.Errorf("the error is %v, want %s", err, c.want)
				}
			}
			must(t, s.Close())
			s, err = store.Open(t.Context(), "file://"+path+"?osp_allow_shared=yes")
			if err == nil {
				err = errors.Join(s.Write(t.Context(), named("x-start")), s.Close())
			}
			if err != nil && !kernelRefuses(t) {
				t.Errorf("it is refused though it is allowed: %v", err)
			}
		})
		t.Run(name+", under a running store", func(t *testing.T) {
			path := filepath.Join(likeTmp(t), "store.jsonl")
			s, err := file.Open("file://" + path)
			must(t, err)
			defer func() { _ = s.Close() }()
			must(t, s.Write(t.Context(), named("own")), os.Rename(path, path+".old"), c.plant(path))
			err = s.Write(t.Context(), named("secret"))
			if err == nil || !strings.Contains(err.Error(), c.want) && !kernelRefuses(t) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
			var failed *store.WriteError
			if errors.As(err, &failed) && failed.Transient {
				t.Error("the error is transient")
			}
		})
	}
}

// A folder to which a link of another account leads is refused as a place for
// the store, whether or not the file exists.
func TestForeignLinkToAFolder(t *testing.T) {
	for _, exists := range []bool{false, true} {
		link, target := filepath.Join(likeTmp(t), "link"), t.TempDir()
		must(t, os.Symlink(target, link), os.Lchown(link, testenv.Nobody, testenv.Nobody))
		if exists {
			must(t, os.WriteFile(filepath.Join(target, "store.jsonl"), nil, 0o600))
		}
		want := fmt.Sprintf("the symbolic link %q belongs to the user \"nobody\"", link)
		s, err := file.Open("file://" + filepath.Join(link, "store.jsonl"))
		must(t, err)
		err = s.Ping(t.Context())
		must(t, s.Close())
		if err == nil || !strings.Contains(err.Error(), want) && !kernelRefuses(t) {
			t.Errorf("the file exists: %v: %v; want %s", exists, err, want)
		}
		if entries, err := os.ReadDir(target); err != nil || !exists && len(entries) > 0 {
			t.Errorf("made in the folder: %v, %v", entries, err)
		}
	}
}

// If a pipe or a device replaces the file, Write returns an error, because a
// pipe or a device would swallow what is written to it.
func TestNoOrdinaryFileLater(t *testing.T) {
	for name, place := range map[string]func(path string) error{
		"a pipe":           func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to a null": func(path string) error { return os.Symlink("/dev/null", path) },
	} {
		s, path := openNew(t, "", file.WithSync(false))
		must(t, s.Write(t.Context(), named("before")), os.Remove(path), place(path))
		if err := s.Write(t.Context(), named("lost")); err == nil || !strings.Contains(err.Error(), "it is not a regular file") {
			t.Errorf("%s: the error is %v", name, err)
		}
		if got := summary(s.Notifications(t.Context(), "B")); !strings.Contains(got, "it is not a regular file") {
			t.Errorf("%s: reading gives %s", name, got)
		}
	}
}

// While the folder is missing, Write returns a transient error.
func TestFolderAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	must(t, os.Mkdir(dir, 0o700))
	s, err := file.Open("file://" + filepath.Join(dir, "store.jsonl"))
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, s.Write(t.Context(), named("before")), os.Rename(dir, dir+".away"))
	err = s.Write(t.Context(), named("away"))
	var failed *store.WriteError
	if !errors.As(err, &failed) || !failed.Transient {
		t.Errorf("a folder that is away is the error %v", err)
	}
	must(t, os.Rename(dir+".away", dir), s.Write(t.Context(), named("back")))
	if got := summary(s.Notifications(t.Context(), "B")); got != "before, back" {
		t.Errorf("got %s", got)
	}
}

// tooManyFiles limits the open files of the process, so that there is none for a lock or a new file.
func tooManyFiles(path string) error {
	s, err := file.Open("file://" + path)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Ping(context.Background()); err != nil {
		return err
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	if err := os.Rename(path, path+".1"); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: before.Max}); err != nil {
		return err
	}
	refused := s.Write(context.Background(), named("meanwhile"))
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		return err
	}
	var failed *store.WriteError
	if !errors.As(refused, &failed) || !failed.Transient || !errors.Is(refused, syscall.EMFILE) {
		return errors.Join(errors.New("want an error that may pass"), refused)
	}
	return s.Write(context.Background(), named("after"))
}

func TestTooManyOpenFiles(t *testing.T) {
	start(t, "files", filepath.Join(t.TempDir(), "store.jsonl"))()
}

// A deletion keeps the owner and the group of the file.
func TestDeleteKeepsOwner(t *testing.T) {
	testenv.Root(t)
	s, path := openNew(t, line("a")+"\n"+of("C", "o")+"\n")
	must(t, s.Close(), os.Chown(path, testenv.Nobody, testenv.Nobody), os.Chmod(path, 0o660))
	s, err := file.Open("file://"+path, file.WithSharedFile())
	must(t, err)
	_, err = s.Delete(t.Context(), "B")
	must(t, err, s.Close())
	info, err := os.Stat(path)
	must(t, err)
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid != testenv.Nobody || stat.Gid != testenv.Nobody || info.Mode().Perm() != 0o660 {
		t.Errorf("the new file belongs to %d:%d and has the mode %v", stat.Uid, stat.Gid, info.Mode())
	}
}
