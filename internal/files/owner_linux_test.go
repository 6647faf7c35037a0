package files_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// folder makes a folder with a mode, regardless of the umask.
func folder(t *testing.T, mode os.FileMode) string {
	t.Helper()
	dir := filepath.Join(testenv.OpenFolder(t), "folder")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode)); err != nil {
		t.Fatal(err)
	}
	return dir
}

const sticky = os.ModeSticky | 0o777

// CheckShared refuses a file if another account could have made it, or may write it.
func TestCheckShared(t *testing.T) {
	if os.Geteuid() != 0 {
		if testenv.Required() {
			t.Fatal("this test needs root, to give files away")
		}
		testenv.Missing(t, "this test needs root, to give files away")
	}
	for _, c := range []struct {
		name   string
		folder os.FileMode
		owner  int
		mode   os.FileMode
		want   string // "" if it is allowed
	}{
		{"its own", 0o755, 0, 0o640, ""},
		{"its own, readable for everybody", 0o755, 0, 0o644, ""},
		{"its own, writable for a group", 0o755, 0, 0o660, ""},
		{"its own, writable for everybody", 0o755, 0, 0o666, "everybody may write it"},
		{"its own, in /var/tmp", sticky, 0, 0o640, ""},
		{"its own, writable for everybody, in /var/tmp", sticky, 0, 0o666, "everybody may write it"},
		{"another's", 0o755, testenv.Nobody, 0o600, `it belongs to the user "nobody", and this process runs as the user "root"`},
		{"another's, shared by a group", 0o755, testenv.Nobody, 0o660, ""},
		{"another's, shared by a group, in a folder of the group", 0o2770, testenv.Nobody, 0o660, ""},
		{"another's, writable for everybody", 0o755, testenv.Nobody, 0o666, "everybody may write it"},
		{"another's, in /var/tmp", sticky, testenv.Nobody, 0o600, `it belongs to the user "nobody", in a folder in which everybody may make files`},
		{"another's, shared by a group, in /var/tmp", sticky, testenv.Nobody, 0o660, `it belongs to the user "nobody", in a folder in which everybody may make files`},
		{"another's, in a folder that everybody may write", 0o777, testenv.Nobody, 0o660, `it belongs to the user "nobody", in a folder in which everybody may make files`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(folder(t, c.folder), "file")
			if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, c.mode), os.Chown(path, c.owner, testenv.Nobody)); err != nil {
				t.Fatal(err)
			}
			err := files.CheckShared(path)
			if c.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "osp_allow_shared=yes") || !strings.Contains(err.Error(), path)) {
				t.Errorf("got %v, want an error that names the path, the option, and %q", err, c.want)
			}
		})
	}
}

// CheckShared refuses a symbolic link in a folder in which anybody could have made the link.
func TestCheckSharedLink(t *testing.T) {
	if os.Geteuid() != 0 {
		if testenv.Required() {
			t.Fatal("this test needs root, to give links away")
		}
		testenv.Missing(t, "this test needs root, to give links away")
	}
	for _, c := range []struct {
		name    string
		folder  os.FileMode
		owner   int
		refused bool
	}{
		{"own", 0o755, 0, false},
		{"own, in /var/tmp", sticky, 0, false},
		{"another's", 0o755, testenv.Nobody, false},
		{"another's, in /var/tmp", sticky, testenv.Nobody, true},
	} {
		for _, exists := range []bool{true, false} {
			target := filepath.Join(folder(t, 0o755), "target")
			path := filepath.Join(folder(t, c.folder), "link")
			if exists {
				if err := os.WriteFile(target, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(os.Symlink(target, path), os.Lchown(path, c.owner, c.owner)); err != nil {
				t.Fatal(err)
			}
			if err := files.CheckShared(path); (err != nil) != c.refused {
				t.Errorf("%s, to a file that exists: %v: %v", c.name, exists, err)
			}
		}
	}
}

// CheckShared refuses a symbolic link to a folder like a link to the file itself.
func TestCheckSharedLinkToAFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		if testenv.Required() {
			t.Fatal("this test needs root, to give links away")
		}
		testenv.Missing(t, "this test needs root, to give links away")
	}
	target, shared := folder(t, 0o755), folder(t, sticky)
	link := filepath.Join(shared, "link")
	if err := errors.Join(os.Mkdir(target+"/sub", 0o755), os.Symlink(target, link), os.Symlink(link+"/sub", target+"/ours")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link + "/new.db", link + "/sub/new.db", link + "/sub/../new.db", target + "/ours/new.db"} {
		if err := errors.Join(os.Lchown(link, 0, 0), files.CheckShared(path)); err != nil {
			t.Errorf("%s, through a link of root: %v", path, err)
		}
		if err := os.Lchown(link, testenv.Nobody, testenv.Nobody); err != nil {
			t.Fatal(err)
		}
		want := `the symbolic link "` + link + `" belongs to the user "nobody"`
		if err := files.CheckShared(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
}

// ResolveLinks does not follow the links of a process in /proc, which only the kernel can
// follow.
func TestResolveLinksOfProcesses(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	for path, want := range map[string]string{
		"/dev/stdout": own + "fd/1", "/proc/self/fd/1": own + "fd/1", "/proc/self/cwd/new": own + "cwd/new", "/proc/self/root/proc/self/fd/1": own + "root" + own + "fd/1",
		"/proc/self/cwd": own + "cwd", "/proc/self/fd/../stat": own + "stat",
	} {
		got, info, err := files.ResolveLinks(path)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, %v; want %q", path, got, info, err, want)
		}
	}
	if got, _, err := files.ResolveLinks("/proc/self/cwd/../x"); err == nil || !strings.Contains(err.Error(), `from the link "`+own+`cwd"`) {
		t.Errorf("the parent of a process's folder: %q, %v", got, err)
	}
	_, info, err := files.ResolveLinks(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("an open file: %v, %v; want the link", info, err)
	}
}
