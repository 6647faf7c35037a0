package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// sharedFolder creates a folder with the permissions of /tmp.
func sharedFolder(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "shared")
	if err := errors.Join(os.Mkdir(path, 0o777), os.Chmod(path, 0o777|fs.ModeSticky)); err != nil {
		t.Fatal(err)
	}
	return path
}

// osp refuses another user's link at any position of the path.
func TestOutThroughForeignLinks(t *testing.T) {
	asRoot(t)
	shared, victim := sharedFolder(t), t.TempDir()
	if err := os.Mkdir(filepath.Join(victim, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	report := savedTrace(t)
	link := filepath.Join(shared, "link")
	if err := errors.Join(os.Symlink(victim, link), os.Lchown(link, nobody, nobody), os.Symlink(link+"/sub", shared+"/ours")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link + "/file", link + "/sub/file", link + "/../file", shared + "/ours/file", link + "/sub/../file", link + "/./file"} {
		r := osp(t, shared, "trace", "show", report, "--out", name)
		if r.code != exitFailed || !strings.Contains(r.stderr, `the symbolic link "`+link+`" belongs to another user and is in a world-writable folder; use another path`) {
			t.Errorf("%s: %+v", name, r)
		}
		checkSentence(t, r)
	}
	err := filepath.WalkDir(victim, func(path string, e fs.DirEntry, err error) error {
		if !e.IsDir() {
			t.Errorf("%s was written", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// Our own link to a folder is followed.
	if err := os.Lchown(link, 0, 0); err != nil {
		t.Fatal(err)
	}
	if r := osp(t, shared, "trace", "show", report, "--out", link+"/file"); r.code != exitDone || readFile(t, victim+"/file") == "" {
		t.Errorf("our own link: %+v", r)
	}
}

// While another user creates and removes a link at the path of the output, osp never
// writes to the target of the link, and never takes the mode of the target.
func TestOutWhileALinkComesAndGoes(t *testing.T) {
	asRoot(t)
	shared := sharedFolder(t)
	if err := openAbove(shared); err != nil {
		t.Fatal(err)
	}
	victim, fifo := filepath.Join(shared, "victim"), filepath.Join(t.TempDir(), "fifo")
	writeFile(t, victim, "old")
	makeFIFO(t, fifo)
	openFile(t, fifo, os.O_RDWR)
	for _, target := range []string{victim, fifo} {
		path := filepath.Join(shared, "report")
		stop := comeAndGo(t, target, path)
		for written, refused := 0, 0; written < 1000 || refused < 100; {
			if err := writeText(t, path, "new"); err != nil {
				refused++
				continue // osp saw and refused the link
			}
			written++
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != newFileMode {
				t.Fatalf("a link to %s: the new file is %v, %v", target, info, err)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		stop()
	}
	if readFile(t, victim) != "old" {
		t.Error("the file behind the link was written")
	}
}

// comeAndGo creates and removes a link as another user, again and again, until stop
// is called or the test ends.
func comeAndGo(t *testing.T, target, path string) (stop func()) {
	t.Helper()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(nobody); err != nil {
			panic(err)
		}
		for {
			select {
			case <-done:
				_ = os.Remove(path) // it may not be there
				return
			default:
				_ = os.Symlink(target, path)
				_ = os.Remove(path)
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(done); <-ended })
	t.Cleanup(stop)
	return stop
}

// osp does not write to a pipe that replaced the pipe that it checked.
func TestOutToAReplacedPipe(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	makeFIFO(t, first)
	makeFIFO(t, second)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(second, link); err != nil {
		t.Fatal(err)
	}
	openFile(t, second, os.O_RDWR)
	info, err := os.Lstat(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openSpecial(second, info); err == nil || !strings.Contains(err.Error(), "another process replaced it") {
		t.Errorf("another pipe: %v", err)
	}
	if _, err := openSpecial(link, info); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link: %v", err)
	}
}

// The error says why the file cannot be written.
func TestOutNamesTheReason(t *testing.T) {
	dir, report := t.TempDir(), savedTrace(t)
	writeFile(t, dir+"/plain", "")
	for name, want := range map[string]string{
		"nodir/x":    `cannot write the file "nodir/x": cannot create a file in the folder "nodir": no such file or directory`,
		"nodir/a/x":  `cannot write the file "nodir/a/x": cannot create a file in the folder "nodir": no such file or directory`,
		"newdir/":    `cannot write the file "newdir/": cannot create a file in the folder "newdir": no such file or directory`,
		"newdir/.":   `cannot write the file "newdir/.": cannot create a file in the folder "newdir": no such file or directory`,
		"nodir/../x": `cannot write the file "nodir/../x": cannot create a file in the folder "nodir": no such file or directory`,
		".":          `cannot write the file ".": is a directory`,
		"..":         `cannot write the file "..": is a directory`,
		"/":          `cannot write the file "/": is a directory`,
		"plain/":     `cannot write the file "plain/": not a directory`,
		"plain/x":    `cannot write the file "plain/x": not a directory`,
		"plain/../x": `cannot write the file "plain/../x": not a directory`,
	} {
		r := osp(t, dir, "trace", "show", report, "--out", name)
		if r.code != exitFailed || r.stderr != "osp: "+want+"\n" {
			t.Errorf("%s: %+v; want %q", name, r, want)
		}
	}
}

// A user without the right to change owners cannot preserve the owner of a file.
func TestOutWhereTheOwnerCannotBeKept(t *testing.T) {
	asRoot(t)
	path, report := filepath.Join(t.TempDir(), "trace.txt"), savedTrace(t)
	writeFile(t, path, "old")
	if err := os.Chown(path, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	r := runCommand(t, t.TempDir(), nil, "setpriv", "--bounding-set=-chown", "--inh-caps=-chown", ospBinary, "trace", "show", report, "--out", path)
	want := `osp: cannot write the file "` + path + `": its owner and group cannot be preserved: operation not permitted; remove it, or use another path` + "\n"
	if r.code != exitFailed || r.stderr != want || readFile(t, path) != "old" {
		t.Errorf("%+v; want %q", r, want)
	}
}

// Users can replace their own file if they have left its group. The new group and all
// other users get only the permissions that both had before.
func TestOutWhereOnlyTheGroupCannotBeKept(t *testing.T) {
	asRoot(t)
	const adm = 4
	dir, report, binary := t.TempDir(), savedTrace(t), ospCopy(t)
	if err := errors.Join(os.Chmod(report, 0o644), openAbove(report), openAbove(dir+"/x"), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "trace.txt")
	for mode, want := range map[fs.FileMode]fs.FileMode{0o664: 0o644, 0o660: 0o600, 0o640: 0o600, 0o604: 0o600, 0o644: 0o644, 0o666: 0o666} {
		_ = os.Remove(path) // the file of the previous case
		writeFile(t, path, "old")
		if err := errors.Join(os.Chown(path, nobody, adm), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		r := runAs(t, nobody, dir, binary, "trace", "show", report, "--out", path)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if uid, gid, _ := files.Owner(info); r.code != exitDone || uid != nobody || gid != nobody || info.Mode() != want || readFile(t, path) == "old" {
			t.Errorf("mode %v: %+v, owner %d, group %d, mode %v; want %v", mode, r, uid, gid, info.Mode(), want)
		}
	}
}

// osp writes to inherited descriptors only, not to descriptors that it opened itself.
func TestOutToADescriptorOfOsp(t *testing.T) {
	own := openFile(t, filepath.Join(t.TempDir(), "fifo-or-file"), os.O_RDWR|os.O_CREATE)
	name := "/dev/fd/" + strconv.Itoa(int(own.Fd()))
	if err := writeText(t, name, "new"); err == nil || !strings.Contains(err.Error(), "was not open when osp started") {
		t.Errorf("a descriptor of osp: %v", err)
	}
	if readFile(t, own.Name()) != "" {
		t.Error("it was written to")
	}
	dir, report := t.TempDir(), savedTrace(t)
	want := osp(t, dir, "trace", "show", report).succeeded(t)
	r := runCommand(t, dir, nil, "sh", "-c", `echo before >log; "$1" trace show "$2" --out /dev/fd/7 7>>log`, "sh", ospBinary, report)
	if r.succeeded(t) != "" || readFile(t, dir+"/log") != "before\n"+want {
		t.Errorf("an inherited descriptor: %+v, %q", r, readFile(t, dir+"/log"))
	}
	// osp does not overwrite an open file of another process.
	pid := strconv.Itoa(os.Getpid())
	r = osp(t, dir, "trace", "show", report, "--out", "/proc/"+pid+"/fd/"+strconv.Itoa(int(own.Fd())))
	if r.code != exitFailed || !strings.Contains(r.stderr, "use the path of the file itself") || readFile(t, own.Name()) != "" {
		t.Errorf("a file of another process: %+v", r)
	}
}
