package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const volumeTrace = "bd42e134-f9ae-46c9-beaa-907d76e25bda"

// openTrace runs trace open with its own folder of temporary files and additional variables.
func openTrace(t *testing.T, temp string, env []string, args ...string) result {
	t.Helper()
	env = append(append(cleanEnv(), "TMPDIR="+temp, "DISPLAY=", "WAYLAND_DISPLAY=", "BROWSER="), env...)
	return runCommand(t, t.TempDir(), env, append([]string{ospBinary, "trace", "open"}, args...)...)
}

func volumeReport(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../reader/testdata/openstack/09-cinder-volume-create.report.json")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenWithoutBrowser(t *testing.T) {
	temp := t.TempDir()
	r := openTrace(t, temp, nil, volumeReport(t))
	if want := "there is no web browser here; open the file above in one\n"; r.code != exitDone || r.stderr != want {
		t.Fatalf("exit code %d, want 0 and %q\n%s", r.code, want, r.stderr)
	}
	path := strings.TrimSuffix(r.stdout, "\n")
	if filepath.Dir(filepath.Dir(path)) != temp || filepath.Base(path) != "trace-"+volumeTrace+".html" {
		t.Errorf("the page is %q, want one in a folder of %q", path, temp)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v (%v), want the permissions %v", name, info.Mode(), err, want)
		}
	}
	if text := osp(t, temp, "trace", "show", path, "--text").succeeded(t); !strings.Contains(text, volumeTrace) {
		t.Errorf("the page is not read again: %s", text)
	}
}

func TestOpenInBrowser(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the browser is a shell script")
	}
	temp, dir := t.TempDir(), t.TempDir()
	browser, failing, seen := filepath.Join(dir, "my browser"), filepath.Join(dir, "failing"), filepath.Join(dir, "seen")
	writeFile(t, browser, fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$@\" >>'%s'\n", seen))
	writeFile(t, failing, "#!/bin/sh\nexit 3\n")
	writeFile(t, filepath.Join(dir, "xdg-open"), readFile(t, browser))
	for _, name := range []string{browser, failing, filepath.Join(dir, "xdg-open")} {
		if err := os.Chmod(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path := "PATH=" + dir + ":" + os.Getenv("PATH")
	for _, c := range []struct {
		name           string
		env            []string
		before, stderr string
	}{
		{"a name", []string{"BROWSER=nonesuch:failing:'" + browser + "'"}, "", ""},
		{"an argument", []string{"BROWSER='" + browser + "' --new %s"}, "--new\n", ""},
		{"in the background", []string{"BROWSER='" + browser + "' &"}, "", ""},
		{"the desktop", []string{"DISPLAY=:0"}, "", ""},
		{"Wayland", []string{"WAYLAND_DISPLAY=wayland-0", "BROWSER=failing"}, "", ""},
		{"none works", []string{"BROWSER=nonesuch:failing %s"}, "none", `cannot open a web browser: "nonesuch" failed: executable file not found in $PATH; "failing" failed: exit status 3; open the file above in one` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			writeFile(t, seen, "")
			r := openTrace(t, temp, append(c.env, path), volumeReport(t))
			if r.code != exitDone || r.stderr != c.stderr {
				t.Fatalf("exit code %d: %s", r.code, r.stderr)
			}
			want := c.before + "file://" + r.stdout
			if c.before == "none" {
				want = ""
			}
			if got := readFile(t, seen); got != want {
				t.Errorf("the browser got %q, want %q", got, want)
			}
		})
	}
}

// trace open gives a hint if the browser may be a snap and the page is in /tmp or in a
// hidden folder. A snap has its own /tmp, and sees no hidden folders of the user.
func TestSnapHint(t *testing.T) {
	before := snapBrowsers
	defer func() { snapBrowsers = before }()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	snapBrowsers = []string{filepath.Join(home, "snap", "firefox*")}
	if hint := snapHint("/tmp/osp-trace-1/trace.html"); hint != "" {
		t.Errorf("without snaps: %s", hint)
	}
	if err := os.Mkdir(filepath.Join(home, "snap"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(home, "snap", "firefox"), "")
	for path, want := range map[string]bool{
		"/tmp/osp-trace-1/trace.html": true, filepath.Join(home, "osp", "trace.html"): false, filepath.Join(home, ".cache", "trace.html"): true,
	} {
		if hint := snapHint(path); (hint != "") != want {
			t.Errorf("%s: the hint is %q, want one: %v", path, hint, want)
		}
	}
}

// TMPDIR may be relative. Pages of earlier runs, and other files there, stay.
func TestOpenInRelativeFolder(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "pages", "osp-trace-1", "trace-a.html")
	if err := os.MkdirAll(filepath.Dir(old), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, old, "")
	long := time.Now().Add(-1000 * time.Hour)
	if err := os.Chtimes(filepath.Dir(old), long, long); err != nil {
		t.Fatal(err)
	}
	r := runCommand(t, dir, []string{"TMPDIR=pages", "DISPLAY=", "WAYLAND_DISPLAY=", "BROWSER=echo %s"}, ospBinary, "trace", "open", volumeReport(t))
	path := strings.TrimSuffix(r.stdout, "\n")
	if r.code != exitDone || !filepath.IsAbs(path) || r.stderr != "file://"+path+"\n" {
		t.Errorf("exit code %d, the page is %q, the browser got %q", r.code, path, r.stderr)
	}
	if _, err := os.Stat(old); err != nil {
		t.Error(err)
	}
}

func TestOpenUsage(t *testing.T) {
	store, temp := storeOfIDs(t, "aaaa", "../../b c", "cccc"), t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"aaaa", "--connection-string", store}, exitDone, "/trace-aaaa.html\n"},
		{[]string{"../../b c", "--connection-string", store}, exitDone, "/trace-bc.html\n"},
		{[]string{"zzzz", "--connection-string", store}, exitNotFound, `no such trace: "zzzz"`},
		{nil, exitUsage, "give one base id, or a file with a saved report"},
		{[]string{"aaaa", "cccc", "--connection-string", store}, exitUsage, "give one base id, or a file with a saved report"},
	} {
		if r := openTrace(t, temp, nil, c.args...); r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.want) {
			t.Errorf("%q: exit code %d, want %d and %q\n%s%s", c.args, r.code, c.code, c.want, r.stdout, r.stderr)
		}
	}
}

func TestBrowserCommands(t *testing.T) {
	for _, c := range []struct {
		variable string
		want     []browserCommand
	}{
		{"", nil},
		{" : ", nil},
		{"firefox", []browserCommand{{[]string{"firefox", "%s"}, true}}},
		{`"my browser" --url='%s'`, []browserCommand{{[]string{"my browser", "--url=%s"}, false}}},
		{"w3m %s:lynx & ", []browserCommand{{[]string{"w3m", "%s"}, false}, {[]string{"lynx", "%s"}, true}}},
		{`a '' "b c"d`, []browserCommand{{[]string{"a", "", "b cd", "%s"}, true}}},
	} {
		if diff := cmp.Diff(c.want, chosenBrowsers(c.variable, true), cmp.AllowUnexported(browserCommand{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.variable, diff)
		}
	}
	for system, want := range map[string]string{"darwin": "open", "windows": "rundll32"} {
		if c := desktopBrowsers(system, func(string) string { return "" }); len(c) != 1 || c[0].args[0] != want {
			t.Errorf("%s: %v, want %s", system, c, want)
		}
	}
	if got, want := fileAddress("/tmp/a b/%#.html"), "file:///tmp/a%20b/%25%23.html"; got != want {
		t.Errorf("the address is %q, want %q", got, want)
	}
}
